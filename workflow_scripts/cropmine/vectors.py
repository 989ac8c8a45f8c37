"""Polygon files of any format and CRS, read onto a tile's grid."""

import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyproj
import shapely

from cropmine.access import VECTOR_HINT, check_vector
from cropmine.errors import CropmineError
from cropmine.grids import Grid

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


def _estimate_crossings(polygon) -> float:
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


def read_geoparquet(path: str | Path):
    """Read a GeoParquet file whole, as a GeoDataFrame. Its reader's errors are for reading_vector to tell."""
    import geopandas
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


def _read_ogr(path: str | Path, grid: Grid, field: str | None):
    """CRS, geometries near the grid, values of the field, bounds of the file, box to clip to."""
    from pyogrio import raw, read_info

    info = read_info(path, force_feature_count=True, force_total_bounds=True)
    check_size(path, info["features"])
    crs = _parse_crs(info["crs"], path)
    _check_field(field, info["fields"], path)
    clip = _clip_box(grid, crs)
    bounds = (np.nan,) * 4 if info["total_bounds"] is None else info["total_bounds"]
    if clip is None:
        return crs, np.empty(0, object), None if field is None else np.empty(0, object), bounds, clip
    _, _, wkb, columns = raw.read(path, columns=[field] if field else [], bbox=clip.bounds, force_2d=True)
    if wkb is None:
        raise CropmineError(path, "holds no geometries", "this is a file of polygons")
    return crs, shapely.from_wkb(wkb), np.asarray(columns[0], object) if field else None, bounds, clip


def _read_parquet(path: str | Path, grid: Grid, field: str | None):
    frame = read_geoparquet(path)
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
