"""Rates of an audit: recall, contamination and purity of weak labels, with 95 % intervals."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import betaincinv
from threadpoolctl import threadpool_limits

from cropmine.scoring.audit_summary import Estimate
from cropmine.scoring.bootstrap import draw_blocks
from cropmine.scoring.metrics import BOOTSTRAP_DRAWS, LEAST_BLOCKS

BY_LABEL, BY_PIXEL = 0, 1  # weightings
CLASSES = np.arange(2)
TAIL = 0.025


@dataclass(frozen=True)
class Rate:
    """A rate of N settings by class of the weak label, and the ends of its 95 % interval.

    Each is float64 (2, N), NaN where it is undefined and, of the ends, where a class has too few blocks.
    """

    value: np.ndarray
    lo: np.ndarray
    hi: np.ndarray

    def pick(self, cls: int, setting: int) -> Estimate:
        """Pick the rate of one class at one setting, rounded to six decimals."""
        return Estimate(*(round_known(end[cls, setting]) for end in (self.value, self.lo, self.hi)))


@dataclass(frozen=True)
class Rates:
    """Rates of weak labels at N settings, and what they rest on.

    recall: share of the human labels of the same class that the weak labels cover; contamination_by_label and
    contamination_by_pixel: share of the other class's, each label or each pixel counted once; purity: share of the weak
    labels that is right; purity_draws: bootstrap draws of it, float64 (2, draws, N), no draws if there are no
    intervals; labels and blocks: number of human labels, and of blocks with them, by class.
    """

    recall: Rate
    contamination_by_label: Rate
    contamination_by_pixel: Rate
    purity: Rate
    purity_draws: np.ndarray
    labels: tuple[int, int]
    blocks: tuple[int, int]


@dataclass(frozen=True)
class _Sums:
    """Sums over the pieces of each block by weighting (first axis) and class of the human label (second).

    hits: float64 (2, 2, 2, B, N), third axis the class of the weak label; totals: float64 (2, 2, B).
    """

    hits: np.ndarray
    totals: np.ndarray


def estimate_rates(
    hits: np.ndarray, pixels: np.ndarray, pieces: pd.DataFrame, prevalence: float | None, seed: int = 0
) -> Rates:
    """Estimate recall, contamination and purity of weak labels from tallies of human labels.

    hits (2, P, N): pixels of each piece of a human label that a setting makes weak non-cropland, and cropland; pixels
    (P,): pixels of the pieces, of which those with 0 are left out; pieces: columns label, target and block. Purity is
    Bayes' rule on the rates by label: of non-cropland (1 - π) recall / ((1 - π) recall + π contamination), with π the
    prevalence of cropland; NaN without one.

    Intervals are percentile intervals of a bootstrap over blocks, stratified as in bootstrap.draw_blocks, and no
    narrower than if each label were one independent yes or no (Clopper and Pearson 1934): where no label is covered, a
    bootstrap would give a zero-width interval. There are none under 10 blocks of a class.
    """
    used = pixels > 0
    hits, pixels, pieces = hits[:, used], pixels[used], pieces[used]
    sums = _sum_blocks(hits, pixels, pieces)
    shares = _divide(sums.hits.sum(axis=3), sums.totals.sum(axis=2)[:, :, None, None])
    draws = _draw_shares(sums, seed)
    labels = np.array([pieces.loc[pieces["target"] == human, "label"].nunique() for human in CLASSES])
    blocks = np.count_nonzero(sums.totals[BY_PIXEL], axis=1)
    enough = blocks >= LEAST_BLOCKS

    def estimate_share(weighting: int, human: np.ndarray) -> Rate:
        share = shares[weighting, human, CLASSES]
        bounds = bound_shares(share, labels[human, None])
        return _make_rate(share, draws[weighting, human, CLASSES], bounds, enough[human, None])

    recall, contamination = estimate_share(BY_LABEL, CLASSES), estimate_share(BY_LABEL, 1 - CLASSES)
    prior = np.array([np.nan, np.nan] if prevalence is None else [1 - prevalence, prevalence])[:, None]
    purity = find_purity(recall.value, contamination.value, prior)
    purity_draws = find_purity(
        draws[BY_LABEL, CLASSES, CLASSES], draws[BY_LABEL, 1 - CLASSES, CLASSES], prior[..., None]
    )
    most, least = (
        find_purity(recall.value, bound, prior)
        for bound in bound_shares(contamination.value, labels[1 - CLASSES, None])
    )
    return Rates(
        recall,
        contamination,
        estimate_share(BY_PIXEL, 1 - CLASSES),
        _make_rate(purity, purity_draws, (least, most), enough.all() & np.isfinite(purity)),
        purity_draws if enough.all() else purity_draws[:, :0],
        tuple(labels.tolist()),
        tuple(blocks.tolist()),
    )


def find_purity(recall: np.ndarray, contamination: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Find the share of the weak labels of a class that is right: `prior` is the class's share of the land.

    NaN where no human label is covered.
    """
    right = prior * recall
    return _divide(right, right + (1 - prior) * contamination)


