"""Scores from histograms of predicted probability: confusion matrices, F1, and intervals over blocks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from cropmine.classes import STEPS, threshold_code
from cropmine.scoring.bootstrap import draw_blocks, find_interval

DEFAULT_THRESHOLD = 0.5
BOOTSTRAP_DRAWS = 1000
LEAST_BLOCKS = 10
TP, FP, FN, TN = range(4)


@dataclass(frozen=True)
class Histograms:
    """Histograms of the probability codes of labelled pieces, one row a piece.

    label: int64 (n,); block: str (n,); target: bool (n,), true is cropland; counts: int64 (n, 201), pixels by code.
    """

    label: np.ndarray
    block: np.ndarray
    target: np.ndarray
    counts: np.ndarray


@dataclass(frozen=True)
class PieceCounts:
    """Pixels of labelled pieces by outcome at one threshold, one row a piece.

    label: int64 (n,); block: str (n,); counts: int64 (n, 4), pixels that are TP, FP, FN, TN with cropland as positive.
    """

    label: np.ndarray
    block: np.ndarray
    counts: np.ndarray

    def where(self, rows: np.ndarray) -> "PieceCounts":
        """Give the chosen rows: boolean (n,) or indices."""
        return PieceCounts(self.label[rows], self.block[rows], self.counts[rows])


def tabulate_pieces(pieces: Iterable[dict], split: str) -> Histograms:
    """Collect the pieces of one split ("validation" or "test") from a scores file.

    A piece has label, block, target, split, codes and counts; codes above 200 (nodata) are left out.
    """
    chosen = [piece for piece in pieces if piece["split"] == split]
    counts = np.zeros((len(chosen), STEPS + 1), np.int64)
    for row, piece in enumerate(chosen):
        codes, numbers = np.asarray(piece["codes"], np.int64), np.asarray(piece["counts"], np.int64)
        valid = codes <= STEPS
        np.add.at(counts[row], codes[valid], numbers[valid])
    return Histograms(
        np.array([piece["label"] for piece in chosen], np.int64),
        np.array([piece["block"] for piece in chosen], dtype=str),
        np.array([piece["target"] for piece in chosen], bool),
        counts,
    )


def join_histograms(parts: Sequence[Histograms]) -> Histograms:
    """Stack histograms, of several runs or folds; sums over the rows are pooled over them."""
    names = ("label", "block", "target", "counts")
    return Histograms(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def count_confusion(histograms: Histograms, threshold: float) -> PieceCounts:
    """Count the pixels of each piece that are TP, FP, FN and TN: cropland is a probability above the threshold."""
    positive = histograms.counts[:, threshold_code(threshold) + 1 :].sum(axis=1)
    negative = histograms.counts.sum(axis=1) - positive
    target = histograms.target
    counts = np.stack([positive * target, positive * ~target, negative * target, negative * ~target], axis=1)
    return PieceCounts(histograms.label, histograms.block, counts)


def compute_f1(counts: np.ndarray) -> np.ndarray:
    """Compute the F1 of cropland of confusion matrices: (..., 4) to float64 (...), NaN where cropland is absent."""
    counts = np.asarray(counts, np.float64)
    support = counts[..., TP] + counts[..., FN]
    size = support + counts[..., TP] + counts[..., FP]
    return np.where(support > 0, 2 * counts[..., TP] / np.where(size > 0, size, 1), np.nan)


def score_confusion(counts: np.ndarray) -> dict[str, float | None]:
    """Score one confusion matrix (4,): F1, precision and recall of both classes and the false-positive rate.

    A class without labelled pixels gives None, and so does the precision of one that is never predicted.
    """
    tp, fp, fn, tn = (float(value) for value in counts)
    cropland, noncropland = tp + fn > 0, tn + fp > 0
    return {
        "f1_cropland": _ratio(2 * tp, 2 * tp + fp + fn) if cropland else None,
        "precision_cropland": _ratio(tp, tp + fp) if cropland else None,
        "recall_cropland": _ratio(tp, tp + fn),
        "f1_noncropland": _ratio(2 * tn, 2 * tn + fp + fn) if noncropland else None,
        "precision_noncropland": _ratio(tn, tn + fn) if noncropland else None,
        "recall_noncropland": _ratio(tn, tn + fp),
        "false_positive_rate": _ratio(fp, fp + tn),
    }


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def pool_rows(names: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum the rows of equal name: (n,) and (n, 4) to sorted names (m,) and int64 (m, 4)."""
    unique, position = np.unique(names, return_inverse=True)
    sums = np.zeros((len(unique), counts.shape[1]), counts.dtype)
    np.add.at(sums, position.ravel(), counts)
    return unique, sums


