"""Calibration of probabilities on labelled polygons: reliability diagram and Brier score."""

from collections.abc import Iterable

import numpy as np

from cropmine.classes import STEPS
from cropmine.scoring.bootstrap import draw_blocks, find_interval
from cropmine.scoring.metrics import BOOTSTRAP_DRAWS, LEAST_BLOCKS, sum_class, tabulate_pieces

BINS = 10
PROBABILITIES = np.arange(STEPS + 1) / STEPS
BIN_OF_CODE = np.minimum(np.arange(STEPS + 1) * BINS // STEPS, BINS - 1)


def measure_calibration(pieces: Iterable[dict], split: str, seed: int = 0) -> dict | None:
    """Measure how probabilities of cropland agree with the labels of a split; None without labelled pixels.

    pieces: those of a scores file. Returns pixels, share (of cropland among them), brier (mean squared difference of
    probability and label, Brier 1950), brier_lo and brier_hi, brier_constant (of the share itself, said everywhere),
    and bins of a tenth each that hold pixels: lo, hi, pixels, probability (mean) and share with share_lo and share_hi.
    Intervals are 95 % over blocks, None where a class has under 10 blocks.
    """
    histograms = tabulate_pieces(pieces, split)
    if not histograms.counts.sum():
        return None
    cropland, other = (sum_class(histograms, target) for target in (True, False))
    times = None
    if min((own.sum(axis=1) > 0).sum() for own in (cropland, other)) >= LEAST_BLOCKS:
        times = draw_blocks(cropland.sum(axis=1) > 0, BOOTSTRAP_DRAWS, np.random.default_rng(seed))
    errors, pixels = np.stack(
        [cropland @ (1 - PROBABILITIES) ** 2 + other @ PROBABILITIES**2, (cropland + other).sum(axis=1)]
    )
    brier, low, high = _estimate_ratio(errors, pixels, times)
    share = float(cropland.sum() / histograms.counts.sum())
    return {
        "pixels": int(histograms.counts.sum()),
        "share": share,
        "brier": brier,
        "brier_lo": low,
        "brier_hi": high,
        "brier_constant": share * (1 - share),
        "bins": [
            _describe_bin(number, cropland, other, times)
            for number in np.unique(BIN_OF_CODE[(cropland + other).sum(axis=0) > 0]).tolist()
        ],
    }


def _describe_bin(number: int, cropland: np.ndarray, other: np.ndarray, times: np.ndarray | None) -> dict:
    own = number == BIN_OF_CODE
    both = (cropland + other)[:, own]
    share, low, high = _estimate_ratio(cropland[:, own].sum(axis=1), both.sum(axis=1), times)
    mean = float(both.sum(axis=0) @ PROBABILITIES[own] / both.sum())
    bounds = {"lo": number / BINS, "hi": (number + 1) / BINS, "pixels": int(both.sum()), "probability": mean}
    return bounds | {"share": share, "share_lo": low, "share_hi": high}


def _estimate_ratio(
    part: np.ndarray, whole: np.ndarray, times: np.ndarray | None
) -> tuple[float, float | None, float | None]:
    """The ratio of sums over blocks, and its 95 % interval over draws of blocks."""
    ratio = float(part.sum() / whole.sum())
    if times is None:
        return ratio, None, None
    drawn = times @ whole
    sample = np.divide(times @ part, drawn, out=np.full(len(times), np.nan), where=drawn > 0)
    return (ratio, *find_interval(sample))
