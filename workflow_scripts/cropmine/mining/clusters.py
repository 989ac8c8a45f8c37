"""K-means clusters of pixels: codebooks, seeding, fitting and assignment."""

import zlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from cropmine.errors import REMAKE, CropmineError
from cropmine.tables import read_json, write_json

CHUNK_ROWS = 256

MAX_ROUNDS = 300
TOLERANCE = 1e-4  # of the mean variance of the channels
CHUNK_PX = 1 << 14  # pixels at a time, so that their scores stay in the cache


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
    nearest: np.ndarray | None = None
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
    """The means of clusters; an empty one takes the sample that is farthest from its centre."""
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


def smooth_clusters(clusters: np.ndarray, size: int) -> np.ndarray:
    """Give each pixel the commonest cluster among the valid pixels of a window around it.

    clusters uint8 (h, w), 0 where invalid, which it stays; `size` is the window's odd side in pixels, 1 for no change,
    at most 31. Of equally common clusters the pixel's own wins, then the lowest.
    """
    if size == 1:
        return clusters
    margin, height = size // 2, len(clusters)
    padded, out = np.pad(clusters, margin), np.empty_like(clusters)
    dtype = np.uint8 if 2 * size**2 < 255 else np.uint16
    for top in range(0, height, CHUNK_ROWS):
        window = padded[top : top + CHUNK_ROWS + 2 * margin]
        own = clusters[top : top + CHUNK_ROWS]
        best, most = np.zeros_like(own), np.zeros(own.shape, dtype)
        for cluster in np.unique(window[window > 0]):
            votes = _sum_windows((window == cluster).astype(dtype), size)
            votes += votes
            votes += own == cluster
            best[votes > most] = cluster
            np.maximum(most, votes, out=most)
        out[top : top + CHUNK_ROWS] = np.where(own > 0, best, 0)
    return out


def _sum_windows(values: np.ndarray, size: int) -> np.ndarray:
    """Sums over all square windows within the array, in its dtype."""
    return _sum_runs(_sum_runs(values, size).T, size).T