def bound_shares(share: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bound shares of `count` independent labels at 95 % (Clopper and Pearson 1934); NaN where there is none."""
    hit = np.where(count > 0, share, np.nan) * count
    missed = count - hit
    with np.errstate(invalid="ignore"):
        least = np.where(hit > 0, betaincinv(np.maximum(hit, 1e-9), missed + 1, TAIL), 0.0)
        most = np.where(missed > 0, betaincinv(hit + 1, np.maximum(missed, 1e-9), 1 - TAIL), 1.0)
    absent = ~np.isfinite(hit)
    return np.where(absent, np.nan, least), np.where(absent, np.nan, most)


def round_known(value: float) -> float | None:
    """Round to six decimals; None of what isn't finite."""
    return round(float(value), 6) if np.isfinite(value) else None


def _sum_blocks(hits: np.ndarray, pixels: np.ndarray, pieces: pd.DataFrame) -> _Sums:
    blocks, block = np.unique(pieces["block"].to_numpy(str), return_inverse=True)
    human = pieces["target"].to_numpy(int)
    summed, totals = np.zeros((2, 2, 2, len(blocks), hits.shape[2])), np.zeros((2, 2, len(blocks)))
    for weighting, weights in enumerate(_weigh_pixels(pixels, pieces)):
        np.add.at(totals[weighting], (human, block), weights * pixels)
        for weak in CLASSES:
            np.add.at(summed[weighting, :, weak], (human, block), hits[weak] * weights[:, None])
    return _Sums(summed, totals)


def _weigh_pixels(pixels: np.ndarray, pieces: pd.DataFrame) -> np.ndarray:
    """Weight of a pixel of each piece, float64 (2, P): by label, where all labels weigh the same, and by pixel."""
    _, label = np.unique(pieces["label"].to_numpy(), return_inverse=True)
    return np.stack([1 / np.bincount(label, weights=pixels)[label], np.ones(len(pixels))])


def _draw_shares(sums: _Sums, seed: int) -> np.ndarray:
    """Shares of the human labels that are covered, in bootstrap draws of blocks: (2, 2, 2, draws, N)."""
    has_cropland = sums.totals[BY_PIXEL, 1] > 0
    times = draw_blocks(has_cropland, BOOTSTRAP_DRAWS, np.random.default_rng(seed)).astype(float)
    with threadpool_limits(limits=1):
        return _divide(times @ sums.hits, (sums.totals @ times.T)[:, :, None, :, None])


def _divide(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan), where=whole > 0)


def _make_rate(value: np.ndarray, draws: np.ndarray, bounds: tuple[np.ndarray, np.ndarray], known: np.ndarray) -> Rate:
    """A rate with the wider of two intervals where it is known: that of the draws (2, draws, N), and bounds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # all draws are NaN where no label is covered
        low, high = np.nanquantile(draws, (TAIL, 1 - TAIL), axis=1)
    least, most = bounds
    return Rate(value, np.where(known, np.fmin(low, least), np.nan), np.where(known, np.fmax(high, most), np.nan))
