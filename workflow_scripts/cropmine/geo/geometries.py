"""Vector geometries: transformed, reduced to polygons, moved onto a grid and burned into its pixels."""

import math

import geopandas
import numpy as np
import shapely
from numpy.typing import ArrayLike
from pyproj import CRS, Transformer
from rasterio.features import rasterize
from shapely import GeometryType

from cropmine.geo.grids import CRS_LONLAT, GEOD, Grid, transform_points

POLYGONAL = GeometryType.POLYGON, GeometryType.MULTIPOLYGON
CHORD_M = 1000.0  # an edge this long leaves its arc by 2 cm at 45 degrees
_CIRCLE_CORNERS = 64


def transform_shapes(geometries: np.ndarray, source: CRS | str, target: CRS | str) -> np.ndarray:
    """Transform geometries (n,) from one CRS to another, x before y in both."""
    if source == target:
        return np.array(geometries, dtype=object)
    transformer = Transformer.from_crs(source, target, always_xy=True)
    return np.asarray(shapely.transform(geometries, transform_points(transformer)), dtype=object)


def to_lonlat(geometries: np.ndarray, grid: Grid) -> np.ndarray:
    """Transform geometries (n,) from a grid's CRS to longitude and latitude on the CRS's own datum."""
    return (
        np.asarray(shapely.transform(geometries, transform_points(grid.to_lonlat))) if len(geometries) else geometries
    )


def outline_pixels(grid: Grid, rows: np.ndarray, columns: np.ndarray, side: int = 1) -> np.ndarray:
    """Outline pixels, or squares of `side` pixels with their own rows and columns, in longitude and latitude.

    rows, columns: int (n,), counted from the upper left. Returns polygons (n,).
    """
    across, down = side * grid.transform.a, side * grid.transform.e
    west, north = grid.transform.c + columns * across, grid.transform.f + rows * down
    return to_lonlat(np.asarray(shapely.box(west, north + down, west + across, north)), grid)


def place_on_grid(geometries: np.ndarray | geopandas.GeoSeries, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Find the EPSG:4326 polygons that meet a grid and take them into its CRS, long edges bent as they should be.

    Returns positions (n,) intp into `geometries` and polygons (n,) object. Those that are far from the grid are
    left out by geodesic distance, so that a polygon which the grid's CRS can't hold does no harm.
    """
    geometries = np.asarray(geometries, dtype=object)
    near = _near_grid(geometries, grid)
    lonlat = shapely.segmentize(geometries[near], math.degrees(CHORD_M / GEOD.a))
    placed = transform_shapes(lonlat, CRS_LONLAT, grid.pyproj_crs)
    west, south, east, north = shapely.bounds(placed).T
    left, bottom, right, top = grid.bounds
    meets = (west < right) & (east > left) & (south < top) & (north > bottom)  # false where not finite
    return near[meets], placed[meets]


def _near_grid(geometries: np.ndarray, grid: Grid) -> np.ndarray:
    """Positions of the lon/lat geometries whose circumcircles meet the grid's."""
    left, bottom, right, top = grid.bounds
    x, y = (part.ravel() for part in np.meshgrid(np.linspace(left, right, 21), np.linspace(bottom, top, 21)))
    to_lonlat = Transformer.from_crs(grid.pyproj_crs, CRS_LONLAT, always_xy=True)
    lon, lat = to_lonlat.transform(x, y)
    middle = len(lon) // 2
    reach = _distances(lon[middle], lat[middle], lon, lat).max()
    west, south, east, north = shapely.bounds(geometries).T
    own_lon, own_lat = (west + east) / 2, (south + north) / 2
    radius = np.maximum(_distances(own_lon, own_lat, west, south), _distances(own_lon, own_lat, west, north))
    gap = _distances(lon[middle], lat[middle], own_lon, own_lat)
    return np.flatnonzero(~(gap > (reach + radius) * 1.01 + 1))


def _distances(lon: ArrayLike, lat: ArrayLike, other_lon: ArrayLike, other_lat: ArrayLike) -> np.ndarray:
    """Geodesic distances in metres."""
    parts = np.broadcast_arrays(lon, lat, other_lon, other_lat)
    x, y, other_x, other_y = (np.ascontiguousarray(part, dtype=float) for part in parts)
    return np.asarray(GEOD.inv(x, y, other_x, other_y)[2])


def burn_polygons(polygons: np.ndarray, grid: Grid, all_touched: bool = False) -> np.ndarray:
    """Mark the pixels of a grid that have their centre in a polygon, or that one touches: bool (h, w)."""
    if not len(polygons):
        return np.zeros(grid.shape, bool)
    options = {"transform": grid.transform, "all_touched": all_touched, "dtype": "uint8"}
    return rasterize(polygons, grid.shape, **options).view(bool)


def burn_numbers(polygons: np.ndarray, numbers: np.ndarray, grid: Grid) -> np.ndarray:
    """Burn a number of each polygon into the pixels that have their centre in it: int32 (h, w), the last one wins.

    A pixel in no polygon is 0.
    """
    if not len(polygons):
        return np.zeros(grid.shape, np.int32)
    shapes = zip(polygons, numbers.tolist(), strict=True)
    return rasterize(shapes, grid.shape, transform=grid.transform, dtype="int32")


def keep_polygons(geometries: np.ndarray) -> np.ndarray:
    """Reduce geometries (n,) to their polygonal parts: lines and points that a cut or a repair left are dropped.

    Returns (n,) object, an empty polygon where nothing is left.
    """
    kept = np.array(geometries, dtype=object)
    kinds = shapely.get_type_id(kept)
    kept[~np.isin(kinds, (*POLYGONAL, GeometryType.GEOMETRYCOLLECTION))] = shapely.Polygon()
    for position in np.flatnonzero(kinds == GeometryType.GEOMETRYCOLLECTION):
        parts = shapely.get_parts(shapely.get_parts(kept[position]))
        kept[position] = shapely.union_all(parts[shapely.get_type_id(parts) == GeometryType.POLYGON])
    return kept


def draw_circles(points: np.ndarray, radius_m: float | None) -> np.ndarray:
    """Draw geodesic circles around lon/lat points (n,), as polygons (n,); `radius_m` in metres."""
    if not len(points):
        return points
    lon, lat = (np.repeat(part(points), _CIRCLE_CORNERS) for part in (shapely.get_x, shapely.get_y))
    azimuths = np.tile(np.linspace(0, 360, _CIRCLE_CORNERS, endpoint=False), len(points))
    ring_lon, ring_lat, _ = GEOD.fwd(lon, lat, azimuths, np.full(len(lon), radius_m))
    ring_lon = lon + (ring_lon - lon + 180) % 360 - 180  # not broken at the antimeridian
    rings = np.stack([ring_lon, ring_lat], axis=-1).reshape(len(points), _CIRCLE_CORNERS, 2)
    return np.asarray(shapely.polygons(rings), dtype=object)
