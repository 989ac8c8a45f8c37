"""The audit of weak labels without training: how pure mined and eroded labels are, by the human labels that train."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd

from cropmine.classes import CLASS_NAMES
from cropmine.files import replacing
from cropmine.geo.areas import pixel_areas
from cropmine.geo.grids import Grid, pixel_size_m, read_grid
from cropmine.geo.rasters import read_raster
from cropmine.inputs.label_rasters import burn_label_ids
from cropmine.mining.overlaps import Columns, read_overlap
from cropmine.mining.segment_files import read_segments
from cropmine.mining.targets import CLOSED, OPEN
from cropmine.scoring.audit_rates import ERODED, MINED, Estimates, estimate_rates

UNKNOWN = 2  # of the weak map's classes: no data
CHUNK_ROWS = 256
DEPTH_ROWS = 1024
DEPTH_SLACK_M = 1e-3  # distances are in float32


@dataclass(frozen=True)
class Survey:
    """Sums over the overlap tables of all training tiles.

    weak_share: the weak map's share of cropland in the segments, None without a valid weak pixel; segmented_ha: their
    area; region_ha: float64 (2, T), mined by class and threshold.
    """

    weak_share: float | None
    segmented_ha: float
    region_ha: np.ndarray


def survey_overlaps(paths: Iterable[str | Path], thresholds: Sequence[float], min_valid: float) -> Survey:
    """Sum up the overlap tables of tiles, one at a time."""
    region_ha = np.zeros((2, len(thresholds)))
    segmented = cropland = known = 0.0
    for path in paths:
        overlap = read_overlap(path)
        area = overlap["area_ha"]
        segmented += float(area.sum())
        for cls, hectares in enumerate(_mined_hectares(overlap, area, thresholds, min_valid)):
            region_ha[cls] += hectares
        weight = area * overlap["weak_valid"]
        cropland += float(np.nansum(weight * overlap["weak_fraction"]))
        known += float(weight.sum())
    return Survey(cropland / known if known else None, segmented, region_ha)


def _mined_hectares(overlap: Columns, area: np.ndarray, thresholds: Sequence[float], min_valid: float):
    """Hectares mined at each threshold, of non-cropland and of cropland."""
    below, above = place_fractions(overlap, thresholds, min_valid)
    size = len(thresholds) + 1
    return (
        _sum_up(np.bincount(below, weights=area, minlength=size)),
        _sum_down(np.bincount(above, weights=area, minlength=size)),
    )


def place_fractions(overlap: Columns, thresholds: Sequence[float], min_valid: float) -> tuple[np.ndarray, np.ndarray]:
    """Find from and up to which threshold segments are mined, both strict as in mining.mine_segments.

    Returns below and above, int64 (n,): a segment is non-cropland at the thresholds from place `below` on and cropland
    at those before place `above`. A segment that can't be mined is neither at any.
    """
    fraction = overlap["weak_fraction"]
    usable = (overlap["weak_valid"] >= min_valid) & np.isfinite(fraction)
    below = np.where(usable, np.searchsorted(thresholds, fraction, side="right"), len(thresholds))
    above = np.where(usable, np.searchsorted(thresholds, fraction, side="left"), 0)
    return below, above


def _sum_up(counts: np.ndarray) -> np.ndarray:
    """Of counts by place (…, T + 1), what lies at or before each threshold's place: (…, T)."""
    return counts.cumsum(axis=-1)[..., :-1]


def _sum_down(counts: np.ndarray) -> np.ndarray:
    """Of counts by place (…, T + 1), what lies beyond each threshold's place: (…, T)."""
    return counts[..., ::-1].cumsum(axis=-1)[..., ::-1][..., 1:]