def _sum_runs(values: np.ndarray, size: int) -> np.ndarray:
    """Sums of `size` rows that follow each other, by runs of 1, 2, 4, ... rows."""
    count, run, length, covered = len(values) - size + 1, values, 1, 0
    total = np.zeros_like(values[:count])
    while covered < size:
        if size & length:
            total = total + run[covered : covered + count]
            covered += length
        length *= 2
        if length <= size:
            run = run[: -length // 2] + run[length // 2 :]
    return total


@dataclass(frozen=True)
class Codebook:
    """Centres of clusters, and the standardisation under which they hold.

    mean (C,) and scale (C,) are in units of the pixels, centres (K, C) in standard deviations; all are float64.
    """

    mean: np.ndarray
    scale: np.ndarray
    centres: np.ndarray


def write_codebook(path: str | Path, codebook: Codebook) -> None:
    """Write a codebook as JSON with every digit."""
    write_json(path, {name: getattr(codebook, name).tolist() for name in ("mean", "scale", "centres")})


def read_codebook(path: str | Path) -> Codebook:
    """Read a codebook. Raises CropmineError if the file isn't one."""
    try:
        content = read_json(path)
        codebook = Codebook(*(np.array(content[name], dtype=np.float64) for name in ("mean", "scale", "centres")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CropmineError(path, f"isn't a codebook ({error!r})", REMAKE) from error
    if codebook.centres.ndim != 2 or not codebook.mean.shape == codebook.scale.shape == codebook.centres.shape[1:]:
        raise CropmineError(path, "the shapes of its arrays disagree", REMAKE)
    return codebook


def seed_tile(seed: int, tile: str) -> np.random.Generator:
    """Make the generator of a tile: a function of the seed and the tile's name alone."""
    return np.random.default_rng([seed, zlib.crc32(tile.encode())])


def sample_pixels(pixels: np.ndarray, valid: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw valid pixels without replacement.

    pixels (C, h, w) and valid bool (h, w) give float32 (n, C) in raster order; fewer if fewer are valid.
    """
    count = int(np.count_nonzero(valid))
    positions = np.sort(rng.choice(count, min(n, count), replace=False, shuffle=False))
    if count < valid.size:
        positions = np.flatnonzero(valid)[positions]
    return pixels.reshape(len(pixels), -1)[:, positions].T.astype(np.float32)


def pool_samples(draws: Iterable[tuple[np.ndarray, int]], n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw valid pixels without replacement from many tiles, each pixel with the same chance, one tile in memory.

    draws yields n pixels of a tile, (n, C), fewer if fewer are valid, and the number of its valid pixels; gives float32
    (n, C), fewer if fewer are valid. Every pixel has a uniform key and the smallest keys win; only the n smallest of a
    tile are ever drawn.
    """
    pool: list[np.ndarray] = []
    keys: list[np.ndarray] = []
    for sample, count in draws:
        if not len(sample):
            continue
        # Order statistics of uniform numbers are sums of exponential ones over the sum of them all.
        smallest = np.cumsum(rng.standard_exponential(len(sample)))
        smallest /= smallest[-1] + rng.standard_gamma(count - len(sample) + 1)
        samples = np.concatenate([*pool, sample])
        chances = np.concatenate([*keys, rng.permutation(smallest)])
        kept = np.sort(np.argsort(chances, kind="stable")[:n])
        pool, keys = [samples[kept]], [chances[kept]]
    return pool[0] if pool else np.empty((0, 0), dtype=np.float32)


def fit_codebook(samples: np.ndarray, clusters: int, seed: int) -> Codebook:
    """Standardise pixels and find their clusters by K-means.

    samples (n, C) are pixels. With fewer distinct pixels than `clusters` each has a cluster of its own. K-means runs on
    one thread: the number of threads would change the last digits. Raises CropmineError if there are no samples.
    """
    if not len(samples):
        raise CropmineError("imagery", "no valid pixel to cluster", "look at nodata and at the mask files")
    samples = samples.astype(np.float64)
    mean, scale = samples.mean(axis=0), samples.std(axis=0)
    scale[(samples == samples[0]).all(axis=0)] = 1
    samples -= mean
    samples /= scale
    distinct = np.unique(samples, axis=0)
    if len(distinct) <= clusters:
        return Codebook(mean, scale, distinct)
    return Codebook(mean, scale, find_centres(samples, clusters, seed))


def assign_clusters(pixels: np.ndarray, valid: np.ndarray, codebook: Codebook, threads: int = 1) -> np.ndarray:
    """Find the nearest centre of each pixel.

    pixels (C, h, w) and valid bool (h, w) give uint8 (h, w): 0 where invalid, else 1 to K; the lower one of equals.
    |x - c|² is compared as |c|² - 2xc, in float32, in chunks of a fixed size, so that `threads` change no pixel.
    """
    flat, out = pixels.reshape(len(pixels), -1), np.zeros(valid.size, dtype=np.uint8)
    mean = codebook.mean.astype(np.float32)[:, None]
    weights = (-2 * codebook.centres / codebook.scale).astype(np.float32)
    offsets = (codebook.centres**2).sum(axis=1).astype(np.float32)[:, None]
    inside = valid.reshape(-1)

    def assign_chunk(start: int) -> None:
        chunk = slice(start, start + CHUNK_PX)
        if inside[chunk].any():
            x = np.where(inside[chunk], flat[:, chunk], 0).astype(np.float32)
            x -= mean
            out[chunk] = (find_least(weights @ x + offsets) + np.uint8(1)) * inside[chunk]

    with threadpool_limits(limits=1), ThreadPoolExecutor(threads) as pool:
        list(pool.map(assign_chunk, range(0, out.size, CHUNK_PX)))
    return out.reshape(valid.shape)
