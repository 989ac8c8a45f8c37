"""Cloud-optimised GeoTIFFs, written strip by strip."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.enums import Resampling
from rasterio.shutil import copy
from rasterio.windows import Window

from cropmine.classes import NODATA
from cropmine.files import replacing
from cropmine.geo.grids import Grid
from cropmine.geo.rasters import ZSTD_LEVEL, _describe, _predictor, _profile

COG_BLOCK_PX = 512


def write_large_cog(
    path: str | Path,
    grid: Grid,
    parts: Iterable[tuple[Window, np.ndarray]],
    descriptions: Sequence[str],
    tags: Mapping[str, str],
    resampling: Resampling,
    scales: Sequence[float] | None = None,
    colours: Sequence[tuple[int, int, int, int]] | None = None,
) -> None:
    """Write parts, windows of the grid and their values uint8 (bands, h, w), as a COG with overviews, nodata 255.

    What no part covers is nodata. `colours` are those of the 256 values of a single band; the file's bytes follow from
    the values alone.
    """
    profile = {"driver": "GTiff", "tiled": True, "blockxsize": COG_BLOCK_PX, "blockysize": COG_BLOCK_PX}
    profile |= {"compress": "zstd", "zstd_level": 1, "sparse_ok": True, "bigtiff": "IF_SAFER", "dtype": "uint8"}
    profile |= {"width": grid.width, "height": grid.height, "crs": grid.crs, "transform": grid.transform}
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=Path(path).parent) as scratch, replacing(path) as temporary:
        plain = Path(scratch) / "plain.tif"
        with rasterio.open(plain, "w", count=len(descriptions), nodata=NODATA, **profile) as made:
            for window, values in parts:
                if (values != NODATA).any():
                    made.write(values, window=window)
            if scales:
                made.scales, made.offsets = scales, [0.0] * len(scales)
            made.descriptions = descriptions
            made.update_tags(**{key: tags[key] for key in sorted(tags)})
            if colours:
                made.write_colormap(1, dict(enumerate(colours)))
        options = {"driver": "COG", "compress": "zstd", "blocksize": COG_BLOCK_PX, "sparse_ok": True}
        options |= {"overview_resampling": resampling.name, "bigtiff": "IF_SAFER"}
        options |= {"predictor": "standard"} if scales and not colours else {}
        rasterio.shutil.copy(plain, temporary, **options)


def write_cog(
    path: str | Path,
    array: np.ndarray | Iterable[np.ndarray],
    grid: Grid,
    nodata: float | None = None,
    descriptions: list[str] | None = None,
    tags: dict[str, str] | None = None,
    colormap: dict[int, tuple] | None = None,
    scales: list[float] | None = None,
) -> None:
    """Write a Cloud Optimized GeoTIFF with overviews by nearest neighbour, compressed by ZSTD.

    The array is (h, w) or (bands, h, w) of the grid's shape, or comes in strips of rows from top to bottom, of which
    one is in memory at a time; `descriptions`, `tags` and `colormap` as in write_raster. `scales` are what
    values of each band are multiplied by, with offset 0.
    """
    strips = iter([array] if isinstance(array, np.ndarray) else array)
    first = next(strips)
    options = {"blocksize": COG_BLOCK_PX, "overview_resampling": "nearest", "resampling": "nearest"}
    options["predictor"] = {1: "NO", 2: "STANDARD", 3: "FLOATING_POINT"}[_predictor(first)]
    with replacing(path) as temporary:
        plain = temporary.with_suffix(".plain.tif")  # a COG is written in one go from a file that is whole
        try:
            _write_strips(plain, first, strips, grid, nodata, (descriptions, tags, colormap, scales))
            copy(plain, temporary, driver="COG", compress="zstd", level=ZSTD_LEVEL, bigtiff="IF_SAFER", **options)
        finally:
            plain.unlink(missing_ok=True)


def _write_strips(
    path: Path,
    first: np.ndarray,
    others: Iterable[np.ndarray],
    grid: Grid,
    nodata: float | None,
    words: tuple[list[str] | None, dict[str, str] | None, dict[int, tuple] | None, list[float] | None],
) -> None:
    """Write strips of rows, from top to bottom, as a tiled GeoTIFF."""
    bands = 1 if first.ndim == 2 else len(first)
    profile = _profile(first.dtype, bands, grid, nodata) | {"driver": "GTiff", "tiled": True, "zstd_level": 1}
    with rasterio.open(path, "w", **profile, blockxsize=COG_BLOCK_PX, blockysize=COG_BLOCK_PX) as dataset:
        _describe(dataset, *words)
        row = 0
        for strip in chain([first], others):
            rows = strip.shape[-2]
            dataset.write(strip.reshape(bands, rows, grid.width), window=Window(0, row, grid.width, rows))
            row += rows
    if row != grid.height:
        raise ValueError(f"strips of {row} rows don't fill a grid of shape {grid.shape}")
