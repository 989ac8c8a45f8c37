"""The bootstrap over label blocks."""

import numpy as np


def draw_blocks(has_cropland: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Draw blocks with replacement, apart for blocks with cropland and blocks with other labels only.

    has_cropland: bool (b,). Returns int64 (draws, b): how often each block was drawn.
    """
    times = np.zeros((draws, len(has_cropland)), np.int64)
    for stratum in (has_cropland, ~has_cropland):
        size = int(stratum.sum())
        if size:
            times[:, stratum] = rng.multinomial(size, np.full(size, 1 / size), size=draws)
    return times


def find_interval(sample: np.ndarray) -> tuple[float, float]:
    """Find the central 95 % of a bootstrap sample, NaN left out."""
    low, high = np.nanpercentile(sample, [2.5, 97.5])
    return float(low), float(high)
