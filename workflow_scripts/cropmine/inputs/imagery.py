"""Imagery: the pixels of a tile, all dates stacked, and which of them are valid."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.windows import Window

from cropmine.errors import CropmineError
from cropmine.geo.grids import Grid, grid_of, open_raster
from cropmine.geo.rasters import match_values, warp_nearest
from cropmine.inputs.tile_sources import TileSource

log = logging.getLogger(__name__)
OVERVIEW_FACTOR = 4  # how many times wider a pixel of an overview is, at least
HELD_BYTES = 2**28  # a tile up to this size is read once
DTYPES = ("uint8", "uint16", "int16", "float32", "float64")


def find_colours(bands: Sequence[str]) -> list[int]:
    """Find the places of the red, green and blue band by their names; else the first three, or the first in grey."""
    names = [name.lower() for name in bands]
    order = [next((i for i, n in enumerate(names) if n.startswith(colour)), -1) for colour in ("red", "green", "blue")]
    return order if min(order) >= 0 else [0, 1, 2] if len(names) > 2 else [0, 0, 0]


def check_band_count(dataset: rasterio.DatasetReader, bands: int) -> bool:
    """Check the number of bands of an open image and find whether a further one, the last, is its alpha.

    In an image of exactly `bands` bands all are data, whatever their colour interpretation: the NIR of Planet's files
    isn't alpha. Raises CropmineError for any other number.
    """
    if dataset.count == bands:
        return False
    if dataset.count == bands + 1 and dataset.colorinterp[-1] == ColorInterp.alpha:
        return True
    raise CropmineError(
        dataset.name, f"has {dataset.count} bands, but `bands` names {bands}", "name the bands in the file's order"
    )


def read_tile(source: TileSource, window: tuple[int, int, int, int] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Read a tile, or a window (col, row, width, height) of it that may extend beyond its edges.

    Gives the pixels, (channels, h, w) in the files' dtype, float32 if rescaled, date after date, and their validity,
    bool (h, w). Invalid pixels are 0 in all channels. A pixel is valid if it is in the tile and no band of any date
    is nodata by its tag, not finite or under alpha or an internal mask, and no mask file has a bad value there; masks
    on another grid are read by nearest neighbour, outside them all is well. Raises CropmineError for an unreadable
    file, a wrong number of bands, or dates whose grids or dtypes differ.
    """
    return read_windows(source, [window])[0]


