"""K-means: the clusters of a sample of pixels. Importing scikit-learn's takes a second on every tile."""

import numpy as np
from threadpoolctl import threadpool_limits

MAX_ROUNDS = 300
TOLERANCE = 1e-4  # of the mean variance of the channels


def find_centres(samples: np.ndarray, clusters: int, seed: int) -> np.ndarray:
    """Find the centres of clusters by K-means.

    samples float64 (n, C), more than `clusters` of them distinct, give float64 (clusters, C). Starts by the greedy
    K-means++ (Arthur & Vassilvitskii 2007), then moves centres as Lloyd does (1982) until no sample changes its cluster
    or the centres hardly move: as scikit-learn's KMeans with n_init=1 and the same seed, draw by draw. On one thread:
    the number of threads would change the last digits.
    """
    middle = samples.mean(axis=0)
    samples = samples - middle
    with threadpool_limits(limits=1):
        centres = _draw_centres(samples, clusters, np.random.RandomState(seed))
        return _move_centres(samples, centres) + middle


def _draw_centres(samples: np.ndarray, clusters: int, rng: np.random.RandomState) -> np.ndarray:
    """Draw centres far from each other; of some candidates each time the one that leaves the least distances."""
    n, trials = len(samples), 2 + int(np.log(clusters))
    ones, squares = np.ones(n), np.einsum("ij,ij->i", samples, samples)
    chosen = [rng.choice(n, p=ones / n)]
    closest = _measure_squares(samples[chosen], samples, squares)[0]
    total = closest @ ones
    for _ in range(1, clusters):
        candidates = np.searchsorted(np.cumsum(closest), rng.uniform(size=trials) * total)
        candidates = np.minimum(candidates, n - 1)
        left = np.minimum(closest, _measure_squares(samples[candidates], samples, squares))
        totals = left @ ones
        best = np.argmin(totals)
        closest, total = left[best], totals[best]
        chosen.append(candidates[best])
    return samples[chosen]


def _measure_squares(points: np.ndarray, samples: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Squared distances (p, n) of points to samples, whose own squares are given."""
    distances = -2 * (points @ samples.T)
    distances += np.einsum("ij,ij->i", points, points)[:, None]
    distances += squares
    return np.maximum(distances, 0, out=distances)


def _move_centres(samples: np.ndarray, centres: np.ndarray) -> np.ndarray:
    limit = TOLERANCE * samples.var(axis=0).mean()
    nearest = None
    channels = np.ascontiguousarray(samples.T)
    for _ in range(MAX_ROUNDS):
        scores = -2 * centres @ channels
        scores += np.einsum("ij,ij->i", centres, centres)[:, None]
        before, nearest = nearest, find_least(scores)
        moved = _average_samples(samples, channels, centres, nearest)
        shift = ((moved - centres) ** 2).sum()
        centres = moved
        if shift <= limit or (before is not None and np.array_equal(before, nearest)):
            break
    return centres


def _average_samples(samples: np.ndarray, channels: np.ndarray, centres: np.ndarray, nearest: np.ndarray) -> np.ndarray:
    """The means of clusters; one that has become empty takes the sample that lies farthest from its centre."""
    k = len(centres)
    counts = np.bincount(nearest, minlength=k).astype(np.float64)
    sums = np.stack([np.bincount(nearest, weights=channel, minlength=k) for channel in channels], axis=1)
    empty = np.flatnonzero(counts == 0)
    if len(empty):
        apart = ((samples - centres[nearest]) ** 2).sum(axis=1)
        for cluster, far in zip(empty, np.argpartition(apart, -len(empty))[: -len(empty) - 1 : -1], strict=True):
            sums[nearest[far]] -= samples[far]
            counts[nearest[far]] -= 1
            sums[cluster], counts[cluster] = samples[far], 1
    filled = counts > 0
    return np.where(filled[:, None], sums * (1 / np.where(filled, counts, 1))[:, None], centres)


def find_least(scores: np.ndarray) -> np.ndarray:
    """The row of the first least of each column, uint8 (n,) for scores (k, n).

    Without branches, so quicker than argmin; `scores` is overwritten.
    """
    least, best = scores[0], np.zeros(scores.shape[1], dtype=np.uint8)
    for row in range(1, len(scores)):
        np.maximum(best, (scores[row] < least).view(np.uint8) * np.uint8(row), out=best)
        np.minimum(least, scores[row], out=least)
    return best
