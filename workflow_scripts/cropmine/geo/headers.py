"""Headers of raster files: what can be known of a raster without reading its pixels."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import ColorInterp, Interleaving
from rasterio.windows import Window

from cropmine.errors import CropmineError
from cropmine.geo.grids import Grid, grid_of, open_raster, pixel_size_m

MOST_BANDS = 1024
MOST_BLOCK_BYTES = 2**28


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
                raise CropmineError(path, f"is nowhere on the earth: {grid.bounds}", "is its CRS the right one?")
            _check_blocks(path, dataset)
            try:
                dataset.read(dataset.count, window=Window(dataset.width - 1, dataset.height - 1, 1, 1))
            except rasterio.errors.RasterioError as error:
                what = "the file is cut short or damaged: its last block can't be read"
                raise CropmineError(path, what, "fetch or write it again") from error
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
