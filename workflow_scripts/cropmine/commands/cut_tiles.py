"""Cutting one large mosaic into tiles on its own pixels, a strip of rows in memory at a time."""

from collections.abc import Iterator
from pathlib import Path

import rasterio
from rasterio.enums import MaskFlags
from rasterio.windows import Window

from cropmine.errors import CropmineError
from cropmine.files import replacing
from cropmine.geo.grids import grid_of, open_raster
from cropmine.geo.rasters import limit_gdal
from cropmine.inputs.checks.findings import list_names

SIZE_PX = 4096
BLOCK_PX = 512


def cut_mosaic(mosaic: str | Path, folder: str | Path, size_px: int = SIZE_PX) -> tuple[list[Path], int]:
    """Cut a mosaic into tiles of `size_px` pixels a side, those at its right and lower edge smaller.

    Tiles keep pixels, bands and their names, dtype, nodata, alpha and mask; they are called r000c000 and on, from the
    upper left. Gives the files and the number of tiles that hold no valid pixel and aren't written. Raises
    CropmineError for a mosaic that can't be read or isn't north-up, a size that isn't a multiple of 16, and a folder
    that holds other rasters.
    """
    if size_px <= 0 or size_px % 16:
        raise CropmineError("SIZE_PX", f"{size_px} can't be a tile's side", "a multiple of 16, such as 4096")
    folder = Path(folder)
    with limit_gdal(1), open_raster(mosaic) as dataset:
        grid_of(dataset)
        windows = dict(list_windows(dataset.width, dataset.height, size_px))
        others = sorted({one.name for one in folder.glob("*.tif")} - {f"{name}.tif" for name in windows})
        if others:
            what = f"holds rasters that this cut doesn't make: {list_names(others)}"
            raise CropmineError(folder, what, "name an empty folder")
        paths = {folder / f"{name}.tif": window for name, window in windows.items()}
        written = [path for path, window in paths.items() if _cut_tile(dataset, window, path)]
    return written, len(windows) - len(written)


def list_windows(width: int, height: int, size_px: int) -> Iterator[tuple[str, Window]]:
    """List the tiles of a mosaic of so many pixels: their names and windows."""
    for row, top in enumerate(range(0, height, size_px)):
        for column, left in enumerate(range(0, width, size_px)):
            yield f"r{row:03}c{column:03}", Window(left, top, min(size_px, width - left), min(size_px, height - top))


def _cut_tile(dataset: rasterio.DatasetReader, window: Window, path: Path) -> bool:
    """Write a tile, and tell whether there is any valid pixel to write."""
    strips = list(_list_strips(window))
    if not any(dataset.dataset_mask(window=strip).any() for strip in strips):
        return False
    masked = MaskFlags.per_dataset in dataset.mask_flag_enums[0] and MaskFlags.alpha not in dataset.mask_flag_enums[0]
    profile = {
        "driver": "GTiff",
        "width": window.width,
        "height": window.height,
        "count": dataset.count,
        "dtype": dataset.dtypes[0],
        "crs": dataset.crs,
        "transform": dataset.window_transform(window),
        "nodata": dataset.nodata,
        "compress": "zstd",
        "zstd_level": 3,
        "predictor": 3 if dataset.dtypes[0].startswith("float") else 2,
        "tiled": True,
        "blockxsize": BLOCK_PX,
        "blockysize": BLOCK_PX,
        "bigtiff": "IF_SAFER",
        "photometric": "minisblack",
    }
    with (
        replacing(path) as temporary,
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(temporary, "w", **profile) as tile,
    ):
        tile.descriptions, tile.colorinterp = dataset.descriptions, dataset.colorinterp
        tile.scales, tile.offsets = dataset.scales, dataset.offsets
        for strip in strips:
            place = Window(0, strip.row_off - window.row_off, strip.width, strip.height)
            tile.write(dataset.read(window=strip), window=place)
            if masked:
                tile.write_mask(dataset.read_masks(1, window=strip), window=place)
    return True


def _list_strips(window: Window) -> Iterator[Window]:
    for top in range(0, window.height, BLOCK_PX):
        height = min(BLOCK_PX, window.height - top)
        yield Window(window.col_off, window.row_off + top, window.width, height)
