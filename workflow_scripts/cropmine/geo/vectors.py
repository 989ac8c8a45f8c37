"""Vector files of any format and CRS: their header, one field, the polygons near a grid, or the whole table."""

import difflib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyarrow as pa
import pyogrio.raw
import pyproj
import shapely
from pyarrow import parquet as pq
from shapely import GeometryType

from cropmine.errors import CropmineError
from cropmine.geo.geometries import POLYGONAL
from cropmine.geo.grids import CRS_LONLAT, Grid, transform_points
from cropmine.geo.vector_formats import VECTOR_HINT, check_vector
from cropmine.geo.vector_limits import check_features, check_parquet, check_size, check_vertices

PARQUET = (".parquet", ".geoparquet")
VECTORS = (*PARQUET, ".gpkg", ".geojson", ".json", ".shp", ".fgb", ".kml")
CLIP_MARGIN = 0.1
EDGES_ACROSS = 64  # of a grid: long edges get as many vertices before they are transformed, since lines bend
# CRS, geometries near the grid, values of the field, bounds of the file, box to clip to
_Read = tuple[pyproj.CRS, np.ndarray, np.ndarray | None, np.ndarray, shapely.Polygon | None]


def is_vector(path: str | Path) -> bool:
    """Check by its suffix whether a file holds vectors."""
    return Path(path).suffix.lower() in VECTORS


def _is_parquet(path: str | Path) -> bool:
    return Path(path).suffix.lower() in PARQUET


@contextmanager
def _reading(path: str | Path) -> Iterator[None]:
    """Read a vector file in a block; any error of its reader becomes a CropmineError that names the file.

    Raises CropmineError if there is no such file, it isn't what its suffix says, or its rows are computed.
    """
    check_vector(path)
    try:
        yield
    except (pa.ArrowException, shapely.errors.ShapelyError, RuntimeError, ValueError, LookupError, TypeError) as error:
        raise _refuse_vector(path, error) from error
    except (AttributeError, OSError, MemoryError) as error:
        raise _refuse_vector(path, error) from error


def _refuse_vector(path: str | Path, error: BaseException) -> CropmineError:
    first = (str(error).splitlines() or [""])[0] or type(error).__name__
    return CropmineError(path, f"not a readable vector file ({first})", VECTOR_HINT)


@dataclass(frozen=True)
class VectorHeader:
    """What a vector file says of itself; bounds (west, south, east, north) in its CRS, NaN if it holds nothing."""

    path: str
    crs: pyproj.CRS
    bounds: tuple[float, float, float, float]
    fields: tuple[str, ...]
    kinds: tuple[str, ...]
    features: int


def read_vector_header(path: str | Path) -> VectorHeader:
    """Read the header of a vector file.

    Raises CropmineError if it isn't there, isn't readable, holds several layers or no geometries, or has no CRS.
    """
    with _reading(path):
        return _read_parquet_header(path) if _is_parquet(path) else _read_ogr_header(path)


def _read_ogr_header(path: str | Path) -> VectorHeader:
    _, info = _find_layer(path)
    fields, kinds = tuple(map(str, info["fields"])), (info["geometry_type"],)
    return VectorHeader(str(path), parse_crs(path, info["crs"]), info["total_bounds"], fields, kinds, info["features"])


def _find_layer(path: str | Path) -> tuple[str, dict[str, Any]]:
    """The layer of a file that OGR reads, the only one with geometries, and what pyogrio.read_info gives of it.

    Raises CropmineError if there is no such layer or several, or if it is too large.
    """
    layers = [name for name, kind in pyogrio.list_layers(path) if kind is not None]
    if not layers:
        raise CropmineError(path, "holds no geometries", "write polygons or points into it")
    if len(layers) > 1:
        raise CropmineError(path, f"holds several layers: {', '.join(layers)}", "keep one layer a file")
    info = pyogrio.read_info(path, layer=layers[0], force_feature_count=True, force_total_bounds=True)
    check_size(path, info["features"])
    bounds = (np.nan,) * 4 if info["total_bounds"] is None else info["total_bounds"]
    return layers[0], info | {"crs": info["crs"] or None, "total_bounds": bounds}


def _read_parquet_header(path: str | Path) -> VectorHeader:
    file = pq.ParquetFile(path)
    check_features(path, file.metadata.num_rows)
    metadata = file.schema_arrow.metadata or {}
    if b"geo" not in metadata:
        raise CropmineError(path, "a Parquet file without geometries", "write it as GeoParquet")
    geo = json.loads(metadata[b"geo"])
    primary = geo["primary_column"]
    column = geo["columns"][primary]
    crs = column.get("crs", CRS_LONLAT)  # GeoParquet: a CRS that isn't written is longitude and latitude
    fields = tuple(name for name in file.schema_arrow.names if name != primary)
    return VectorHeader(
        str(path),
        parse_crs(path, crs),
        _flatten_bounds(column["bbox"] if "bbox" in column else read_geoparquet(path).total_bounds),
        fields,
        tuple(column.get("geometry_types", ())),
        file.metadata.num_rows,
    )


def _flatten_bounds(bounds: Sequence[float]) -> tuple[float, float, float, float]:
    half = len(bounds) // 2  # 3 with heights
    return bounds[0], bounds[1], bounds[half], bounds[half + 1]


