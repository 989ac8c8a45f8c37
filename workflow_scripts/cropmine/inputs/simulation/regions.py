"""Simulated regions: imagery, weak maps, labels and truth on one grid, and their files."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import geopandas
import numpy as np
import pyogrio
import shapely
import shapely.affinity
from affine import Affine
from pyproj import Transformer
from rasterio.crs import CRS
from scipy import ndimage

from cropmine.classes import IGNORE, NODATA
from cropmine.config.regions import Simulation
from cropmine.files import replacing
from cropmine.geo.grids import Grid
from cropmine.geo.rasters import write_raster
from cropmine.inputs.simulation.imagery import image_land
from cropmine.inputs.simulation.labels import draw_labels
from cropmine.inputs.simulation.land import FIELD, draw_land, draw_noise, draw_swath

BANDS = ("blue", "green", "red", "nir")
EARTH_M = 40075016.685578488  # the equator, the width of the world in EPSG:3857
PIXEL_M = EARTH_M / 2**15 / 256
ORIGIN_PX = (5_016_832, 4_185_088)  # pixels east and south of the world's north-western corner: 35.3° E, 0.4° N
WEAK_DEGREES = 0.00025  # 27.8 m at the equator
WEAK_MARGIN = 3
BLUR_PX = 4.0
BLOB_CELLS = 5.0


@dataclass(frozen=True)
class Landscape:
    """A simulated region in memory.

    `grid` of the whole region, (h, w); `tile_px` width and height of a tile; `pixels` uint16 (4, h, w), 0 nodata;
    `mask` uint8 (h, w), 1 bad; `truth` uint8 (h, w), 1 cropland, 0 not, 255 without imagery; `cover` uint8 (h, w), the
    covers of simulated_land; `weak` and `weak_other`, a second product with errors of its own and not shifted, uint8,
    255 nodata, on `weak_grid`; `labels` in EPSG:4326 with the field `class`.
    """

    grid: Grid
    tile_px: int
    pixels: np.ndarray
    mask: np.ndarray
    truth: np.ndarray
    cover: np.ndarray
    weak: np.ndarray
    weak_other: np.ndarray
    weak_grid: Grid
    labels: geopandas.GeoDataFrame


def simulate_region(settings: Simulation) -> Landscape:
    """Simulate a region. The same settings make the same region.

    Fields differ from grass and bare ground by texture and geometry alone: they share their spectra.
    """
    streams = np.random.Generator(np.random.PCG64(settings.seed)).spawn(7)
    grid = _place_grid(streams[0], settings)
    visible = draw_swath(streams[1], grid.shape)
    land = draw_land(streams[2], visible)
    pixels, mask = image_land(streams[3], land, visible)
    cropland = land.cover == FIELD
    weak, weak_grid = draw_weak_map(
        streams[4], cropland, grid, settings.weak_shift_px, settings.omission, settings.commission
    )
    weak_other, _ = draw_weak_map(streams[6], cropland, grid, (0, 0), settings.omission, settings.commission)
    polygons, classes = draw_labels(streams[5], land, visible & (mask == 0), settings.label_sites)
    truth = np.where(visible, cropland, IGNORE).astype(np.uint8)
    labels = _place_labels(polygons, classes, grid)
    return Landscape(grid, settings.tile_px, pixels, mask, truth, land.cover, weak, weak_other, weak_grid, labels)


def _place_grid(rng: np.random.Generator, settings: Simulation) -> Grid:
    """The region's grid, moved by up to 20 km with the seed, on the pixels of the web map's zoom level 15."""
    column, row = np.array(ORIGIN_PX) + 256 * rng.integers(-16, 17, 2)
    transform = Affine(PIXEL_M, 0, column * PIXEL_M - EARTH_M / 2, 0, -PIXEL_M, EARTH_M / 2 - row * PIXEL_M)
    size = settings.tile_px
    return Grid(CRS.from_epsg(3857), transform, settings.columns * size, settings.rows * size)


def _place_labels(polygons: list[shapely.Polygon], classes: list[str], grid: Grid) -> geopandas.GeoDataFrame:
    corner, pixel = (grid.transform.c, grid.transform.f), (grid.transform.a, grid.transform.e)
    placed = shapely.transform(np.array(polygons, object), lambda points: points * pixel + corner)
    return geopandas.GeoDataFrame({"class": classes}, geometry=placed, crs=3857).to_crs(4326)


def write_region(
    landscape: Landscape,
    imagery: Sequence[str | Path],
    masks: Sequence[str | Path],
    weak: tuple[str | Path, str | Path],
    labels: str | Path,
    truth: str | Path,
) -> None:
    """Write a region's files: a GeoTIFF of imagery and one of its mask a tile, row by row from the north-west.

    The two weak maps and the truth are GeoTIFFs, the labels a GeoPackage. The same region makes the same bytes.
    """
    size = landscape.tile_px
    rows, columns = (range(0, length, size) for length in landscape.grid.shape)
    for (row, column), image, mask in zip(product(rows, columns), imagery, masks, strict=True):
        grid = landscape.grid.window(column, row, size, size)
        cut = np.s_[row : row + size, column : column + size]
        write_raster(image, landscape.pixels[:, *cut], grid, nodata=0, descriptions=BANDS)
        write_raster(mask, landscape.mask[cut], grid)
    for path, values in zip(weak, (landscape.weak, landscape.weak_other), strict=True):
        write_raster(path, values, landscape.weak_grid, nodata=NODATA)
    write_raster(truth, landscape.truth, landscape.grid, nodata=IGNORE)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2021-01-01T00:00:00.000Z"})
    with replacing(labels) as temporary:
        landscape.labels.to_file(temporary, driver="GPKG", layer="labels", engine="pyogrio")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def draw_weak_map(
    rng: np.random.Generator,
    cropland: np.ndarray,
    grid: Grid,
    shift: tuple[float, float],
    omission: float,
    commission: float,
) -> tuple[np.ndarray, Grid]:
    """Degrade the truth to a weak map in longitude and latitude: averaged, shifted, with blobs of both errors.

    `cropland` bool (h, w) on `grid`; `shift` pixels to the east and to the south; `omission` and `commission` the
    shares of the map's cropland and other land that are turned over. Returns uint8 (rows, columns), 1 cropland, 0 not,
    255 outside the region, and its grid in EPSG:4326.
    """
    weak_grid = _cover_grid(grid)
    column, row = _pixel_positions(weak_grid, grid)
    smooth = ndimage.gaussian_filter(cropland.astype(np.float32), BLUR_PX)
    share = ndimage.map_coordinates(smooth, [row - shift[1], column - shift[0]], order=1, mode="nearest")
    near = np.abs(row - (grid.height - 1) / 2) < grid.height / 2 + 6
    near &= np.abs(column - (grid.width - 1) / 2) < grid.width / 2 + 6
    clean = share > np.quantile(share[near], 1 - cropland.mean())
    weak = clean.copy()
    for present, turned in ((True, omission), (False, commission)):
        blobs = draw_noise(rng, weak.shape, BLOB_CELLS) + 0.4 * draw_noise(rng, weak.shape, BLOB_CELLS / 3)
        here = (clean == present) & near
        if turned and here.any():
            weak[here] ^= blobs[here] >= np.quantile(blobs[here], 1 - turned)
    return np.where(near, weak, NODATA).astype(np.uint8), weak_grid


def _cover_grid(grid: Grid) -> Grid:
    """The grid of WEAK_DEGREES that covers a grid in EPSG:3857 with a margin."""
    left, bottom, right, top = Transformer.from_crs(3857, 4326, always_xy=True).transform_bounds(*grid.bounds)
    first = np.floor(np.array([left, bottom]) / WEAK_DEGREES) - WEAK_MARGIN
    last = np.ceil(np.array([right, top]) / WEAK_DEGREES) + WEAK_MARGIN
    width, height = (last - first).astype(int)
    transform = Affine(WEAK_DEGREES, 0, first[0] * WEAK_DEGREES, 0, -WEAK_DEGREES, last[1] * WEAK_DEGREES)
    return Grid(CRS.from_epsg(4326), transform, int(width), int(height))


def _pixel_positions(weak_grid: Grid, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Column and row on `grid`, 0 at the first pixel's centre, of every weak pixel's centre."""
    longitudes = weak_grid.transform.c + (np.arange(weak_grid.width) + 0.5) * weak_grid.transform.a
    latitudes = weak_grid.transform.f + (np.arange(weak_grid.height) + 0.5) * weak_grid.transform.e
    to_map = Transformer.from_crs(4326, 3857, always_xy=True)
    x, y = to_map.transform(*np.meshgrid(longitudes, latitudes))
    step = grid.transform
    return (x - step.c) / step.a - 0.5, (y - step.f) / step.e - 0.5
