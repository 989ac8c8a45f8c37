"""The check of tiles' values, in a few small windows of each: empty ones, and ones on another scale than the rest."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cropmine.findings import Findings, list_names
from cropmine.grids import read_grid
from cropmine.imagery import TileSource, read_windows

WINDOWS = 2  # along each side of a tile
WINDOW_PX = 64
BRIGHT = 95  # percentile
OFF_SCALE = 8.0
LEAST_TILES = 3
LEAST_ODD = 8
ODD = 1.5
ODD_DEVIATIONS = 6
NORMAL = 1.4826  # the deviation of a normal distribution by the median of its distances


@dataclass(frozen=True)
class TileSurvey:
    """What windows of a tile tell: the share of valid pixels, and the bright end of each channel, float64 (C,)."""

    valid_share: float
    bright: np.ndarray


def survey_tile(source: TileSource) -> TileSurvey:
    """Look at four windows of at most 64 × 64 px of a tile, spread over it."""
    grid = read_grid(source.images[0])
    spread = [(left, top, w, h) for top, h in _spread(grid.height) for left, w in _spread(grid.width)]
    parts = read_windows(source, spread)
    pixels = np.concatenate([part.reshape(len(part), -1) for part, _ in parts], axis=1)
    valid = np.concatenate([good.ravel() for _, good in parts])
    bright = np.full(len(pixels), np.nan)
    if valid.any():
        bright = np.percentile(pixels[:, valid].astype(np.float64), BRIGHT, axis=1)
    return TileSurvey(float(valid.mean()), bright)


def _spread(length: int) -> list[tuple[int, int]]:
    """Starts and lengths of windows, evenly spread along a side."""
    size = min(WINDOW_PX, length)
    middles = (np.arange(WINDOWS) + 0.5) / WINDOWS * length
    starts = np.clip(np.round(middles - size / 2).astype(int), 0, length - size)
    return [(int(start), size) for start in np.unique(starts)]


def check_values(surveys: Mapping[str, TileSurvey], where: str, findings: Findings) -> None:
    """Note tiles in which no valid pixel was seen, and those whose channels are all off the rest's.

    Reflectance of 0 to 1 beside digital numbers of 0 to 10,000 is one: clusters and a network would see two worlds.
    """
    empty = [tile for tile, survey in surveys.items() if not survey.valid_share]
    if empty:
        what = f"no valid pixel was seen in {len(empty)} of {len(surveys)} tiles: {list_names(empty)}"
        findings.warn(where, what, "are nodata and mask right?")
    seen = {tile: survey.bright for tile, survey in surveys.items() if survey.valid_share}
    if len(seen) < LEAST_TILES:
        return
    levels = np.maximum(np.abs(np.stack(list(seen.values()))), np.finfo(np.float64).tiny)
    ratio = np.log(levels / np.median(levels, axis=0))
    off = (ratio > np.log(OFF_SCALE)).all(axis=1) | (ratio < -np.log(OFF_SCALE)).all(axis=1)
    if off.any():
        names = [tile for tile, one in zip(seen, off, strict=True) if one]
        what = (
            f"the values of {len(names)} of {len(seen)} tiles are on another scale than the rest's: {list_names(names)}"
        )
        findings.warn(where, what, "reflectance beside digital numbers? Bring all tiles to one scale")
    names = [tile for tile, one in zip(seen, find_odd(ratio) & ~off, strict=True) if one]
    if names:
        what = (
            f"{len(names)} of {len(seen)} tiles are brighter or darker than the rest in every band: {list_names(names)}"
        )
        hint = "haze, another season, or another normalisation? Clusters and networks will see it; mask or replace them"
        findings.warn(where, what, hint)


def find_odd(ratio: np.ndarray) -> np.ndarray:
    """Tell which tiles are off the rest in every channel, to the same side, by more than tiles of this region differ.

    ratio: (tiles, channels), logarithms of the bright end over the median tile's. Over half as bright again, or less by
    as much, and six deviations, as the median tile differs; bool (tiles,), false of fewer than eight tiles.
    """
    if len(ratio) < LEAST_ODD:
        return np.zeros(len(ratio), bool)
    limit = np.maximum(np.log(ODD), ODD_DEVIATIONS * NORMAL * np.median(np.abs(ratio), axis=0))
    return (ratio > limit).all(axis=1) | (ratio < -limit).all(axis=1)