@dataclass(frozen=True)
class PolygonLayer:
    """The polygons of a file that meet a grid, in the grid's CRS: (n,) shapely polygons, no multipolygons.

    `values` are those of a field, (n,) object, or None; `extent` are the polygons that the bounds of the whole file
    make on the grid.
    """

    polygons: np.ndarray
    values: np.ndarray | None
    extent: np.ndarray


def read_polygons(path: str | Path, grid: Grid, field: str | None = None) -> PolygonLayer:
    """Read the polygons of a vector file that meet a grid, repaired where they are invalid.

    Raises CropmineError if the file isn't readable, has no CRS, no such field, or geometries but no polygons.
    """
    with _reading(path):
        read = _read_parquet_polygons if _is_parquet(path) else _read_ogr_polygons
        crs, geometries, values, bounds, clip = read(path, grid, field)
    check_vertices(path, geometries)
    held = (*POLYGONAL, GeometryType.GEOMETRYCOLLECTION)
    if len(geometries) and not np.isin(shapely.get_type_id(geometries), held).any():
        raise CropmineError(path, "holds no polygons", "this is a file of polygons")
    polygons, at = _place(geometries, clip, crs, grid)
    extent, _ = _place(np.array([shapely.box(*bounds)] if np.isfinite(bounds).all() else [], object), clip, crs, grid)
    return PolygonLayer(polygons, None if values is None else values[at], extent)


def _read_ogr_polygons(path: str | Path, grid: Grid, field: str | None) -> _Read:
    layer, info = _find_layer(path)
    crs, bounds = parse_crs(path, info["crs"]), np.asarray(info["total_bounds"])
    if field is not None:
        check_field(path, field, info["fields"])
    clip = _clip_box(grid, crs)
    if clip is None:
        return crs, np.empty(0, object), None if field is None else np.empty(0, object), bounds, clip
    options = {"columns": [field] if field else [], "bbox": clip.bounds, "force_2d": True}
    _, _, wkb, columns = pyogrio.raw.read(path, layer=layer, **options)
    return crs, shapely.from_wkb(wkb), np.asarray(columns[0], object) if field else None, bounds, clip


def _read_parquet_polygons(path: str | Path, grid: Grid, field: str | None) -> _Read:
    frame = read_geoparquet(path)
    crs = parse_crs(path, frame.crs)
    if field is not None:
        check_field(path, field, frame.columns.drop(frame.geometry.name))
    geometries = shapely.force_2d(frame.geometry.to_numpy())
    values = frame[field].to_numpy(object) if field else None
    return crs, geometries, values, frame.total_bounds, _clip_box(grid, crs)


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
    polygonal = shapely.get_type_id(shapes) == GeometryType.POLYGON
    shapes, at = shapes[polygonal], at[polygonal]
    if crs != grid.pyproj_crs and len(shapes):
        west, south, east, north = clip.bounds
        transformer = pyproj.Transformer.from_crs(crs, grid.pyproj_crs, always_xy=True)
        shapes = shapely.segmentize(shapes, max(east - west, north - south) / EDGES_ACROSS)
        shapes = shapely.transform(shapes, transform_points(transformer))
    return shapes, at


def read_vector(path: str | Path) -> geopandas.GeoDataFrame:
    """Read all rows of a vector file.

    Raises CropmineError if it isn't there, isn't readable, or holds several layers or no geometries.
    """
    path = Path(path)
    if not path.exists():
        near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*")], n=1)
        raise CropmineError(path, "no such file", f"{path.parent}/ has {near[0]}" if near else None)
    with _reading(path):
        frame = read_geoparquet(path) if _is_parquet(path) else pyogrio.read_dataframe(path, layer=_find_layer(path)[0])
    check_vertices(path, np.asarray(frame.geometry, dtype=object))
    return frame


def read_values(path: str | Path, field: str, most: int) -> list[Any]:
    """Read the different values of a field, of the first `most` rows unless the file is GeoParquet.

    Raises CropmineError if the file isn't there or isn't readable.
    """
    with _reading(path):
        if _is_parquet(path):
            return pq.read_table(path, columns=[field])[field].unique().to_pylist()
        options = {"columns": [field], "read_geometry": False, "max_features": most}
        return pyogrio.read_dataframe(path, layer=_find_layer(path)[0], **options)[field].unique().tolist()


def read_geoparquet(path: str | Path) -> geopandas.GeoDataFrame:
    """Read a GeoParquet file whole. Raises CropmineError if it is too large, else as geopandas.read_parquet."""
    check_parquet(path)
    return geopandas.read_parquet(path)


def parse_crs(path: str | Path, crs: Any) -> pyproj.CRS:
    """Parse the CRS that a vector file states, in any form that pyproj reads. Raises CropmineError for None."""
    if crs is None:
        raise CropmineError(path, "the file has no CRS", "write it with one, such as EPSG:4326")
    return pyproj.CRS.from_user_input(crs)


def check_field(path: str | Path, field: str, fields: Iterable[object]) -> None:
    """Check that a vector file has a field. Raises CropmineError with its fields, and the one that is nearest."""
    names = [str(name) for name in fields]
    if field not in names:
        near = difflib.get_close_matches(field.lower(), [name.lower() for name in names], n=1)
        hint = next((f"did you mean {name!r}" for name in names if near and name.lower() == near[0]), None)
        raise CropmineError(path, f"there is no field {field!r}; its fields: {', '.join(names) or 'none'}", hint)
