"""Polygon files of any format and CRS, read onto a tile's grid."""

import difflib
import json
import math
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import shapely
from numpy.typing import ArrayLike
from pyproj import CRS, Transformer

from cropmine.errors import CropmineError
from cropmine.geo.formats import VECTOR_HINT, check_vector
from cropmine.geo.grids import CRS_LONLAT, GEOD, Grid, transform_points

PARQUET = (".parquet", ".geoparquet")
VECTORS = (*PARQUET, ".gpkg", ".geojson", ".json", ".shp", ".fgb", ".kml")
MOST_FEATURES = 5_000_000
MOST_VERTICES = 5_000_000
MOST_OF_ONE = 200_000  # vertices of a geometry: jagged ones take the square of the time
MOST_CROSSINGS = 300_000
BYTES_OF_ONE = 24  # of a vertex with a height
SAMPLED_EDGES = 50
SIMPLE_BYTES = 2**16
MOST_DEPTH = 8
CLIP_MARGIN = 0.1
EDGES_ACROSS = 64  # of a grid: long edges get so many vertices before they are transformed, since lines bend
POLYGON, MULTIPOLYGON = POLYGONS = 3, 6  # shapely's type ids
CHORD_M = 1000.0  # an edge this long leaves its arc by 2 cm at 45 degrees
_CIRCLE_CORNERS = 64
# CRS, geometries near the grid, values of the field, bounds of the file, box to clip to
_Read = tuple[CRS, np.ndarray, np.ndarray | None, np.ndarray, shapely.Polygon | None]


@dataclass(frozen=True)
class PolygonLayer:
    """The polygons of a file that meet a grid, in the grid's CRS: (n,) shapely polygons, no multipolygons.

    `values` are those of a field, (n,) object, or None; `extent` are the polygons that the bounds of the whole file
    make on the grid.
    """

    polygons: np.ndarray
    values: np.ndarray | None
    extent: np.ndarray


def is_vector(path: str | Path) -> bool:
    """Tell by its suffix whether a file holds vectors."""
    return Path(path).suffix.lower() in VECTORS


@contextmanager
def reading_vector(path: str | Path) -> Iterator[None]:
    """Read a vector file in a block; whatever its reader says of a broken file becomes a CropmineError about it.

    Raises CropmineError if there is no such file, it isn't what its suffix says, or its rows are computed.
    """
    from pyarrow import ArrowException

    check_vector(path)
    try:
        yield
    except (ArrowException, shapely.errors.ShapelyError, RuntimeError, ValueError, LookupError, TypeError) as error:
        raise _refuse_vector(path, error) from error
    except (AttributeError, OSError, MemoryError) as error:
        raise _refuse_vector(path, error) from error


def _refuse_vector(path: str | Path, error: BaseException) -> CropmineError:
    told = (str(error).splitlines() or [""])[0] or type(error).__name__
    return CropmineError(path, f"not a readable vector file ({told})", VECTOR_HINT)


def check_size(path: str | Path, features: int) -> None:
    """Refuse a file that claims more features than it has bytes, or than can be held. Raises CropmineError."""
    size = Path(path).stat().st_size
    if features > size and Path(path).suffix.lower() not in PARQUET:
        raise CropmineError(path, f"claims {features} features in {size} bytes", "fetch or write the file anew")
    if features > MOST_FEATURES:
        hint = "cut it to the region, or take a raster of it"
        raise CropmineError(path, f"holds {features} features, and at most {MOST_FEATURES} are read", hint)


def check_vertices(path: str | Path, geometries: np.ndarray) -> None:
    """Refuse geometries that can't be worked with: too many vertices, places that aren't finite, endless crossings.

    Raises CropmineError.
    """
    vertices = shapely.get_num_coordinates(geometries)
    for count, most, of in ((vertices.sum(), MOST_VERTICES, ""), (vertices.max(initial=0), MOST_OF_ONE, " of one")):
        if count > most:
            what = f"holds {count} vertices{of}, and at most {most}{of} are read"
            raise CropmineError(path, what, "simplify its outlines, or cut it to the region")
    places, row = shapely.get_coordinates(geometries, return_index=True)
    if not np.isfinite(places).all():
        first = row[~np.isfinite(places).all(axis=1)][0] + 1
        raise CropmineError(
            path, f"row {first} has a coordinate that isn't a finite number", "draw it anew, or drop it"
        )
    polygonal = np.isin(shapely.get_type_id(geometries), (POLYGON, MULTIPOLYGON))
    for at in np.flatnonzero(polygonal & (vertices**2 > MOST_CROSSINGS)):
        if not shapely.is_valid(geometries[at]) and _estimate_crossings(geometries[at]) > MOST_CROSSINGS:
            what = f"row {at + 1} crosses itself over {MOST_CROSSINGS} times"
            raise CropmineError(path, what, "that is no outline of anything; draw it anew")