def read_windows(
    source: TileSource, windows: Sequence[tuple[int, int, int, int] | None]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Read windows of a tile as read_tile reads one, each file opened once."""
    with open_raster(source.images[0]) as first:
        tile, dtype = grid_of(first), first.dtypes[0]
    if dtype not in DTYPES:
        raise CropmineError(source.images[0], f"has the dtype {dtype}", f"one of {', '.join(DTYPES)}")
    read, inner = [], []
    for col, row, width, height in (window or (0, 0, tile.width, tile.height) for window in windows):
        pixels, valid = np.zeros((source.channels, height, width), dtype), np.zeros((height, width), bool)
        left, top = max(col, 0), max(row, 0)
        right, bottom = min(col + width, tile.width), min(row + height, tile.height)
        if left < right and top < bottom:
            inside = (slice(top - row, bottom - row), slice(left - col, right - col))
            valid[inside] = True
            inner.append(
                (pixels[:, inside[0], inside[1]], valid[inside], Window(left, top, right - left, bottom - top))
            )
        read.append((pixels, valid))
    for date, image in enumerate(source.images if inner else ()):
        bands = slice(date * source.bands, (date + 1) * source.bands)
        with open_raster(image) as dataset:
            has_alpha = _check_image(dataset, image, source.bands, tile, dtype)
            for pixels, valid, part in inner:
                pixels[bands], good = _read_image(dataset, source.bands, has_alpha, part)
                valid &= good
    for mask in source.masks if inner else ():
        with open_raster(mask) as dataset:
            for _, valid, part in inner:
                valid &= _read_mask(dataset, mask, source, part, tile)
    return [_finish(pixels, valid, source) for pixels, valid in read]


@overload
def read_coarse(source: TileSource, side: int, factor: int = 1) -> tuple[np.ndarray, np.ndarray, Window]: ...


@overload
def read_coarse(
    source: TileSource,
    side: int,
    factor: int = 1,
    choose: Callable[[rasterio.DatasetReader], Window | None] | None = None,
) -> tuple[np.ndarray, np.ndarray, Window] | None: ...


def read_coarse(
    source: TileSource,
    side: int,
    factor: int = 1,
    choose: Callable[[rasterio.DatasetReader], Window | None] | None = None,
) -> tuple[np.ndarray, np.ndarray, Window] | None:
    """Read a tile coarsely, at most `side` px high and wide and at least `factor` times coarser, each file opened once.

    Gives pixels and validity as read_tile does, of evenly spread pixels of the files or their overviews, and the part
    of the tile, in its pixels: all of it, or what `choose` gives for the first image. None where `choose` gives None
    for a file, such as one of which too much would have to be read. Raises CropmineError as read_tile does.
    """
    read: _CoarseTile | None = None
    for date, image in enumerate(source.images):
        with open_raster(image) as dataset:
            chosen = choose(dataset) if choose else Window(0, 0, dataset.width, dataset.height)
            if chosen is None:
                return None
            if read is None:
                rows, columns = (min(-(-size // factor), side) for size in (chosen.height, chosen.width))
                pixels = np.zeros((source.channels, rows, columns), dataset.dtypes[0])
                read = _CoarseTile(grid_of(dataset), chosen, pixels, np.ones((rows, columns), bool))
            has_alpha = _check_image(dataset, image, source.bands, read.tile, str(read.pixels.dtype))
            bands = slice(date * source.bands, (date + 1) * source.bands)
            read.pixels[bands], good = _read_image(dataset, source.bands, has_alpha, read.part, read.valid.shape)
            np.logical_and(read.valid, good, out=read.valid)
    if read is None:
        raise ValueError("a tile without images")
    for mask in source.masks:
        with open_raster(mask) as dataset:
            if choose and choose(dataset) is None:
                return None
            good = _read_mask(dataset, mask, source, read.part, read.tile, read.valid.shape)
            np.logical_and(read.valid, good, out=read.valid)
    return *_finish(read.pixels, read.valid, source), read.part


@dataclass(frozen=True)
class _CoarseTile:
    """A tile of which each file adds to the pixels and takes from their validity; `part` of it, in its pixels."""

    tile: Grid
    part: Window
    pixels: np.ndarray
    valid: np.ndarray


def find_overview(dataset: rasterio.DatasetReader, side: int) -> int:
    """Find how many times coarser the overview is from which a raster is read at `side` px; 1 where there is none."""
    ratio = min(max(length / side, 1) for length in dataset.shape)
    return max([1, *(level for level in dataset.overviews(1) if level <= ratio)])


def _finish(pixels: np.ndarray, valid: np.ndarray, source: TileSource) -> tuple[np.ndarray, np.ndarray]:
    """Rescaled, and 0 where invalid."""
    if source.rescale and valid.size:
        gain, offset = np.array(source.rescale, np.float32).T[:, :, None, None]
        pixels = pixels * gain + offset
    np.copyto(pixels, 0, where=~valid)
    return pixels, valid


def open_rows(
    source: TileSource, usable: np.ndarray | None = None, held_bytes: int = HELD_BYTES
) -> Callable[[int, int], tuple[np.ndarray, np.ndarray]]:
    """Make the function that reads rows of a tile, from one to before another, as read_tile does.

    `usable` bool (h, w) makes further pixels invalid. A tile of at most `held_bytes` is read once and held, of a larger
    one rows are read whenever they are needed.
    """
    with open_raster(source.images[0]) as first:
        height, width, dtype = first.height, first.width, np.dtype(first.dtypes[0])

    def read_rows(top: int, bottom: int) -> tuple[np.ndarray, np.ndarray]:
        pixels, valid = read_tile(source, (0, top, width, bottom - top))
        if usable is not None:
            valid &= usable[top:bottom]
        return pixels, valid

    if source.channels * height * width * dtype.itemsize > held_bytes:
        return read_rows
    pixels, valid = read_rows(0, height)
    return lambda top, bottom: (pixels[:, top:bottom], valid[top:bottom])


def check_empty(source: TileSource) -> None:
    """Find why a tile has no valid pixel: raise CropmineError where single bands are to blame, and warn otherwise.

    A band without data is a fault if another band has some; a tile without any data is empty.
    """
    for image in source.images:
        with open_raster(image) as dataset:
            seen = [_holds_data(dataset, band) for band in range(1, source.bands + 1)]
        if any(seen) and not all(seen):
            empty, full = seen.index(False) + 1, seen.index(True) + 1
            what = f"no pixel is valid: band {empty} holds no data, though band {full} does"
            raise CropmineError(image, what, "write the band again, or warp the file without it")
    log.warning("%s: no pixel is valid, so there is nothing to segment", source.images[0])


def _holds_data(dataset: rasterio.DatasetReader, band: int) -> bool:
    nodata = dataset.nodatavals[band - 1]
    for _, window in dataset.block_windows(band):
        values = dataset.read(band, window=window)
        if (np.isfinite(values) & ~match_values(values, [nodata])).any():
            return True
    return False


def _check_image(dataset: rasterio.DatasetReader, image: str, bands: int, tile: Grid, dtype: str) -> bool:
    """Check one date against the first, and find whether its last band is alpha."""
    has_alpha = check_band_count(dataset, bands)
    if not grid_of(dataset).aligns(tile):
        raise CropmineError(
            image, "its grid isn't that of the tile's first date", "warp all dates of a tile to one grid"
        )
    if set(dataset.dtypes[:bands]) != {dtype}:
        raise CropmineError(image, f"has the dtypes {sorted(set(dataset.dtypes))}, the tile's first date {dtype}")
    return has_alpha


def _read_image(
    dataset: rasterio.DatasetReader, bands: int, has_alpha: bool, part: Window, shape: tuple[int, int] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels and validity of one date, (h, w) or coarsely of a shape."""
    values = dataset.read(list(range(1, bands + 1)), window=part, out_shape=shape and (bands, *shape))
    valid = np.ones(values.shape[1:], bool)
    if has_alpha:
        valid &= dataset.read(bands + 1, window=part, out_shape=shape) > 0
    elif MaskFlags.per_dataset in dataset.mask_flag_enums[0] and MaskFlags.alpha not in dataset.mask_flag_enums[0]:
        valid &= dataset.read_masks(1, window=part, out_shape=shape) > 0
    for band, tag in zip(values, dataset.nodatavals, strict=False):
        if tag is not None:
            valid &= ~match_values(band, [tag])
        if band.dtype.kind == "f":
            valid &= np.isfinite(band)
    return values, valid


def _read_mask(
    dataset: rasterio.DatasetReader,
    mask: str,
    source: TileSource,
    part: Window,
    tile: Grid,
    shape: tuple[int, int] | None = None,
) -> np.ndarray:
    """Where a mask file has no bad value, in a part of a tile, (h, w) or coarsely of a shape."""
    if source.mask_band > dataset.count:
        raise CropmineError(mask, f"has {dataset.count} bands, but `mask.band` is {source.mask_band}")
    if grid_of(dataset).aligns(tile):
        return ~match_values(dataset.read(source.mask_band, window=part, out_shape=shape), source.bad)
    grid = tile.window(part.col_off, part.row_off, part.width, part.height)
    if shape:
        step = Affine.scale(grid.width / shape[1], grid.height / shape[0])
        grid = Grid(grid.crs, grid.transform @ step, shape[1], shape[0])
    values, covered = warp_nearest(dataset, source.mask_band, grid)
    return ~(covered & match_values(values, source.bad))
