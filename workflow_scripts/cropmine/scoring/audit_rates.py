"""Rates of an audit: how much of the human labels weak labels hit, how pure they are, and how sure that is."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import betaincinv
from threadpoolctl import threadpool_limits

from cropmine.scoring.bootstrap import draw_blocks
from cropmine.scoring.metrics import BOOTSTRAP_DRAWS, LEAST_BLOCKS

BY_LABEL, BY_PIXEL = 0, 1
TAIL = 0.025
OWN = np.arange(2)
THRESHOLDS = tuple(step / 100 for step in range(101))
EROSIONS_PX = (0, 1, 2, 3, 4, 6, 8)
MINED, ERODED = "mined", "eroded"


@dataclass(frozen=True)
class Estimates:
    """Rates of N settings by class of the weak label, float64 (2, N), NaN where there is nothing to tell.

    values: by name, and with `_lo` and `_hi` the ends of 95 % intervals; draws: purity, float64 (2, draws, N), empty
    without intervals; labels, blocks: how many human labels there are, and blocks that hold them, by their class.
    """

    values: dict[str, np.ndarray]
    draws: np.ndarray
    labels: tuple[int, int]
    blocks: tuple[int, int]


@dataclass(frozen=True)
class _Sums:
    """Sums over the pieces of each block, by weighting and class of the human label.

    hits: float64 (2, 2, 2, B, N), by class of the weak label, too; totals: float64 (2, 2, B).
    """

    hits: np.ndarray
    totals: np.ndarray
    labels: tuple[int, int]

    @property
    def blocks(self) -> tuple[int, int]:
        return tuple((self.totals[BY_PIXEL] > 0).sum(axis=1).tolist())


def estimate_rates(
    hits: np.ndarray, pixels: np.ndarray, pieces: pd.DataFrame, prevalence: float | None, seed: int = 0
) -> Estimates:
    """Estimate contamination, recall and purity of weak labels.

    hits (2, P, N): pixels of each piece of a label that a setting makes non-cropland, and cropland; pixels (P,): the
    pieces' pixels, pieces of 0 are left out; pieces: columns label, target and block. Gives `contamination_by_label`
    and `contamination_by_pixel`, the share of the other class's labels that is hit, `recall`, the share of its own, and
    `purity`. By label each label counts once, by the share of its pixels. Purity is Bayes' rule on the rates by label:
    of non-cropland (1 - π) recall / ((1 - π) recall + π contamination), π the prevalence of cropland.

    Intervals are 95 % percentile intervals of a bootstrap over blocks, stratified as in metrics.draw_blocks, and no
    narrower than if each label were one independent yes or no (Clopper and Pearson 1934): where no label is hit, a
    bootstrap knows no doubt. There are none under 10 blocks of a class.
    """
    sums = _sum_blocks(hits, pixels, pieces)
    rates = _divide(sums.hits.sum(axis=3), sums.totals.sum(axis=2)[:, :, None, None])
    drawn = _draw_rates(sums, seed)
    enough = np.array(sums.blocks) >= LEAST_BLOCKS
    values: dict[str, np.ndarray] = {}
    for name, weighting, of in (
        ("recall", BY_LABEL, OWN),
        ("contamination_by_label", BY_LABEL, 1 - OWN),
        ("contamination_by_pixel", BY_PIXEL, 1 - OWN),
    ):
        share = rates[weighting, of, OWN]
        low, high = _find_ends(drawn[weighting, of, OWN])
        least, most = bound_shares(share, np.array(sums.labels)[of, None])
        values[name] = share
        values[f"{name}_lo"] = np.where(enough[of, None], np.fmin(low, least), np.nan)
        values[f"{name}_hi"] = np.where(enough[of, None], np.fmax(high, most), np.nan)
    draws = find_purity(drawn[BY_LABEL, OWN, OWN], drawn[BY_LABEL, 1 - OWN, OWN], _prior(prevalence)[:, None])
    recall, contamination = values["recall"], values["contamination_by_label"]
    values["purity"] = find_purity(recall, contamination, _prior(prevalence))
    least, most = bound_shares(contamination, np.array(sums.labels)[1 - OWN, None])
    low, high = _find_ends(draws)
    known = enough.all() & np.isfinite(values["purity"])
    values["purity_lo"] = np.where(known, np.fmin(low, find_purity(recall, most, _prior(prevalence))), np.nan)
    values["purity_hi"] = np.where(known, np.fmax(high, find_purity(recall, least, _prior(prevalence))), np.nan)
    return Estimates(values, draws if enough.all() else draws[:, :0], sums.labels, sums.blocks)


def find_purity(recall: np.ndarray, contamination: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Find the share of weak labels of a class that are right: `prior` is the class's share of the land.

    NaN where nothing is hit.
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


def _prior(prevalence: float | None) -> np.ndarray:
    return np.full((2, 1), np.nan) if prevalence is None else np.array([[1 - prevalence], [prevalence]])


def _sum_blocks(hits: np.ndarray, pixels: np.ndarray, pieces: pd.DataFrame) -> _Sums:
    _, block = np.unique(pieces["block"].to_numpy(str), return_inverse=True)
    labels, label = np.unique(pieces["label"].to_numpy(), return_inverse=True)
    targets = pieces["target"].to_numpy()
    of_label = np.bincount(label, weights=pixels, minlength=len(labels))[label]
    weights = np.divide(1, of_label, out=np.zeros(len(pixels)), where=of_label > 0), np.ones(len(pixels))
    used = np.unique(block[pixels > 0])
    block = np.searchsorted(used, block)
    summed = np.zeros((2, 2, 2, len(used), hits.shape[2]))
    totals = np.zeros((2, 2, len(used)))
    for human in (0, 1):
        rows = np.flatnonzero((targets == human) & (pixels > 0))
        for weighting, weight in enumerate(weights):
            np.add.at(totals[weighting, human], block[rows], (weight * pixels)[rows])
            for weak in (0, 1):
                np.add.at(summed[weighting, human, weak], block[rows], hits[weak][rows] * weight[rows, None])
    counts = tuple(len(np.unique(label[(targets == human) & (pixels > 0)])) for human in (0, 1))
    return _Sums(summed, totals, counts)


def _draw_rates(sums: _Sums, seed: int) -> np.ndarray:
    """Rates of bootstrap draws of blocks, (2, 2, 2, draws, N)."""
    has_cropland = sums.totals[BY_PIXEL, 1] > 0
    times = draw_blocks(has_cropland, BOOTSTRAP_DRAWS, np.random.default_rng(seed)).astype(float)
    with threadpool_limits(limits=1):
        return _divide(times @ sums.hits, (sums.totals @ times.T)[:, :, None, :, None])


def _divide(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan), where=whole > 0)


def _find_ends(draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The central 95 % along the draws (…, draws, N), NaN left out: (…, N) twice, NaN where there is nothing else."""
    ordered, known = np.sort(draws, axis=-2), np.isfinite(draws).sum(axis=-2, keepdims=True)
    ends = []
    for share in (TAIL, 1 - TAIL):
        place = share * np.maximum(known - 1, 0)
        lower, upper = (np.take_along_axis(ordered, end(place).astype(int), axis=-2) for end in (np.floor, np.ceil))
        ends.append((lower + (upper - lower) * (place % 1))[..., 0, :])
    return ends[0], ends[1]
