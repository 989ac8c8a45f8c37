"""Polygon files of any format and CRS, read onto a tile's grid."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyproj
import shapely

from cropmine.errors import CropmineError
from cropmine.grids import Grid

PARQUET = (".parquet", ".geoparquet")
VECTORS = (*PARQUET, ".gpkg", ".geojson", ".json", ".shp", ".fgb", ".kml", ".gml")
CLIP_MARGIN = 0.1
EDGES_ACROSS = 64  # of a grid: long edges get so many vertices before they are transformed, since lines bend
POLYGON, MULTIPOLYGON = 3, 6


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


def read_polygons(path: str | Path, grid: Grid, field: str | None = None) -> PolygonLayer:
    """Read the polygons of a vector file that meet a grid, repaired where they are invalid.

    Raises CropmineError if the file isn't readable, has no CRS, no such field, or geometries but no polygons.
    """
    if not Path(path).exists():
        raise CropmineError(path, "no such file")
    read = _read_parquet if Path(path).suffix.lower() in PARQUET else _read_ogr
    crs, geometries, values, bounds, clip = read(path, grid, field)
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


def _read_ogr(path: str | Path, grid: Grid, field: str | None):
    """CRS, geometries near the grid, values of the field, bounds of the file, box to clip to."""
    from pyogrio import errors, raw, read_info

    try:
        info = read_info(path, force_total_bounds=True)
        crs = _parse_crs(info["crs"], path)
        _check_field(field, info["fields"], path)
        clip = _clip_box(grid, crs)
        bounds = (np.nan,) * 4 if info["total_bounds"] is None else info["total_bounds"]
        if clip is None:
            return crs, np.empty(0, object), None if field is None else np.empty(0, object), bounds, clip
        _, _, wkb, columns = raw.read(path, columns=[field] if field else [], bbox=clip.bounds, force_2d=True)
    except (errors.DataSourceError, errors.DataLayerError) as error:
        raise CropmineError(path, f"not a readable vector file ({error})", "is the file whole?") from error
    if wkb is None:
        raise CropmineError(path, "holds no geometries", "this is a file of polygons")
    return crs, shapely.from_wkb(wkb), np.asarray(columns[0], object) if field else None, bounds, clip


def _read_parquet(path: str | Path, grid: Grid, field: str | None):
    import geopandas
    from pyarrow import ArrowException

    try:
        frame = geopandas.read_parquet(path)
    except (ArrowException, ValueError) as error:
        raise CropmineError(path, f"not a readable GeoParquet file ({error})", "is the file whole?") from error
    crs = _parse_crs(frame.crs, path)
    _check_field(field, frame.columns, path)
    geometries = shapely.force_2d(frame.geometry.to_numpy())
    values = frame[field].to_numpy(object) if field else None
    return crs, geometries, values, frame.total_bounds, _clip_box(grid, crs)


def _parse_crs(crs, path: str | Path) -> pyproj.CRS:
    if crs is None:
        raise CropmineError(path, "the file has no CRS", "write it with one, such as EPSG:4326")
    return pyproj.CRS.from_user_input(crs)


def _check_field(field: str | None, fields, path: str | Path) -> None:
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


def _place(geometries: np.ndarray, clip: shapely.Polygon | None, crs: pyproj.CRS, grid: Grid):
    """Polygons clipped and in the grid's CRS, and the position of the geometry that each is a part of."""
    present = ~(shapely.is_missing(geometries) | shapely.is_empty(geometries))
    at = np.flatnonzero(present & shapely.intersects(geometries, clip)) if clip else np.empty(0, int)
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
        shapes = shapely.transform(shapes, transformer.transform, interleaved=False)
    return shapes, at