def _estimate_crossings(polygon: shapely.Geometry) -> float:
    """How often the edges of a polygon meet others, from some edges of it, evenly chosen."""
    ends, ring = shapely.get_coordinates(shapely.get_rings(polygon), return_index=True)
    edges = shapely.linestrings(np.stack([ends[:-1], ends[1:]], axis=1)[ring[:-1] == ring[1:]])
    chosen = edges[np.linspace(0, len(edges) - 1, SAMPLED_EDGES).round().astype(int)]
    return float(shapely.intersects(chosen[:, None], edges).sum(axis=1).mean()) * len(edges) / 2


def read_polygons(path: str | Path, grid: Grid, field: str | None = None) -> PolygonLayer:
    """Read the polygons of a vector file that meet a grid, repaired where they are invalid.

    Raises CropmineError if the file isn't readable, has no CRS, no such field, or geometries but no polygons.
    """
    read = _read_parquet if Path(path).suffix.lower() in PARQUET else _read_ogr
    with reading_vector(path):
        crs, geometries, values, bounds, clip = read(path, grid, field)
    check_vertices(path, geometries)
    if len(geometries) and not np.isin(shapely.get_type_id(geometries), (POLYGON, MULTIPOLYGON, 7)).any():
        raise CropmineError(path, "holds no polygons", "this is a file of polygons")
    polygons, at = _place(geometries, clip, crs, grid)
    extent, _ = _place(np.array([shapely.box(*bounds)] if np.isfinite(bounds).all() else [], object), clip, crs, grid)
    return PolygonLayer(polygons, None if values is None else values[at], extent)


def burn_polygons(polygons: np.ndarray, grid: Grid) -> np.ndarray:
    """Tell which pixels of a grid have their centre in a polygon, bool (h, w)."""
    if not len(polygons):
        return np.zeros(grid.shape, bool)
    from rasterio.features import rasterize

    return rasterize(polygons, grid.shape, transform=grid.transform, dtype="uint8").astype(bool)


def read_geoparquet(path: str | Path) -> geopandas.GeoDataFrame:
    """Read a GeoParquet file whole, as a GeoDataFrame. Its reader's errors are for reading_vector to tell."""
    import pyarrow as pa
    from pyarrow import compute as pc
    from pyarrow import parquet as pq

    told = pq.read_metadata(path)
    check_size(path, told.num_rows)
    for column in json.loads((told.metadata or {}).get(b"geo", b"{}")).get("columns", ()):
        parts = [told.row_group(place) for place in range(told.num_row_groups)]
        named = [part.column(place) for part in parts for place in range(part.num_columns)]
        size = sum(part.total_uncompressed_size for part in named if part.path_in_schema.split(".")[0] == column)
        if size > MOST_VERTICES * BYTES_OF_ONE + 128 * told.num_rows:
            what = f"holds {size // 10**6} MB of geometries, too many vertices"
            raise CropmineError(path, what, "simplify its outlines, or cut it to the region")
        for chunk in pq.read_table(path, columns=[column])[column].chunks:
            if pa.types.is_binary(chunk.type) or pa.types.is_large_binary(chunk.type):
                for place in np.flatnonzero(pc.binary_length(chunk).fill_null(0).to_numpy() > SIMPLE_BYTES):
                    _check_depth(path, chunk[int(place)].as_py())
    return geopandas.read_parquet(path)


