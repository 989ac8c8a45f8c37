"""Headers of raster and vector files, and where tiles lie: what can be known of inputs without reading them."""

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import pyogrio
import pyproj
import rasterio
from numpy.typing import ArrayLike
from pyarrow import parquet as pq
from rasterio.enums import ColorInterp, Interleaving
from rasterio.windows import Window

from cropmine.errors import CropmineError
from cropmine.geo.grids import Grid, grid_of, open_raster, pixel_size_m
from cropmine.geo.vectors import PARQUET, check_size, parse_crs, read_geoparquet, reading_vector

LONLAT = "EPSG:4326"
MOST_BANDS = 1024
MOST_BLOCK_BYTES = 2**28
_EDGE_POINTS = 9


@dataclass(frozen=True)
class RasterHeader:
    """What a raster file says of itself; `pixel_m` is the true ground size of a pixel, metres (east, north)."""

    path: str
    grid: Grid
    count: int
    dtypes: tuple[str, ...]
    descriptions: tuple[str | None, ...]
    alpha: bool
    pixel_m: tuple[float, float]


@dataclass(frozen=True)
class VectorHeader:
    """What a vector file says of itself; bounds (west, south, east, north) in its CRS, NaN if it holds nothing."""

    path: str
    crs: pyproj.CRS
    bounds: tuple[float, float, float, float]
    fields: tuple[str, ...]
    kinds: tuple[str, ...]
    features: int


