"""Layers of the interactive map: the rasters of a region in colour, on a grid in web mercator of bounded size."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
from affine import Affine
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, Resampling
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds

from cropmine.classes import CROPLAND, NODATA, NONCROPLAND, STEPS
from cropmine.features.overlap_files import read_overlap
from cropmine.geo.grids import Grid, open_raster
from cropmine.geo.rasters import warp_nearest
from cropmine.inputs.imagery import OVERVIEW_FACTOR, find_colours
from cropmine.inputs.weak_maps import load_weak, read_weak_map
from cropmine.mapping.bands import CLASS_BAND, DISAGREEMENT_BAND, PROBABILITY_BAND
from cropmine.mapping.colours import (
    CROPLAND_COLOUR,
    DISAGREEMENT_RAMP,
    MAP_ALONE_COLOUR,
    NONCROPLAND_COLOUR,
    WEAK_ALONE_COLOUR,
)
from cropmine.mining.overlaps import mine_segments
from cropmine.planning.plans import MinedPolygons
from cropmine.reporting.report_files import RegionFiles, ReportRegion, WeakFiles

WEB_CRS = CRS.from_epsg(3857)
LAYER_PX = 2048
PART_PX = 1024
LEAST_FILLED = 0.2
PARTS = 4
NEITHER, BOTH, MAP_ALONE, WEAK_ALONE = range(4)
CLASS_COLOURS = {NONCROPLAND: NONCROPLAND_COLOUR, CROPLAND: CROPLAND_COLOUR}
DIFFERENCE_COLOURS = {BOTH: CROPLAND_COLOUR, MAP_ALONE: MAP_ALONE_COLOUR, WEAK_ALONE: WEAK_ALONE_COLOUR}


def plan_grids(grids: Mapping[str, Grid], ranked: Sequence[str]) -> list[Grid]:
    """Plan the grids of the map's pictures in web mercator: one over all tiles, or one for each of few scattered tiles.

    grids: of the tiles; ranked: tiles, of which the first 4 are shown where under a fifth of the land between the tiles
    is theirs. A side has at most 2048 pixels, of scattered tiles 1024, none finer than those of the tiles.
    """
    bounds = {tile: find_bounds(grid, WEB_CRS) for tile, grid in grids.items()}
    wests, souths, easts, norths = np.array(list(bounds.values())).T
    whole = (wests.min(), souths.min(), easts.max(), norths.max())
    filled = np.sum((easts - wests) * (norths - souths)) / ((whole[2] - whole[0]) * (whole[3] - whole[1]))
    finest = min((bounds[tile][2] - bounds[tile][0]) / grid.width for tile, grid in grids.items())
    if filled >= LEAST_FILLED:
        return [_plan_grid(whole, finest, LAYER_PX)]
    return [_plan_grid(bounds[tile], finest, PART_PX) for tile in ranked[:PARTS]]


def _plan_grid(bounds: Sequence[float], finest: float, most_px: int) -> Grid:
    west, south, east, north = bounds
    pixel = max(finest, max(east - west, north - south) / most_px)
    width, height = (max(math.ceil(side / pixel - 1e-3), 1) for side in (east - west, north - south))
    return Grid(WEB_CRS, Affine(pixel, 0, west, 0, -pixel, north), width, height)


def coarsen_grid(grid: Grid, factor: float) -> Grid:
    """Give a grid of the same land and north-western corner whose pixels are `factor` times as wide."""
    step = Affine(grid.transform.a * factor, 0, grid.transform.c, 0, grid.transform.e * factor, grid.transform.f)
    return Grid(grid.crs, step, math.ceil(grid.width / factor), math.ceil(grid.height / factor))


def find_bounds(raster: Grid | DatasetReader, crs: CRS) -> tuple[float, float, float, float]:
    """Find the bounds of a grid or an open raster in a CRS, in its unit: west, south, east, north."""
    return raster.bounds if raster.crs == crs else transform_bounds(raster.crs, crs, *raster.bounds)


def find_corners(grid: Grid) -> list[list[float]]:
    """Find the corners of a grid as the map library takes them: [[south, west], [north, east]], degrees."""
    west, south, east, north = transform_bounds(grid.crs, CRS.from_epsg(4326), *grid.bounds)
    return [[round(south, 7), round(west, 7)], [round(north, 7), round(east, 7)]]


def warp_imagery(whole: Grid, region: ReportRegion, mode: str) -> tuple[np.ndarray, Grid]:
    """Warp the imagery of the last date to a grid: colours, uint8 (h, w, 4), and the grid that they have.

    mode: full, or overview: then pixels are at least four times as wide as the files'. Bands are stretched from their
    2nd to their 98th percentile over the grid.
    """
    finest = np.inf
    for path in region.last_images:
        with open_raster(path) as dataset:
            finest = min(finest, _pixel_in(whole, dataset))
    factor = max(1.0, OVERVIEW_FACTOR * finest / whole.transform.a) if mode == "overview" else 1.0
    grid = coarsen_grid(whole, factor)
    order = find_colours(region.bands)
    values = np.zeros((3, *grid.shape), np.float32)
    known = np.zeros(grid.shape, bool)
    for path, (rows, columns), window in _intersect(grid, region.last_images):
        part, inside = _read_colours(path, order, window)
        np.copyto(values[:, rows, columns], part, where=inside)
        known[rows, columns] |= inside
    return _add_alpha(stretch(values, known), known), grid


def stretch(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Stretch (3, h, w) from the 2nd to the 98th percentile of each band's known pixels: float32 (h, w, 3), 0 to 1."""
    shown = np.moveaxis(values.astype(np.float32), 0, -1)
    if not known.any():
        return np.zeros_like(shown)
    low, high = np.percentile(shown[known], [2, 98], axis=0).astype(np.float32)
    return np.clip((shown - low) / np.maximum(high - low, 1e-6), 0, 1)


