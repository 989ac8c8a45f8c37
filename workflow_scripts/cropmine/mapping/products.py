"""Delivered rasters: one class and one probability GeoTIFF a CRS, cropped to what is mapped."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.windows import Window

from cropmine.classes import NODATA
from cropmine.errors import CropmineError
from cropmine.geo.cogs import write_cog
from cropmine.geo.grids import grid_of, open_raster, read_grid
from cropmine.mapping.bands import BANDS, CLASS_BAND, DISAGREEMENT_BAND, PROBABILITY_BAND, SCALES, list_colours
from cropmine.mapping.tags import name_product
from cropmine.planning.map_stamps import MapStamp

BLOCK_PX = 2048
KINDS = {"class": (CLASS_BAND,), "probability": (PROBABILITY_BAND, DISAGREEMENT_BAND)}
RASTER_BANDS = {PROBABILITY_BAND: "probability", CLASS_BAND: "class", DISAGREEMENT_BAND: "disagreement"}
RESAMPLING = {"class": Resampling.mode, "probability": Resampling.average}


@dataclass(frozen=True)
class Product:
    """A delivered raster: what it shows (class or probability), the name of its CRS, and its file."""

    kind: str
    crs: str
    path: Path


def write_products(folder: str | Path, mosaics: Sequence[str | Path], stamp: MapStamp, tags: Mapping) -> list[Product]:
    """Write a class and a probability Cloud Optimized GeoTIFF of each mosaic that build_mosaics made.

    They are cropped to the pixels that have data; none outside the area has any. The class one has a colour table, the
    probability one the runs' disagreement as its second band, both scale and offset. A mosaic without data gives none.
    Raises CropmineError if no mosaic has data.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    products = []
    for mosaic in mosaics:
        with open_raster(mosaic) as dataset:
            blocks = list(_list_blocks(dataset))
            window = _find_extent(dataset, blocks)
            if window is None:
                continue
            name = spell_crs(dataset)
            for kind, bands in KINDS.items():
                path = Path(folder) / f"{name_product(stamp, kind, name)}.tif"
                write_cog(
                    path,
                    grid_of(dataset).window(*map(int, window.flatten())),
                    _read_parts(dataset, bands, blocks, window),
                    NODATA,
                    [BANDS[band - 1] for band in bands],
                    tags,
                    resampling=RESAMPLING[kind],
                    scales=[SCALES[band - 1] for band in bands],
                    colours=list_colours() if kind == "class" else None,
                    sparse=True,
                )
                products.append(Product(kind, name, path))
    if not products:
        raise CropmineError(str(mosaics[0]), "no pixel of the map has data", "is the area where the imagery is?")
    return products


def clear_products(folder: str | Path) -> None:
    """Delete the files of an earlier map from a folder of products: another year, run or CRS has other names."""
    for path in Path(folder).glob("*"):
        path.unlink()


def find_products(folder: str | Path, stamp: MapStamp) -> list[Product]:
    """Find the rasters that write_products wrote in a folder."""
    found = []
    for kind in KINDS:
        start = name_product(stamp, kind) + "_"
        for path in sorted(Path(folder).glob(f"{start}*.tif")):
            found.append(Product(kind, path.stem.removeprefix(start), path))
    return found


def place_polygons(folder: str | Path, stamp: MapStamp) -> Path:
    """Give the file of the cropland polygons in a folder of products."""
    return Path(folder) / f"{name_product(stamp, 'polygons')}.parquet"


def spell_crs(dataset: rasterio.DatasetReader) -> str:
    """Spell the CRS of a raster for a file name."""
    epsg = dataset.crs.to_epsg()
    return f"epsg{epsg}" if epsg else Path(dataset.name).stem.replace("_", "")


def _list_blocks(dataset: rasterio.DatasetReader) -> Iterator[Window]:
    """The blocks of a mosaic that meet one of its tiles: chips may be far apart."""
    transform, near = dataset.transform, np.zeros((-(-dataset.height // BLOCK_PX), -(-dataset.width // BLOCK_PX)), bool)
    for tile in dataset.files[1:]:
        west, south, east, north = read_grid(tile).bounds
        left, top = ~transform @ (west, north)
        right, bottom = ~transform @ (east, south)
        rows, columns = (
            slice(max(int(first) // BLOCK_PX, 0), int(np.ceil(last)) // BLOCK_PX + 1)
            for first, last in ((top, bottom), (left, right))
        )
        near[rows, columns] = True
    for row, column in np.argwhere(near).tolist():
        top, left = row * BLOCK_PX, column * BLOCK_PX
        yield Window(left, top, min(BLOCK_PX, dataset.width - left), min(BLOCK_PX, dataset.height - top))


def _find_extent(dataset: rasterio.DatasetReader, blocks: Sequence[Window]) -> Window | None:
    """The window of all pixels that have data."""
    lows, highs = [], []
    for block in blocks:
        known = dataset.read(CLASS_BAND, window=block) != NODATA
        if known.any():
            rows, columns = np.flatnonzero(known.any(axis=1)), np.flatnonzero(known.any(axis=0))
            lows.append((block.row_off + rows[0], block.col_off + columns[0]))
            highs.append((block.row_off + rows[-1] + 1, block.col_off + columns[-1] + 1))
    if not lows:
        return None
    (top, left), (bottom, right) = np.min(lows, axis=0).tolist(), np.max(highs, axis=0).tolist()
    return Window(left, top, right - left, bottom - top)


def _read_parts(
    dataset: rasterio.DatasetReader, bands: Sequence[int], blocks: Sequence[Window], window: Window
) -> Iterator[tuple[Window, np.ndarray]]:
    """The parts of blocks within a window of a raster, placed in the window, and their values."""
    for block in blocks:
        if rasterio.windows.intersect(block, window):
            part = block.intersection(window)
            at = Window(part.col_off - window.col_off, part.row_off - window.row_off, part.width, part.height)
            yield at, dataset.read(list(bands), window=part)
