"""Tallies of an audit: pixels of human labels and hectares of land that mined and eroded weak labels cover."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas
import numpy as np

from cropmine.features.overlap_files import Columns, read_overlap
from cropmine.features.segment_files import read_segments
from cropmine.geo.areas import pixel_areas
from cropmine.geo.grids import Grid, pixel_size_m, read_grid
from cropmine.geo.rasters import read_raster
from cropmine.inputs.label_rasters import burn_label_ids
from cropmine.mining.targets import CLOSED, OPEN

UNKNOWN = 2  # class of a weak map without data
CHUNK_ROWS = 256
DEPTH_ROWS = 1024
DEPTH_SLACK_M = 1e-3  # distances are in float32
ReadWeak = Callable[[Grid], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class TileFiles:
    """The files of a training tile: its segments, their overlaps with the weak map, and where labels may train."""

    segments: str | Path
    overlap: str | Path
    mask: str | Path


@dataclass(frozen=True)
class Survey:
    """Sums over the overlap tables of all training tiles.

    weak_share: the weak map's share of cropland in the segments, None without a valid weak pixel; segmented_ha: area of
    the segments; mined_ha: float64 (2, T), mined by class and threshold.
    """

    weak_share: float | None
    segmented_ha: float
    mined_ha: np.ndarray


def survey_overlaps(overlaps: Iterable[Columns], thresholds: Sequence[float], min_valid: float) -> Survey:
    """Sum up overlap tables, one at a time."""
    mined_ha = np.zeros((2, len(thresholds)))
    segmented = cropland = known = 0.0
    for overlap in overlaps:
        area = overlap["area_ha"]
        segmented += float(area.sum())
        mined_ha += _sum_mined(place_fractions(overlap, thresholds, min_valid), area, len(thresholds))
        weight = area * overlap["weak_valid"]
        cropland += float(np.nansum(weight * overlap["weak_fraction"]))
        known += float(weight.sum())
    return Survey(cropland / known if known else None, segmented, mined_ha)


def place_fractions(overlap: Columns, thresholds: Sequence[float], min_valid: float) -> tuple[np.ndarray, np.ndarray]:
    """Find from and up to which threshold segments are mined, both strict as in overlaps.mine_segments.

    Returns below and above, int64 (n,): a segment is non-cropland at the thresholds from index `below` on and cropland
    at those before index `above`. A segment that can't be mined is neither at any.
    """
    fraction = overlap["weak_fraction"]
    usable = (overlap["weak_valid"] >= min_valid) & np.isfinite(fraction)
    below = np.where(usable, np.searchsorted(thresholds, fraction, side="right"), len(thresholds))
    above = np.where(usable, np.searchsorted(thresholds, fraction, side="left"), 0)
    return below, above


def _sum_mined(places: tuple[np.ndarray, np.ndarray], hectares: np.ndarray, thresholds: int) -> np.ndarray:
    """Hectares of segments that are mined, by class and threshold: float64 (2, T)."""
    below, above = (np.bincount(place, weights=hectares, minlength=thresholds + 1) for place in places)
    return np.stack([_sum_up(below), _sum_down(above)])


def _sum_up(counts: np.ndarray) -> np.ndarray:
    """Of counts by index of a threshold (…, T + 1), the sums up to and with each threshold: (…, T)."""
    return counts.cumsum(axis=-1)[..., :-1]


def _sum_down(counts: np.ndarray) -> np.ndarray:
    """Of counts by index of a threshold (…, T + 1), the sums beyond each threshold: (…, T)."""
    return counts[..., ::-1].cumsum(axis=-1)[..., ::-1][..., 1:]


def measure_depth(classes: np.ndarray, pixel_m: tuple[float, float], limit_m: float) -> np.ndarray:
    """Measure how far pixels are inside their class: float32 (h, w) metres, right up to `limit_m`.

    classes: uint8 (h, w), any codes. The distance is from a pixel's centre to the nearest point of a pixel of another
    code, as in weak_maps.erode_weak_map. That point is a corner, the middle of an edge or between the two, so an exact
    distance transform of a grid of half pixels, with what touches two codes as its background, finds it.
    """
    import edt

    height = len(classes)
    margin = int(limit_m / pixel_m[1]) + 2
    depth = np.empty(classes.shape, np.float32)
    for start in range(0, height, DEPTH_ROWS):
        top, bottom = max(start - margin, 0), min(start + DEPTH_ROWS + margin, height)
        inside = _refine(classes[top:bottom])
        halves = edt.edt(inside, anisotropy=(pixel_m[1] / 2, pixel_m[0] / 2), black_border=False, parallel=1)
        depth[start : start + DEPTH_ROWS] = halves[1::2, 1::2][start - top : start - top + DEPTH_ROWS]
    return depth


def _refine(classes: np.ndarray) -> np.ndarray:
    """Centres, edges and corners of pixels as a bool (2h + 1, 2w + 1): false where an edge or corner has two codes."""
    padded = np.pad(classes, 1, mode="edge")
    inside = np.ones((2 * classes.shape[0] + 1, 2 * classes.shape[1] + 1), bool)
    inside[::2, 1::2] = padded[:-1, 1:-1] == padded[1:, 1:-1]
    inside[1::2, ::2] = padded[1:-1, :-1] == padded[1:-1, 1:]
    across = padded[:, :-1] == padded[:, 1:]
    inside[::2, ::2] = across[:-1] & across[1:] & (padded[:-1, :-1] == padded[1:, :-1])
    return inside


class Tally:
    """Pixels of human labels, and hectares that may train, that weak labels cover on tiles with labels.

    Of P pieces of labels, T thresholds and E distances of erosion: pixels int64 (P,), those that may train; mined int32
    (2, P, T) by class and threshold; eroded int32 (2, P, E); mined_ha float64 (2, T), eroded_ha (2, E) and open_ha, the
    land where weak labels may train. Segments with a smaller share of valid weak pixels than `min_valid` aren't mined.
    """

    def __init__(
        self, pieces: int, thresholds: Sequence[float], min_valid: float, erosions_m: Sequence[float] = ()
    ) -> None:
        self.thresholds, self.min_valid, self.erosions_m = thresholds, min_valid, erosions_m
        self.pixels = np.zeros(pieces, np.int64)
        self.mined = np.zeros((2, pieces, len(thresholds)), np.int32)
        self.eroded = np.zeros((2, pieces, len(erosions_m)), np.int32)
        self.mined_ha = np.zeros((2, len(thresholds)))
        self.eroded_ha = np.zeros((2, len(erosions_m)))
        self.open_ha = 0.0
        self.tiles = 0

    @property
    def weak_pixels(self) -> np.ndarray:
        """Pixels of each piece with a valid weak pixel: those that a distance of 0 keeps."""
        return self.eroded[:, :, 0].sum(axis=0, dtype=np.int64)

    def add_tile(
        self,
        pieces: np.ndarray,
        open_m2: np.ndarray,
        ids: np.ndarray,
        overlap: Columns,
        weak: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> None:
        """Add a tile.

        pieces: int32 (h, w), positions of label pieces counted from 1, 0 where no label may train; open_m2: float32
        (h, w), area of the pixels where weak labels may train, 0 elsewhere; ids: uint32 (h, w), segments; overlap:
        their overlap table; weak: classes, uint8 (h, w), 0, 1 or UNKNOWN, and depth as measure_depth gives it, None to
        leave out erosion.
        """
        at = np.flatnonzero(pieces)
        piece = pieces.reshape(-1)[at] - 1
        self.pixels += np.bincount(piece, minlength=len(self.pixels))
        self.open_ha += float(open_m2.sum(dtype=np.float64)) / 1e4
        self._add_mined(at, piece, open_m2, ids, overlap)
        if weak is not None:
            self._add_eroded(at, piece, open_m2, *weak)
        self.tiles += 1

    def _add_mined(
        self, at: np.ndarray, piece: np.ndarray, open_m2: np.ndarray, ids: np.ndarray, overlap: Columns
    ) -> None:
        hectares = np.zeros(len(overlap["area_ha"]) + 1)
        for start in range(0, len(ids), CHUNK_ROWS):
            chunk = slice(start, start + CHUNK_ROWS)
            weights = open_m2[chunk].reshape(-1)
            hectares += np.bincount(ids[chunk].reshape(-1).astype(np.intp), weights, minlength=len(hectares)) / 1e4
        places = place_fractions(overlap, self.thresholds, self.min_valid)
        self.mined_ha += _sum_mined(places, hectares[1:], len(self.thresholds))
        segment = ids.reshape(-1)[at].astype(np.intp) - 1
        inside = segment >= 0
        shape = len(self.pixels), len(self.thresholds) + 1
        for cls, (place, add_up) in enumerate(zip(places, (_sum_up, _sum_down), strict=True)):
            counts = _count((piece[inside], place[segment[inside]]), shape)
            self.mined[cls] += add_up(counts).astype(np.int32)

    def _add_eroded(
        self, at: np.ndarray, piece: np.ndarray, open_m2: np.ndarray, classes: np.ndarray, depth: np.ndarray
    ) -> None:
        shape = 3, len(self.erosions_m) + 1
        hectares = np.zeros(shape)
        for start in range(0, len(classes), CHUNK_ROWS):
            chunk = slice(start, start + CHUNK_ROWS)
            index = classes[chunk].reshape(-1), self._place_depth(depth[chunk].reshape(-1))
            hectares += _count(index, shape, open_m2[chunk].reshape(-1)) / 1e4
        self.eroded_ha += _sum_down(hectares)[:2]
        labelled = classes.reshape(-1)[at], piece, self._place_depth(depth.reshape(-1)[at])
        counts = _count(labelled, (3, len(self.pixels), shape[1]))
        self.eroded += _sum_down(counts)[:2].astype(np.int32)

    def _place_depth(self, depth: np.ndarray) -> np.ndarray:
        return np.searchsorted(self.erosions_m, depth + np.float32(DEPTH_SLACK_M), side="right")


def _count(index: tuple[np.ndarray, ...], shape: tuple[int, ...], weights: np.ndarray | None = None) -> np.ndarray:
    """A histogram over several indices."""
    flat = np.ravel_multi_index(index, shape)
    return np.bincount(flat, weights=weights, minlength=int(np.prod(shape))).reshape(shape)


def tally_tiles(pieces: geopandas.GeoDataFrame, tiles: Iterable[TileFiles], read_weak: ReadWeak, tally: Tally) -> None:
    """Add the tiles with labels that train to a tally, one at a time; of the others only the grid is read.

    pieces: those of labels.parquet that train; read_weak: gives values and validity of the weak map on a grid, as
    weak_maps.read_weak_map does, without a guard.
    """
    for tile in tiles:
        grid = read_grid(tile.segments)
        burnt = burn_label_ids(pieces, grid)
        if not burnt.any():
            continue
        mask = read_raster(tile.mask)
        burnt[mask == CLOSED] = 0
        if not burnt.any():
            continue
        open_m2 = np.where(mask == OPEN, pixel_areas(grid).astype(np.float32), np.float32(0))
        weak = read_depth(read_weak, grid, tally.erosions_m[-1])
        tally.add_tile(burnt, open_m2, read_segments(tile.segments)[0], read_overlap(tile.overlap), weak)


def read_depth(read_weak: ReadWeak, grid: Grid, limit_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Read the classes of a weak map, uint8 (h, w), 0, 1 or UNKNOWN, and how deep pixels are inside their class.

    The depth is that of measure_depth and includes the weak map beyond the grid.
    """
    size = pixel_size_m(grid)
    halo = int(limit_m / min(size)) + 2
    values, valid = read_weak(grid.padded(halo))
    classes = np.where(valid, values > 0.5, np.uint8(UNKNOWN)).astype(np.uint8)
    del values, valid
    inner = np.s_[halo : halo + grid.height, halo : halo + grid.width]
    return classes[inner], measure_depth(classes, size, limit_m)[inner]