def _add_alpha(colours: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Colours of 0 to 1, transparent where nothing is known."""
    pixels = np.dstack([np.rint(colours * 255), np.where(known, 255, 0)]).astype(np.uint8)
    pixels[~known] = 0
    return pixels


def _pixel_in(grid: Grid, dataset: DatasetReader) -> float:
    west, _, east, _ = find_bounds(dataset, grid.crs)
    return (east - west) / dataset.width


def _intersect(grid: Grid, paths: Iterable[str]) -> Iterator[tuple[str, tuple[slice, slice], Grid]]:
    """The rasters that meet a grid: each with the rows and columns that it may cover, and their grid."""
    for path in paths:
        with open_raster(path) as dataset:
            bounds = find_bounds(dataset, grid.crs)
        west, north, pixel = grid.transform.c, grid.transform.f, grid.transform.a
        left, right = math.floor((bounds[0] - west) / pixel + 1e-3), math.ceil((bounds[2] - west) / pixel - 1e-3)
        top, bottom = math.floor((north - bounds[3]) / pixel + 1e-3), math.ceil((north - bounds[1]) / pixel - 1e-3)
        left, right = max(left, 0), min(right, grid.width)
        top, bottom = max(top, 0), min(bottom, grid.height)
        if left < right and top < bottom:
            window = grid.window(left, top, right - left, bottom - top)
            yield path, (slice(top, bottom), slice(left, right)), window


def _read_colours(path: str, order: Sequence[int], grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Three bands of an image on a grid, averaged where it is coarser, and which pixels are known."""
    with open_raster(path) as dataset:
        finer = _pixel_in(grid, dataset) * 1.01 < grid.transform.a
        options = {"crs": grid.crs, "transform": grid.transform, "width": grid.width, "height": grid.height}
        options |= {"resampling": Resampling.average if finer else Resampling.nearest}
        with WarpedVRT(dataset, add_alpha=ColorInterp.alpha not in dataset.colorinterp, **options) as warped:
            alpha = warped.colorinterp.index(ColorInterp.alpha) + 1
            values = warped.read([number + 1 for number in order]).astype(np.float32)
            known = (warped.read(alpha) > 0) & np.isfinite(values).all(axis=0)
    return np.where(known, values, 0), known


def warp_bands(grid: Grid, paths: Sequence[str]) -> dict[int, np.ndarray]:
    """Warp the bands of the map's tiles to a grid: uint8 (h, w) by band, 255 where there is no map."""
    bands = (PROBABILITY_BAND, CLASS_BAND, DISAGREEMENT_BAND)
    warped = {band: np.full(grid.shape, NODATA, np.uint8) for band in bands}
    for path, (rows, columns), window in _intersect(grid, paths):
        with open_raster(path) as dataset:
            for band in bands:
                values, inside = warp_nearest(dataset, band, window)
                np.copyto(warped[band][rows, columns], values, where=inside & (values != NODATA))
    return warped


def warp_mined(grid: Grid, files: RegionFiles, mined: MinedPolygons) -> np.ndarray:
    """Warp mined labels to a grid: uint8 (h, w), 0 non-cropland, 1 cropland, 255 none."""
    warped = np.full(grid.shape, NODATA, np.uint8)
    tiles = {path: tile for tile, path in files.segments.items()}
    for path, (rows, columns), window in _intersect(grid, tiles):
        lut = mine_segments(read_overlap(files.overlaps[tiles[path]]), mined.mined, mined.min_valid)
        with open_raster(path) as dataset:
            ids, inside = warp_nearest(dataset, 1, window)
        labels = lut[np.where(inside, ids, 0)]
        np.copyto(warped[rows, columns], labels, where=labels != NODATA)
    return warped


def warp_weak(grid: Grid, region: ReportRegion, weak: WeakFiles) -> np.ndarray:
    """Warp a weak map to a grid where there is imagery: uint8 (h, w), 0 non-cropland, 1 cropland, 255 unknown."""
    values, known = read_weak_map(*load_weak(weak.settings, weak.paths, weak.registrations, guarded=False), grid)
    covered = np.zeros(grid.shape, bool)
    for _, (rows, columns), _ in _intersect(grid, region.last_images):
        covered[rows, columns] = True
    return np.where(known & covered, values > 0.5, NODATA).astype(np.uint8)


def compare_maps(classes: np.ndarray, weak: np.ndarray) -> np.ndarray:
    """Compare the map's classes with a weak map's: neither, both, the map alone or the weak map alone; 255 unknown."""
    known = (classes != NODATA) & (weak != NODATA)
    table = np.array([[NEITHER, WEAK_ALONE], [MAP_ALONE, BOTH]], np.uint8)
    return np.where(known, table[classes & 1, weak & 1], np.uint8(NODATA))


def colour_values(values: np.ndarray, colours: Mapping[int, str]) -> np.ndarray:
    """Colour values, uint8 (h, w), by a table; others are transparent. Gives uint8 (h, w, 4)."""
    table = np.zeros((256, 4), np.uint8)
    for value, colour in colours.items():
        table[value] = (*np.rint(np.array(to_rgb(colour)) * 255).astype(int), 255)
    return table[values]


def colour_ramp(codes: np.ndarray, ramp: Callable[[np.ndarray], np.ndarray], last: int = STEPS) -> np.ndarray:
    """Colour codes, uint8 (h, w), by a ramp over 0 to `last`; above 200 they are transparent. Gives uint8 (h, w, 4)."""
    table = np.zeros((256, 4), np.uint8)
    table[: STEPS + 1] = np.rint(np.array(ramp(np.minimum(np.arange(STEPS + 1) / last, 1.0))) * 255)
    return table[codes]


def ramp_probability(shares: np.ndarray) -> np.ndarray:
    """Colours of probabilities, from blue to yellow (cividis)."""
    return colormaps["cividis"](shares)


def ramp_disagreement(shares: np.ndarray) -> np.ndarray:
    """Colours of disagreements, 0 to 1 of the end of the ramp, from white to violet."""
    values = [value / DISAGREEMENT_RAMP[-1][0] for value, _ in DISAGREEMENT_RAMP]
    colours = np.array([to_rgb(colour) for _, colour in DISAGREEMENT_RAMP])
    mixed = [np.interp(shares, values, colours[:, channel]) for channel in range(3)]
    return np.stack([*mixed, np.ones_like(shares)], axis=-1)
