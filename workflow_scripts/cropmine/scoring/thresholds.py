"""Thresholds of the probability: the best on validation, its bootstrap range, and which one a map takes."""

import numpy as np

from cropmine.classes import STEPS
from cropmine.scoring.bootstrap import draw_blocks, find_interval
from cropmine.scoring.metrics import BOOTSTRAP_DRAWS, DEFAULT_THRESHOLD, LEAST_BLOCKS, Histograms, sum_class

Range = tuple[float, float]


def choose_threshold(histograms: Histograms) -> float:
    """Choose the threshold of the highest F1 of cropland, from 0.005 to 0.995; of equals the one nearest to 0.5.

    Gives 0.5 where no piece is cropland.
    """
    positive, negative = (sum_class(histograms, target).sum(axis=0, keepdims=True) for target in (True, False))
    return float(_find_best(positive, negative)[0]) if positive.sum() else DEFAULT_THRESHOLD


def bootstrap_threshold(histograms: Histograms, seed: int, draws: int = BOOTSTRAP_DRAWS) -> Range | None:
    """Find the central 95 % of the best thresholds of bootstrap draws of blocks, stratified by class.

    Each draw's threshold is the one that choose_threshold would choose. None where a class has under 10 blocks: the
    range would be far too narrow. Its ends are widened to whole steps of 0.005.
    """
    positive, negative = (sum_class(histograms, target) for target in (True, False))
    if min((own.sum(axis=1) > 0).sum() for own in (positive, negative)) < LEAST_BLOCKS:
        return None
    times = draw_blocks(positive.sum(axis=1) > 0, draws, np.random.default_rng(seed)).astype(np.float64)
    low, high = find_interval(_find_best(times @ positive, times @ negative))
    return float(np.floor(round(low * STEPS, 6)) / STEPS), float(np.ceil(round(high * STEPS, 6)) / STEPS)


def _find_best(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """The best thresholds (n,) for pixels of cropland and of other land by code, (n, 201) each."""
    tp, fp = (totals.sum(axis=1, keepdims=True) - np.cumsum(totals, axis=1) for totals in (positive, negative))
    codes = np.arange(1, STEPS)
    support = positive.sum(axis=1, keepdims=True)
    f1 = 2 * tp[:, codes] / (support + tp[:, codes] + fp[:, codes])
    nearness = -np.abs(codes - STEPS * DEFAULT_THRESHOLD)
    best = np.where(f1 >= f1.max(axis=1, keepdims=True) - 1e-12, nearness, -np.inf).argmax(axis=1)
    return codes[best] / STEPS


def settle_choice(reach: Range | None) -> str:
    """Settle which threshold a map takes: "validation", the best on validation, only if its range leaves 0.5 out.

    Otherwise, or where labels are too few for a range, "default": the labels don't separate the best one from 0.5.
    """
    return "default" if reach is None or reach[0] <= DEFAULT_THRESHOLD <= reach[1] else "validation"