def measure_depth(classes: np.ndarray, pixel_m: tuple[float, float], limit_m: float) -> np.ndarray:
    """Measure how far pixels lie inside their class: float32 (h, w) metres, right up to `limit_m`.

    classes: uint8 (h, w), any codes. The distance is from a pixel's centre to the nearest point of a pixel of another
    code, as in weak.erode_weak_map. That point is a corner, the middle of an edge or on the way to one, so an exact
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


@dataclass(frozen=True)
class TileFiles:
    """The files of a training tile: its segments, their overlaps with the weak map, and where labels may train."""

    segments: str | Path
    overlap: str | Path
    mask: str | Path


class Tally:
    """Pixels of human labels, and hectares that may train, by what is mined and kept of the weak map there.

    Of P pieces of labels, T thresholds and E distances: pixels and weak_pixels int64 (P,), those that may train and
    those of them with a valid weak pixel; mined int32 (2, P, T) by class and threshold; eroded int32 (2, P, E);
    mined_ha float64 (2, T), eroded_ha (2, E) and open_ha, the land where weak labels may train. All are of tiles that
    hold labels.
    """

    def __init__(self, pieces: int, thresholds: Sequence[float], erosions_m: Sequence[float]):
        self.thresholds, self.erosions_m = np.asarray(thresholds), np.asarray(erosions_m)
        self.pixels = np.zeros(pieces, np.int64)
        self.mined = np.zeros((2, pieces, len(thresholds)), np.int32)
        self.eroded = np.zeros((2, pieces, len(erosions_m)), np.int32)
        self.mined_ha = np.zeros((2, len(thresholds)))
        self.eroded_ha = np.zeros((2, len(erosions_m)))
        self.open_ha = 0.0
        self.tiles = 0

    @property
    def weak_pixels(self) -> np.ndarray:
        """Pixels of each piece with a valid weak pixel."""
        return self.eroded[:, :, 0].sum(axis=0, dtype=np.int64)

    def add_tile(
        self,
        pieces: np.ndarray,
        mask: np.ndarray,
        areas: np.ndarray,
        segments: tuple[np.ndarray, Columns],
        weak: tuple[np.ndarray, np.ndarray],
        min_valid: float,
    ) -> None:
        """Add a tile.

        pieces: int32 (h, w), positions of label pieces counted from 1, 0 for none; mask: as targets.mask_training gives
        it; areas: m², broadcastable to (h, w); segments: ids uint32 (h, w) and the overlap table; weak: classes uint8
        (h, w), 0, 1 or UNKNOWN, and depth as measure_depth gives it.
        """
        at = np.flatnonzero((pieces.reshape(-1) > 0) & (mask.reshape(-1) != CLOSED))
        rows, local = np.unique(pieces.reshape(-1)[at] - 1, return_inverse=True)
        self.pixels[rows] += np.bincount(local, minlength=len(rows))
        open_m2 = np.where(mask == OPEN, areas.astype(np.float32), np.float32(0))
        self.open_ha += float(open_m2.sum(dtype=np.float64)) / 1e4
        self._add_mined(at, rows, local, open_m2, segments, min_valid)
        self._add_eroded(at, rows, local, open_m2, *weak)
        self.tiles += 1

    def _add_mined(self, at, rows, local, open_m2, segments, min_valid) -> None:
        ids, overlap = segments
        hectares = np.zeros(len(overlap["area_ha"]) + 1)
        for start in range(0, len(ids), CHUNK_ROWS):
            chunk = slice(start, start + CHUNK_ROWS)
            weights = open_m2[chunk].reshape(-1)
            hectares += np.bincount(ids[chunk].reshape(-1).astype(np.intp), weights, minlength=len(hectares)) / 1e4
        inside = ids.reshape(-1)[at] > 0
        segment, label = ids.reshape(-1)[at[inside]].astype(np.intp) - 1, local[inside]
        places = place_fractions(overlap, self.thresholds, min_valid)
        for cls, (place, add_up) in enumerate(zip(places, (_sum_up, _sum_down), strict=True)):
            steps = len(self.thresholds) + 1
            counts = _count((label, place[segment]), (len(rows), steps))
            self.mined[cls, rows] += add_up(counts).astype(np.int32)
            self.mined_ha[cls] += add_up(np.bincount(place, weights=hectares[1:], minlength=steps))

    def _add_eroded(self, at, rows, local, open_m2, classes, depth) -> None:
        shape = 3, len(self.erosions_m) + 1
        hectares = np.zeros(shape)
        for start in range(0, len(classes), CHUNK_ROWS):
            chunk = slice(start, start + CHUNK_ROWS)
            index = classes[chunk].reshape(-1), self._place_depth(depth[chunk].reshape(-1))
            hectares += _count(index, shape, open_m2[chunk].reshape(-1)) / 1e4
        self.eroded_ha += _sum_down(hectares)[:2]
        index = classes.reshape(-1)[at], local, self._place_depth(depth.reshape(-1)[at])
        counts = _count(index, (3, len(rows), shape[1]))
        self.eroded[:, rows] += _sum_down(counts)[:2].astype(np.int32)

    def _place_depth(self, depth: np.ndarray) -> np.ndarray:
        return np.searchsorted(self.erosions_m, depth + np.float32(DEPTH_SLACK_M), side="right")


def _count(index: tuple[np.ndarray, ...], shape: tuple[int, ...], weights: np.ndarray | None = None) -> np.ndarray:
    """A histogram over several indices."""
    flat = np.ravel_multi_index(index, shape)
    return np.bincount(flat, weights=weights, minlength=int(np.prod(shape))).reshape(shape)


def tally_tiles(
    pieces: geopandas.GeoDataFrame,
    tiles: Iterable[TileFiles],
    read_weak: Callable[[Grid], tuple[np.ndarray, np.ndarray]],
    tally: Tally,
    min_valid: float,
) -> None:
    """Add the tiles that hold pieces of labels to a tally, one at a time; of the others only the grid is read.

    pieces: those of labels.parquet that train; read_weak: gives values and validity of the weak map on a grid, as
    weak.read_weak_map does, without a guard.
    """
    for tile in tiles:
        grid = read_grid(tile.segments)
        burnt = burn_label_ids(pieces, grid)
        if not burnt.any():
            continue
        mask = read_raster(tile.mask)
        if not (burnt[mask != CLOSED] > 0).any():
            continue
        segments = read_segments(tile.segments)[0], read_overlap(tile.overlap)
        weak = read_depth(read_weak, grid, float(tally.erosions_m[-1]))
        tally.add_tile(burnt, mask, pixel_areas(grid), segments, weak, min_valid)


def read_depth(read_weak: Callable, grid: Grid, limit_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Read the classes of a weak map, uint8 (h, w), 0, 1 or UNKNOWN, and how deep inside their class pixels lie.

    The depth is that of measure_depth and knows what lies beyond the grid.
    """
    size = pixel_size_m(grid)
    halo = int(limit_m / min(size)) + 2
    values, valid = read_weak(grid.padded(halo))
    classes = np.where(valid, values > 0.5, np.uint8(UNKNOWN)).astype(np.uint8)
    del values, valid
    inner = np.s_[halo : halo + grid.height, halo : halo + grid.width]
    return classes[inner], measure_depth(classes, size, limit_m)[inner]


