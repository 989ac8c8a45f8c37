"""True areas: of pixels on the ellipsoid and of polygons."""

import numpy as np
import pyproj
import shapely
from numpy.typing import ArrayLike

from cropmine.errors import CropmineError
from cropmine.geo.grids import GEOD, Grid

SCALE_NODES = 33  # per axis; the areal scale between them is interpolated, for UTM and 41 km off by less than 1e-7


def measure_polygons(geometries: np.ndarray) -> np.ndarray:
    """Measure the true areas of lon/lat polygons (n,) that are small on the earth, m²: float64 (n,)."""
    _, south, _, north = shapely.bounds(geometries).T
    across, along = degree_metres((south + north) / 2)
    return np.nan_to_num(shapely.area(geometries) * across * along)


def degree_metres(lat: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """The metres of one degree of longitude and of latitude at latitudes in degrees, arrays of one shape."""
    phi = np.radians(lat)
    root = np.sqrt(1 - GEOD.es * np.sin(phi) ** 2)
    return np.radians(GEOD.a * np.cos(phi) / root), np.radians(GEOD.a * (1 - GEOD.es) / root**3)


def pixel_areas(grid: Grid, rows: tuple[int, int] | None = None) -> np.ndarray:
    """Give the true areas of pixels on the ellipsoid, m², of all rows or those from one to before another.

    Shape (h, 1) float64, exact, in EPSG:3857 and geographic CRS, where an area depends on the row alone; else (h, w)
    float32 by the projection's areal scale, or (1, 1) float64 where that is constant to 1e-6.
    """
    crs = grid.pyproj_crs
    top, bottom = rows or (0, grid.height)
    edges = grid.transform.f + np.arange(top, bottom + 1) * grid.transform.e
    if crs.is_geographic:
        radians = crs.axis_info[0].unit_conversion_factor
        return _cell_areas(edges * radians, grid.transform.a * radians, grid.geod)
    if _is_web_mercator(crs):
        radius = grid.geod.a  # of the sphere that its northings are counted on: the latitudes are geodetic
        return _cell_areas(np.arctan(np.sinh(edges / radius)), grid.transform.a / radius, grid.geod)
    return _scaled_areas(grid, top, bottom)


def _is_web_mercator(crs: pyproj.CRS) -> bool:
    source = crs.source_crs if crs.is_bound else crs
    operation = source.coordinate_operation if source else None
    return operation is not None and operation.method_name == "Popular Visualisation Pseudo Mercator"


def _cell_areas(latitudes: np.ndarray, longitudes: float, geod: pyproj.Geod) -> np.ndarray:
    """(h, 1) areas between h+1 parallels over a width in longitude, radians."""
    sine = np.sin(np.clip(latitudes, -np.pi / 2, np.pi / 2))
    e = max(np.sqrt(geod.es), 1e-9)  # of a sphere 0, where arctanh(e sine) / e tends to the sine
    zone = sine / (1 - geod.es * sine**2) + np.arctanh(e * sine) / e
    return (geod.b**2 / 2 * longitudes * -np.diff(zone))[:, None]


def _scaled_areas(grid: Grid, top: int, bottom: int) -> np.ndarray:
    cols = np.linspace(0, grid.width, SCALE_NODES)
    rows = np.linspace(0, grid.height, SCALE_NODES)
    x, y = np.meshgrid(grid.transform.c + cols * grid.transform.a, grid.transform.f + rows * grid.transform.e)
    lon, lat = grid.to_lonlat.transform(x, y)
    scale = pyproj.Proj(grid.pyproj_crs).get_factors(lon, lat).areal_scale
    if not np.isfinite(scale).all():
        raise CropmineError("grid", f"{grid.crs.to_string()} has no areas at {grid.bounds}", "is the CRS right?")
    unit = grid.crs.linear_units_factor[1]
    nodes = grid.transform.a * -grid.transform.e * unit**2 / scale
    if np.ptp(nodes) < 1e-6 * nodes.mean():
        return np.array([[nodes.mean()]])
    at_cols = _interpolation(np.arange(grid.width) + 0.5, cols)
    at_rows = _interpolation(np.arange(top, bottom) + 0.5, rows)
    return (at_rows @ nodes.astype(np.float32) @ at_cols.T).astype(np.float32)


def _interpolation(positions: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """(positions, nodes) float32 matrix of linear interpolation."""
    return np.stack([np.interp(positions, nodes, unit) for unit in np.eye(len(nodes))], axis=1).astype(np.float32)
