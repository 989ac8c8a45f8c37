"""Raster files: written whole, tiled and compressed, with the same bytes each time, and read onto any grid."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.enums import ColorInterp, Resampling
from rasterio.io import DatasetWriter
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from cropmine.errors import CropmineError
from cropmine.files import replacing
from cropmine.geo.grids import Grid, grid_of, open_raster

BLOCK_PX = 256
ZSTD_LEVEL = 3  # of maps, 9 takes twice as long to write and saves 7 %
CACHE_BYTES = 2**26
STRIP_ROWS = 512
WARP_TOLERANCE_PX = 1e-4  # GDAL's default, 0.125 source pixels, makes a pixel's value depend on the window that is read


def limit_gdal(threads: int) -> rasterio.Env:
    """Give an environment in which GDAL reads and writes with some threads, and caches few blocks of files."""
    return rasterio.Env(GDAL_NUM_THREADS=threads, GDAL_CACHEMAX=CACHE_BYTES)


def write_raster(
    path: str | Path,
    array: np.ndarray,
    grid: Grid,
    nodata: float | None = None,
    descriptions: Sequence[str] = (),
    tags: Mapping[str, object] | None = None,
) -> None:
    """Write a tiled GeoTIFF, compressed by ZSTD.

    The array is (h, w) or (bands, h, w) of the grid's shape; its dtype is the file's. `descriptions` name the bands.
    """
    if array.shape[-2:] != grid.shape or array.ndim not in (2, 3):
        raise ValueError(f"an array of shape {array.shape} doesn't fit a grid of shape {grid.shape}")
    bands = array.reshape(-1, *grid.shape)
    profile = {"driver": "GTiff", "tiled": True, "blockxsize": BLOCK_PX, "blockysize": BLOCK_PX}
    profile |= {"compress": "zstd", "zstd_level": ZSTD_LEVEL, "bigtiff": "IF_SAFER", "dtype": array.dtype}
    profile |= {"predictor": 2 if np.issubdtype(array.dtype, np.integer) else 3}  # of differences, of real numbers
    profile |= {"width": grid.width, "height": grid.height, "crs": grid.crs, "transform": grid.transform}
    with (
        replacing(path) as temporary,
        rasterio.open(temporary, "w", count=len(bands), nodata=nodata, **profile) as dataset,
    ):
        dataset.write(bands)
        describe_dataset(dataset, descriptions, tags or {})


def describe_dataset(dataset: DatasetWriter, descriptions: Sequence[str], tags: Mapping[str, object]) -> None:
    """Name the bands of a raster that is being written, and set its tags."""
    for band, description in enumerate(descriptions, start=1):
        dataset.set_band_description(band, description)
    if tags:
        dataset.update_tags(**{key: str(tags[key]) for key in sorted(tags)})


def wrap_raster(source: str, path: str | Path) -> None:
    """Write a VRT that reads another raster, such as one of GDAL's virtual file systems.

    Raises CropmineError if the source isn't readable.
    """
    with replacing(path) as temporary, open_raster(source) as dataset:
        rasterio.shutil.copy(dataset, temporary, driver="VRT")


def read_raster(path: str | Path, window: tuple[int, int, int, int] | None = None) -> np.ndarray:
    """Read a raster or a window (col, row, width, height) inside it.

    Gives (h, w) for a file of one band, else (bands, h, w), in the file's dtype. Raises CropmineError if it isn't
    readable.
    """
    with open_raster(path) as dataset:
        array = dataset.read(window=Window(*window) if window else None)
    return array[0] if len(array) == 1 else array


def read_strips(path: str | Path) -> Iterator[tuple[Grid, np.ndarray]]:
    """Read the first band of a raster in strips of rows: the grid of each, and its values (h, w)."""
    with open_raster(path) as dataset:
        grid = grid_of(dataset)
        for top in range(0, grid.height, STRIP_ROWS):
            rows = min(STRIP_ROWS, grid.height - top)
            yield grid.window(0, top, grid.width, rows), dataset.read(1, window=Window(0, top, grid.width, rows))


def warp_nearest(dataset: rasterio.DatasetReader, band: int, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Read a band of an open raster in any CRS onto a grid by nearest neighbour.

    Gives the values, (h, w) in the file's dtype, nodata tags left alone, and whether a pixel is inside the raster and
    its internal mask, bool (h, w). Reads no more of the raster than the grid covers. Raises CropmineError if the raster
    has no CRS or no such band.
    """
    if not dataset.crs:
        raise CropmineError(dataset.name, "the raster has no CRS", "assign one (gdal_edit -a_srs EPSG:...)")
    if band > dataset.count:
        raise CropmineError(dataset.name, f"has {dataset.count} bands, no band {band}")
    if np.dtype(dataset.dtypes[band - 1]).kind not in "uif":
        raise CropmineError(
            dataset.name, f"has the dtype {dataset.dtypes[band - 1]}", "convert it to whole or real numbers"
        )
    has_alpha = ColorInterp.alpha in dataset.colorinterp
    options = {"crs": grid.crs, "transform": grid.transform, "width": grid.width, "height": grid.height}
    options |= {"resampling": Resampling.nearest, "tolerance": WARP_TOLERANCE_PX, "src_nodata": None}
    with WarpedVRT(dataset, add_alpha=not has_alpha, **options) as warped:
        alpha = warped.colorinterp.index(ColorInterp.alpha) + 1
        values, inside = warped.read([band, alpha])
    return values, inside > 0


def match_values(values: np.ndarray, wanted: Iterable[float | None]) -> np.ndarray:
    """Find which values equal one of some numbers: bool of the same shape.

    Numbers that the dtype can't hold, None and NaN match nothing: -9999 in a file of uint16, or a tag that isn't there.
    """
    numbers = [number for number in wanted if number is not None and np.isfinite(number)]
    if values.dtype.kind in "iu":
        limits = np.iinfo(values.dtype)
        numbers = [number for number in numbers if number == int(number) and limits.min <= number <= limits.max]
    held = np.array(numbers).astype(values.dtype)
    return values == held[0] if len(held) == 1 else np.isin(values, held)