@dataclass(frozen=True)
class Audit:
    """An audit: its table; its settings, one row for two of the table's; and the estimates of these settings."""

    table: pd.DataFrame
    settings: pd.DataFrame
    estimates: Estimates


def tabulate_audit(
    tally: Tally, pieces: pd.DataFrame, survey: Survey, weak_pixel_m: float | None, prevalence: float | None
) -> Audit:
    """Make the table of an audit, one row a source, setting and class.

    pieces: columns label, target and block of the pieces of the tally; prevalence: that of the weak map if None.
    Columns: source (mined or eroded), class, threshold (mined) or erode_m and erode_weak_px (eroded), coverage (share
    of the land that may train, on tiles with labels), coverage_ha, region_ha (hectares mined on all training tiles,
    held-out blocks too), those of audit_rates.estimate_rates, and labels, blocks (of the class), other_labels and
    other_blocks.
    """
    hits = np.concatenate([tally.mined, tally.eroded], axis=2)
    hectares = np.concatenate([tally.mined_ha, tally.eroded_ha], axis=1)
    region = np.full_like(hectares, np.nan)
    region[:, : len(tally.thresholds)] = survey.region_ha
    settings = _list_settings(tally, weak_pixel_m)
    estimates = estimate_rates(hits, tally.pixels, pieces, survey.weak_share if prevalence is None else prevalence)
    parts = []
    for cls in (1, 0):
        part = settings.copy()
        part.insert(1, "class", CLASS_NAMES[cls])
        part["coverage"] = hectares[cls] / tally.open_ha if tally.open_ha else np.nan
        part["coverage_ha"], part["region_ha"] = hectares[cls], region[cls]
        for name, values in estimates.values.items():
            part[name] = values[cls]
        for name, counts in (("labels", estimates.labels), ("blocks", estimates.blocks)):
            part[name], part[f"other_{name}"] = counts[cls], counts[1 - cls]
        parts.append(part)
    return Audit(pd.concat(parts, ignore_index=True).round(6), settings, estimates)


def _list_settings(tally: Tally, weak_pixel_m: float | None) -> pd.DataFrame:
    mined = [(MINED, threshold, np.nan) for threshold in tally.thresholds]
    eroded = [(ERODED, np.nan, metres) for metres in tally.erosions_m]
    settings = pd.DataFrame([*mined, *eroded], columns=["source", "threshold", "erode_m"])
    settings["erode_weak_px"] = settings["erode_m"] / weak_pixel_m if weak_pixel_m else np.nan
    return settings


def write_audit(path: str | Path, table: pd.DataFrame) -> None:
    """Write the table of an audit as Parquet, the same bytes for the same table."""
    with replacing(path) as temporary:
        table.to_parquet(temporary, index=False, compression="zstd")
