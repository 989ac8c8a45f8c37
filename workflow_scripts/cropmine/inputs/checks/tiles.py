"""The check of tiles' values in a coarse read: empty ones, ones on another scale than the rest, ones with a seam."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import rasterio
import shapely
from rasterio.windows import Window

from cropmine.geo.grids import Grid, read_grid
from cropmine.inputs.checks.findings import Findings
from cropmine.inputs.checks.seams import Line, find_seam, widen_line
from cropmine.inputs.imagery import find_overview, read_coarse, read_windows
from cropmine.inputs.tile_sources import TileSource

COARSE_PX = 256
LOOKED_PX = 64
MOST_PX = 1.1 * 1024**2  # of a file, to be looked at in one piece; what the overviews of a large tile come to
CORNER_PX = 768  # along each side of what is unpacked of such a file
WINDOWS = 2  # along each side of a tile
WINDOW_PX = 64
BRIGHT = 95  # percentile
OFF_SCALE = 8.0
LEAST_TILES = 3
LEAST_ODD = 8
ODD = 1.5
ODD_DEVIATIONS = 6
LOOK = "Clusters and networks will see it: look at checks.png, and mask or replace them"
NORMAL = 1.4826  # the deviation of a normal distribution by the median of its distances
ALIGNED_PX = 0.01
OVERLAP_SHARE = 1e-3  # of a tile: less is a seam
GAP_SHARE = 0.5  # of a tile: a hole this large is one that a tile is missing in


@dataclass(frozen=True)
class TileSurvey:
    """What a few pixels of a tile tell.

    The share of valid pixels, the bright end of each channel, float64 (C,), and the seam of each date that has one.
    """

    valid_share: float
    bright: np.ndarray
    seams: Mapping[int, Line] = field(default_factory=dict)


def survey_tile(source: TileSource, whole: bool = False) -> TileSurvey:
    """Look at a tile in at most 256 × 256 px spread over it.

    Unpacking takes most of the time, so of a tile of over 768 × 768 px without overviews a corner of that size is
    looked at, unless it is empty: of tiles side by side another one, so that a seam that crosses several is seen. A
    large one is looked at in four windows of 64 × 64 px, which shows no seam. With `whole` all are unpacked.
    """
    coarse = read_coarse(source, COARSE_PX, choose=None if whole else _choose_part)
    if coarse is None:
        return _survey_windows(source)
    pixels, valid, part = coarse
    if not valid.any() and (part.height, part.width) != read_grid(source.images[0]).shape:
        return survey_tile(source, whole=True)
    dates = enumerate(np.split(pixels, len(source.images)))
    seams = {date: seam for date, own in dates if (seam := find_seam(own, valid))}
    if seams:
        tile_shape = read_grid(source.images[0]).shape
        seams = {date: widen_line(line, part, valid.shape, tile_shape) for date, line in seams.items()}
    step = max(max(valid.shape) // LOOKED_PX, 1)
    return TileSurvey(float(valid.mean()), _find_bright(pixels[:, ::step, ::step], valid[::step, ::step]), seams)


def _choose_part(dataset: rasterio.DatasetReader) -> Window | None:
    """The part of a raster that is looked at, whole blocks of it; None of one of which too much would be unpacked."""
    factor = find_overview(dataset, COARSE_PX)
    if dataset.height * dataset.width > MOST_PX * factor**2:
        return None
    place = dataset.transform
    column = math.floor(place.c / (place.a * dataset.width) + 0.5)
    row = math.floor(place.f / (place.e * dataset.height) + 0.5)
    most, (high, wide) = CORNER_PX * factor, (factor * side for side in dataset.block_shapes[0])
    if dataset.height * dataset.width <= most**2:
        return Window(0, 0, dataset.width, dataset.height)
    left, width = _take_end(dataset.width, most, wide, last=row % 2 == 1)
    top, height = _take_end(dataset.height, most, high, last=column % 2 == 1)
    return Window(left, top, width, height)


def _take_end(length: int, most: int, block: int, last: bool) -> tuple[int, int]:
    """Start and length of the first or the last blocks of a side, as many as fit `most` pixels but at least one."""
    taken = min(max(most // block, 1) * block, length)
    if not last:
        return 0, taken
    start = round((length - taken) / block) * block
    return start, length - start


def _survey_windows(source: TileSource) -> TileSurvey:
    grid = read_grid(source.images[0])
    spread = [(left, top, w, h) for top, h in _spread(grid.height) for left, w in _spread(grid.width)]
    parts = read_windows(source, spread)
    pixels = np.concatenate([part.reshape(len(part), -1) for part, _ in parts], axis=1)
    valid = np.concatenate([good.ravel() for _, good in parts])
    return TileSurvey(float(valid.mean()), _find_bright(pixels, valid))


def _find_bright(pixels: np.ndarray, valid: np.ndarray) -> np.ndarray:
    if not valid.any():
        return np.full(len(pixels), np.nan)
    return np.percentile(pixels[:, valid].astype(np.float64), BRIGHT, axis=1)


def _spread(length: int) -> list[tuple[int, int]]:
    """Starts and lengths of windows, evenly spread along a side, none of which crosses a border of a file's blocks."""
    size = min(WINDOW_PX, length)
    middles = (np.arange(WINDOWS) + 0.5) / WINDOWS * length
    starts = np.minimum(middles.astype(int) // WINDOW_PX * WINDOW_PX, length - size)
    return [(int(start), size) for start in np.unique(starts)]


def check_values(surveys: Mapping[str, TileSurvey], where: str, findings: Findings) -> list[str]:
    """Note tiles in which no valid pixel was seen, those whose channels are all off the rest's, and seams.

    Reflectance of 0 to 1 beside digital numbers of 0 to 10,000 is one: clusters and a network would see two worlds.
    Gives the tiles that look suspicious, those without a valid pixel left out.
    """
    crossed = [tile for tile, survey in surveys.items() if survey.seams]
    if crossed:
        what = (
            f"a straight seam crosses {len(crossed)} of {len(surveys)} tiles, on one side of which the same land is "
            "brighter"
        )
        findings.warn(where, what, f"two scenes, haze or a mixed normalisation? {LOOK}", *crossed)
    return list(dict.fromkeys(_check_levels(surveys, where, findings) + crossed))


def _check_levels(surveys: Mapping[str, TileSurvey], where: str, findings: Findings) -> list[str]:
    empty = [tile for tile, survey in surveys.items() if not survey.valid_share]
    if empty:
        what = f"no valid pixel was seen in {len(empty)} of {len(surveys)} tiles"
        findings.warn(where, what, "are nodata and mask right?", *empty)
    seen = {tile: survey.bright for tile, survey in surveys.items() if survey.valid_share}
    if len(seen) < LEAST_TILES:
        return []
    ratio = _compare_levels(seen)
    off = (ratio > np.log(OFF_SCALE)).all(axis=1) | (ratio < -np.log(OFF_SCALE)).all(axis=1)
    scaled = [tile for tile, one in zip(seen, off, strict=True) if one]
    if scaled:
        what = f"the values of {len(scaled)} of {len(seen)} tiles are on another scale than the rest's"
        findings.warn(where, what, "reflectance beside digital numbers? Bring all tiles to one scale", *scaled)
    odd = [tile for tile, one in zip(seen, find_odd(ratio) & ~off, strict=True) if one]
    if odd:
        what = f"{len(odd)} of {len(seen)} tiles are brighter or darker than the rest in every band"
        findings.warn(where, what, f"haze, another season, or another normalisation? {LOOK}", *odd)
    return scaled + odd


def _compare_levels(seen: Mapping[str, np.ndarray]) -> np.ndarray:
    """The logarithms (tiles, channels) of the bright end over that of the median tile."""
    levels = np.maximum(np.abs(np.stack(list(seen.values()))), np.finfo(np.float64).tiny)
    return np.log(levels / np.median(levels, axis=0))


def find_usual(surveys: Mapping[str, TileSurvey], suspicious: Sequence[str]) -> str | None:
    """The tile whose bright end is nearest to the median tile's, of those that aren't suspicious."""
    seen = {tile: survey.bright for tile, survey in surveys.items() if survey.valid_share}
    others = [tile for tile in seen if tile not in suspicious]
    if not others:
        return None
    far = dict(zip(seen, np.abs(_compare_levels(seen)).sum(axis=1), strict=True))
    return min(others, key=lambda tile: far[tile])


def find_odd(ratio: np.ndarray) -> np.ndarray:
    """Tell which tiles are off the rest in every channel, to the same side, by more than tiles of this region differ.

    ratio: (tiles, channels), logarithms of the bright end over the median tile's. Over half as bright again, or less by
    as much, and six deviations, as the median tile differs; bool (tiles,), false of fewer than eight tiles.
    """
    if len(ratio) < LEAST_ODD:
        return np.zeros(len(ratio), bool)
    limit = np.maximum(np.log(ODD), ODD_DEVIATIONS * NORMAL * np.median(np.abs(ratio), axis=0))
    return (ratio > limit).all(axis=1) | (ratio < -limit).all(axis=1)


def check_tiling(grids: Mapping[str, Grid], where: str, findings: Findings) -> None:
    """Note tiles of one CRS that are off the others' pixel grid, that overlap, and holes between them.

    grids: by tile. All are warnings: an overlap is counted twice in areas, a hole isn't mapped, pixels off the grid are
    resampled by whoever joins the map.
    """
    by_crs: dict[str, list[str]] = {}
    for tile, grid in grids.items():
        by_crs.setdefault(grid.crs.to_wkt(), []).append(tile)
    for tiles in by_crs.values():
        here = [grids[tile] for tile in tiles]
        off = [tile for tile, apart in zip(tiles, _measure_offsets(here), strict=True) if apart > ALIGNED_PX]
        if off:
            what = f"{len(off)} of {len(tiles)} tiles are off the pixel grid of {tiles[0]}"
            findings.warn(where, what, "warp them to one grid (gdalwarp -tap -tr …) if the map is to be joined", *off)
        boxes = shapely.box(*np.array([grid.bounds for grid in here]).T)
        if pairs := _find_overlaps(tiles, boxes):
            hint = "what lies in both is counted twice; cut the tiles so that they only touch"
            findings.warn(where, f"{len(pairs)} pairs of tiles overlap", hint, *pairs)
        if holes := _count_holes(boxes):
            what = f"{holes} holes lie between the tiles"
            findings.warn(where, what, "is a tile missing? Nothing is mapped there")


def _measure_offsets(grids: list[Grid]) -> np.ndarray:
    """How far the corners of grids of equal pixels are from the pixel grid of the first, in pixels; 0 of others."""
    first = grids[0].transform
    apart = np.zeros(len(grids))
    for place, grid in enumerate(grids):
        own = grid.transform
        if np.allclose((own.a, own.e), (first.a, first.e), rtol=1e-9):
            steps = np.array([(own.c - first.c) / first.a, (own.f - first.f) / first.e])
            apart[place] = np.abs(steps - steps.round()).max()
    return apart


def _find_overlaps(tiles: list[str], boxes: np.ndarray) -> list[str]:
    """Pairs of tiles that share more than a seam."""
    first, second = shapely.STRtree(boxes).query(boxes, predicate="intersects")
    first, second = first[first < second], second[first < second]
    shared = shapely.area(shapely.intersection(boxes[first], boxes[second]))
    large = shared > OVERLAP_SHARE * np.minimum(shapely.area(boxes[first]), shapely.area(boxes[second]))
    return [f"{tiles[a]} and {tiles[b]}" for a, b in zip(first[large], second[large], strict=True)]


def _count_holes(boxes: np.ndarray) -> int:
    """Holes, as large as half a tile or more, that tiles enclose."""
    side = np.sqrt(np.median(shapely.area(boxes)))
    joined = shapely.union_all(shapely.buffer(boxes, 1e-6 * side, join_style="mitre"))
    rings = shapely.get_rings(shapely.get_parts(joined))
    holes = shapely.polygons(rings[~shapely.is_ccw(rings)]) if len(rings) else np.empty(0)
    shells = shapely.get_num_geometries(joined)
    return int((shapely.area(holes) > GAP_SHARE * side**2).sum()) if len(rings) > shells else 0