def _check_depth(path: str | Path, wkb: bytes) -> None:
    """Refuse collections in collections in collections: the reader of WKB calls itself until the stack is full."""
    position, open_parts = 0, [1]
    while open_parts and position + 9 <= len(wkb):
        order = "<" if wkb[position] else ">"
        kind, count = struct.unpack_from(f"{order}II", wkb, position + 1)
        position += 9
        open_parts[-1] -= 1
        width = 8 * (2 + bool(kind & 0x80000000) + bool(kind & 0x40000000) + (kind % 0x10000000 // 1000 + 1) // 2)
        position += 4 if kind & 0x20000000 else 0
        kind = kind % 0x10000000 % 1000
        if kind == 1:
            position += width - 4
        elif kind in (2, 8):
            position += count * width
        elif kind in (3, 17):
            for _ in range(count):
                if position + 4 > len(wkb):
                    return
                position += 4 + struct.unpack_from(f"{order}I", wkb, position)[0] * width
        else:
            open_parts.append(count)
        while open_parts and not open_parts[-1]:
            open_parts.pop()
        if len(open_parts) > MOST_DEPTH:
            raise CropmineError(path, f"holds collections {MOST_DEPTH} deep and deeper", "this is a file of polygons")


def _read_ogr(path: str | Path, grid: Grid, field: str | None) -> _Read:
    from pyogrio import raw, read_info

    info = read_info(path, force_feature_count=True, force_total_bounds=True)
    check_size(path, info["features"])
    crs = parse_crs(info["crs"], path)
    _check_field(field, info["fields"], path)
    clip = _clip_box(grid, crs)
    bounds = np.full(4, np.nan) if info["total_bounds"] is None else np.asarray(info["total_bounds"])
    if clip is None:
        return crs, np.empty(0, object), None if field is None else np.empty(0, object), bounds, clip
    _, _, wkb, columns = raw.read(path, columns=[field] if field else [], bbox=clip.bounds, force_2d=True)
    if wkb is None:
        raise CropmineError(path, "holds no geometries", "this is a file of polygons")
    return crs, shapely.from_wkb(wkb), np.asarray(columns[0], object) if field else None, bounds, clip


def _read_parquet(path: str | Path, grid: Grid, field: str | None) -> _Read:
    frame = read_geoparquet(path)
    crs = parse_crs(frame.crs, path)
    _check_field(field, frame.columns, path)
    geometries = shapely.force_2d(frame.geometry.to_numpy())
    values = frame[field].to_numpy(object) if field else None
    return crs, geometries, values, frame.total_bounds, _clip_box(grid, crs)


def parse_crs(crs: Any, path: str | Path) -> pyproj.CRS:
    """The CRS that a vector file states, in any form that pyproj reads. Raises CropmineError for None."""
    if crs is None:
        raise CropmineError(path, "the file has no CRS", "write it with one, such as EPSG:4326")
    return pyproj.CRS.from_user_input(crs)


def _check_field(field: str | None, fields: Iterable[object], path: str | Path) -> None:
    if field is not None and field not in list(fields):
        raise CropmineError(path, f"there is no field {field!r}", f"its fields: {', '.join(map(str, fields))}")


def _clip_box(grid: Grid, crs: pyproj.CRS) -> shapely.Polygon | None:
    """The grid's bounds in another CRS and a margin, or None where that CRS can't hold the grid."""
    transformer = pyproj.Transformer.from_crs(grid.pyproj_crs, crs, always_xy=True)
    west, south, east, north = transformer.transform_bounds(*grid.bounds, densify_pts=21)
    if not np.isfinite([west, south, east, north]).all() or east <= west or north <= south:
        return None
    x, y = CLIP_MARGIN * (east - west), CLIP_MARGIN * (north - south)
    return shapely.box(west - x, south - y, east + x, north + y)


def _place(
    geometries: np.ndarray, clip: shapely.Polygon | None, crs: pyproj.CRS, grid: Grid
) -> tuple[np.ndarray, np.ndarray]:
    """Polygons clipped and in the grid's CRS, and the position of the geometry that each is a part of."""
    if clip is None:
        return np.empty(0, object), np.empty(0, int)
    present = ~(shapely.is_missing(geometries) | shapely.is_empty(geometries))
    at = np.flatnonzero(present & shapely.intersects(geometries, clip))
    shapes = geometries[at]
    broken = ~shapely.is_valid(shapes)
    shapes[broken] = shapely.make_valid(shapes[broken])
    beyond = ~shapely.within(shapes, clip)
    shapes[beyond] = shapely.intersection(shapes[beyond], clip)
    for _ in range(2):  # a repair or a cut may leave a multipolygon in a collection
        shapes, part_of = shapely.get_parts(shapes, return_index=True)
        at = at[part_of]
    polygonal = shapely.get_type_id(shapes) == POLYGON
    shapes, at = shapes[polygonal], at[polygonal]
    if crs != grid.pyproj_crs and len(shapes):
        west, south, east, north = clip.bounds
        transformer = pyproj.Transformer.from_crs(crs, grid.pyproj_crs, always_xy=True)
        shapes = shapely.segmentize(shapes, max(east - west, north - south) / EDGES_ACROSS)
        shapes = shapely.transform(shapes, transform_points(transformer))
    return shapes, at


def read_lonlat() -> CRS:
    """The CRS of labels, EPSG:4326."""
    return CRS.from_user_input(CRS_LONLAT)


def transform_shapes(geometries: np.ndarray, source: CRS, target: CRS) -> np.ndarray:
    """Transform geometries (n,) from one CRS to another, x before y in both."""
    if source == target:
        return np.array(geometries, dtype=object)
    transformer = Transformer.from_crs(source, target, always_xy=True)
    return np.asarray(shapely.transform(geometries, transform_points(transformer)), dtype=object)


def place_on_grid(geometries: np.ndarray | geopandas.GeoSeries, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Find the EPSG:4326 polygons that meet a grid and take them into its CRS, long edges bent as they should be.

    Returns positions (n,) intp into `geometries` and polygons (n,) object. Those that are far from the grid are told
    by geodesic distance, so a polygon that the grid's CRS can't hold does no harm.
    """
    geometries = np.asarray(geometries, dtype=object)
    near = _near_grid(geometries, grid)
    lonlat = shapely.segmentize(geometries[near], math.degrees(CHORD_M / GEOD.a))
    placed = transform_shapes(lonlat, read_lonlat(), grid.pyproj_crs)
    west, south, east, north = shapely.bounds(placed).T
    left, bottom, right, top = grid.bounds
    meets = (west < right) & (east > left) & (south < top) & (north > bottom)  # false where not finite
    return near[meets], placed[meets]


def keep_polygons(geometries: np.ndarray) -> np.ndarray:
    """Reduce geometries (n,) to their polygonal parts: lines and points that a cut or a repair left are dropped.

    Returns (n,) object, an empty polygon where nothing is left.
    """
    kept = np.array(geometries, dtype=object)
    kinds = shapely.get_type_id(kept)
    kept[~np.isin(kinds, (*POLYGONS, 7))] = shapely.Polygon()
    for position in np.flatnonzero(kinds == 7):
        parts = shapely.get_parts(shapely.get_parts(kept[position]))
        kept[position] = shapely.union_all(parts[shapely.get_type_id(parts) == 3])
    return kept


def read_vector(path: Path) -> geopandas.GeoDataFrame:
    """Read a vector file of one layer with geometries. Raises CropmineError if that isn't what it is."""
    if not path.exists():
        near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*")], n=1)
        raise CropmineError(path, "no such file", f"{path.parent}/ has {near[0]}" if near else None)
    with reading_vector(path):
        frame = read_geoparquet(path) if path.suffix.lower() in PARQUET else _read_label_layer(path)
    if not isinstance(frame, geopandas.GeoDataFrame):
        raise CropmineError(path, "holds no geometries", "labels are polygons, or points with a radius")
    check_vertices(path, np.asarray(frame.geometry, dtype=object))
    return frame


def _read_label_layer(path: Path) -> pd.DataFrame:
    layers = [name for name, kind in pyogrio.list_layers(path) if kind is not None]
    if len(layers) > 1:
        raise CropmineError(path, f"holds several layers: {', '.join(layers)}", "keep one layer a file")
    layer = layers[0] if layers else None
    check_size(path, pyogrio.read_info(path, layer=layer, force_feature_count=True)["features"])
    return pyogrio.read_dataframe(path, layer=layer)


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


def _near_grid(geometries: np.ndarray, grid: Grid) -> np.ndarray:
    """Positions of the lon/lat geometries whose circumcircles meet the grid's."""
    left, bottom, right, top = grid.bounds
    x, y = (part.ravel() for part in np.meshgrid(np.linspace(left, right, 21), np.linspace(bottom, top, 21)))
    to_lonlat = Transformer.from_crs(grid.pyproj_crs, read_lonlat(), always_xy=True)
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