def read_raster_header(path: str | Path) -> RasterHeader:
    """Read the header of a raster and, to see that it is whole, its last block.

    Raises CropmineError if it isn't there, isn't readable, is cut short, has no CRS or isn't north-up.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with open_raster(path) as dataset:
            grid = grid_of(dataset)
            pixel_m = pixel_size_m(grid)
            if not all(0 < size < np.inf for size in pixel_m):
                raise CropmineError(path, f"lies nowhere on the earth: {grid.bounds}", "is its CRS the right one?")
            _check_blocks(path, dataset)
            try:
                dataset.read(dataset.count, window=Window(dataset.width - 1, dataset.height - 1, 1, 1))
            except rasterio.errors.RasterioError as error:
                what = "the file is cut short or damaged: its last block can't be read"
                raise CropmineError(path, what, "fetch or write it anew") from error
            alpha = dataset.colorinterp[-1] == ColorInterp.alpha
            return RasterHeader(str(path), grid, dataset.count, dataset.dtypes, dataset.descriptions, alpha, pixel_m)


def _check_blocks(path: str | Path, dataset: rasterio.DatasetReader) -> None:
    """What is read in one piece must be a piece: a compressed block may unfold to any size that its file claims."""
    if dataset.count > MOST_BANDS:
        raise CropmineError(path, f"has {dataset.count} bands, and at most {MOST_BANDS} are read", "take some of them")
    rows, columns = dataset.block_shapes[0]
    joint = dataset.count if dataset.interleaving == Interleaving.pixel else 1
    size = rows * columns * joint * np.dtype(dataset.dtypes[0]).itemsize
    if size > MOST_BLOCK_BYTES:
        what = f"its blocks are of {rows} by {columns} pixels, {size // 10**6} MB each"
        raise CropmineError(path, what, "write it tiled (gdal_translate -co TILED=YES -co COMPRESS=ZSTD)")


def read_vector_header(path: str | Path) -> VectorHeader:
    """Read the header of a vector file.

    Raises CropmineError if it isn't there, isn't readable, holds several layers or no geometries, or has no CRS.
    """
    with reading_vector(path):
        header = _read_parquet_header(path) if Path(path).suffix.lower() in PARQUET else _read_ogr_header(path)
    check_size(path, header.features)
    return header


def _read_ogr_header(path: str | Path) -> VectorHeader:
    layers = [name for name, kind in pyogrio.list_layers(path) if kind is not None]
    if len(layers) != 1:
        what = f"holds several layers: {', '.join(layers)}" if layers else "holds no geometries"
        raise CropmineError(path, what, "keep one layer of polygons a file")
    info = pyogrio.read_info(path, layer=layers[0], force_feature_count=True, force_total_bounds=True)
    crs = parse_crs(info["crs"] or None, path)
    kinds = (info["geometry_type"],)
    bounds = (np.nan, np.nan, np.nan, np.nan) if info["total_bounds"] is None else info["total_bounds"]
    return VectorHeader(str(path), crs, bounds, tuple(map(str, info["fields"])), kinds, info["features"])


def _read_parquet_header(path: str | Path) -> VectorHeader:
    file = pq.ParquetFile(path)
    metadata = file.schema_arrow.metadata or {}
    if b"geo" not in metadata:
        raise CropmineError(path, "a Parquet file without geometries", "write it as GeoParquet")
    geo = json.loads(metadata[b"geo"])
    primary = geo["primary_column"]
    column = geo["columns"][primary]
    crs = column.get("crs", LONLAT)  # GeoParquet: a CRS that isn't written is longitude and latitude
    fields = tuple(name for name in file.schema_arrow.names if name != primary)
    return VectorHeader(
        str(path),
        parse_crs(crs, path),
        _flatten_bounds(column["bbox"]) if "bbox" in column else _measure_bounds(path),
        fields,
        tuple(column.get("geometry_types", ())),
        file.metadata.num_rows,
    )


def _flatten_bounds(bounds: Sequence[float]) -> tuple[float, float, float, float]:
    half = len(bounds) // 2  # 3 with heights
    return bounds[0], bounds[1], bounds[half], bounds[half + 1]


def _measure_bounds(path: str | Path) -> tuple[float, float, float, float]:
    west, south, east, north = read_geoparquet(path).total_bounds
    return west, south, east, north


@dataclass(frozen=True)
class Footprint:
    """Where tiles lie: their names and grids, in any CRS."""

    tiles: tuple[str, ...]
    grids: tuple[Grid, ...]

    @cached_property
    def lonlat(self) -> np.ndarray:
        """Bounds (n, 4) of each tile in longitude and latitude."""
        return self.bounds_in(LONLAT)

    def bounds_in(self, crs: str) -> np.ndarray:
        """Bounds (n, 4) of each tile in another CRS, given as text; NaN where that CRS can't hold the tile."""
        groups: dict[str, list[int]] = {}
        for position, grid in enumerate(self.grids):
            groups.setdefault(grid.crs.to_wkt(), []).append(position)
        bounds = np.full((len(self.grids), 4), np.nan)
        for wkt, positions in groups.items():
            bounds[positions] = transform_bounds([self.grids[position].bounds for position in positions], wkt, crs)
        return bounds


def transform_bounds(bounds: ArrayLike, source: str, target: str) -> np.ndarray:
    """Take bounds (n, 4) from one CRS, given as text, to another along their edges; NaN where that fails."""
    west, south, east, north = np.asarray(bounds, dtype=float).reshape(-1, 4).T[:, :, None]
    along = np.linspace(0, 1, _EDGE_POINTS)
    across, up = west + (east - west) * along, south + (north - south) * along
    x = np.concatenate([across, across, west + 0 * along, east + 0 * along], axis=1)
    y = np.concatenate([south + 0 * along, north + 0 * along, up, up], axis=1)
    x, y = _transformer(source, target).transform(x, y)
    corners = np.stack([x.min(axis=1), y.min(axis=1), x.max(axis=1), y.max(axis=1)], axis=1)
    return np.where(np.isfinite(corners).all(axis=1, keepdims=True), corners, np.nan)


@cache
def _transformer(source: str, target: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


def meet(bounds: np.ndarray, other: ArrayLike) -> np.ndarray:
    """Tell which of bounds (n, 4) share an area with other bounds (4,), or (n, 4) one each; false where NaN."""
    others = np.asarray(other, dtype=float)
    return (
        (bounds[:, 0] < others[..., 2])
        & (bounds[:, 2] > others[..., 0])
        & (bounds[:, 1] < others[..., 3])
        & (bounds[:, 3] > others[..., 1])
    )