def sum_class(histograms: Histograms, target: bool) -> np.ndarray:
    """Sum the pixels of a class by block and code: int64 (b, 201), the blocks in sorted order."""
    return pool_rows(histograms.block, histograms.counts * (histograms.target == target)[:, None])[1]


def score_by_label(pieces: PieceCounts) -> float | None:
    """Compute the F1 of cropland with each label counted once, by the shares of its pixels; None without cropland."""
    _, counts = pool_rows(pieces.label, pieces.counts)
    pixels = counts.sum(axis=1, keepdims=True)
    counts = counts[pixels[:, 0] > 0] / pixels[pixels[:, 0] > 0]
    return score_confusion(counts.sum(axis=0))["f1_cropland"]


def bootstrap_f1(blocks: np.ndarray, seed: int, draws: int = BOOTSTRAP_DRAWS) -> np.ndarray:
    """Bootstrap the F1 of cropland over blocks, stratified by class.

    blocks: (b, 4) confusion matrix of each block, or (k, b, 4) for k classifiers, which then share the draws.
    Returns float64 (draws,) or (k, draws). Efron and Tibshirani (1993), chapter 8, the block as the unit.
    """
    blocks = np.asarray(blocks, np.float64)
    first = blocks if blocks.ndim == 2 else blocks[0]
    times = draw_blocks(first[:, TP] + first[:, FN] > 0, draws, np.random.default_rng(seed))
    return compute_f1(times @ blocks)


def count_blocks(blocks: np.ndarray) -> tuple[int, int]:
    """Count the blocks (b, 4) that hold labelled pixels of cropland, and of non-cropland."""
    cropland = blocks[:, TP] + blocks[:, FN] > 0
    noncropland = blocks[:, FP] + blocks[:, TN] > 0
    return int(cropland.sum()), int(noncropland.sum())


def leave_blocks_out(blocks: np.ndarray) -> tuple[float | None, float | None]:
    """Find the lowest and highest F1 of cropland when any one block (b, 4) is left out; None under two blocks."""
    scores = compute_f1(blocks.sum(axis=0) - blocks)
    scores = scores[np.isfinite(scores)]
    return (float(scores.min()), float(scores.max())) if scores.size else (None, None)


def describe_scores(pieces: PieceCounts, seed: int, repeats: int = 1) -> dict[str, float | int | None]:
    """Describe the scores of pieces: the figures of one row of the table of experiments.

    repeats: how often each piece is in (seeds), by which support is divided. There is no interval where a class has
    under 10 blocks, but the range when any one block is left out stands in `f1_cropland_loo_lo` and `_hi` anyway.
    """
    figures = score_confusion(pieces.counts.sum(axis=0))
    _, blocks = pool_rows(pieces.block, pieces.counts)
    cropland, noncropland = count_blocks(blocks)
    low = high = None
    if min(cropland, noncropland) >= LEAST_BLOCKS:
        low, high = find_interval(bootstrap_f1(blocks, seed))
    loo_low, loo_high = leave_blocks_out(blocks)
    support = pieces.counts.sum(axis=0)
    return figures | {
        "f1_cropland_lo": low,
        "f1_cropland_hi": high,
        "f1_cropland_loo_lo": loo_low,
        "f1_cropland_loo_hi": loo_high,
        "f1_cropland_by_label": score_by_label(pieces),
        "support_cropland": int(support[TP] + support[FN]) // repeats,
        "support_noncropland": int(support[FP] + support[TN]) // repeats,
        "blocks_cropland": cropland,
        "blocks_noncropland": noncropland,
    }


def describe_classes(pieces: Iterable[dict], split: str, seed: int = 0) -> dict[str, float | int | None]:
    """Describe the scores of a map of classes (codes 0 and 200) on the pieces of a split, as describe_scores does."""
    return describe_scores(count_confusion(tabulate_pieces(pieces, split), DEFAULT_THRESHOLD), seed)
