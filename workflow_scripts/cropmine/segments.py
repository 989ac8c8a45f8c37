"""Segments: pixels clustered by their colours, then the connected pixels of one cluster."""

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cc3d
import numpy as np
import rasterio
from threadpoolctl import threadpool_limits

from cropmine.errors import CropmineError
from cropmine.files import replacing
from cropmine.grids import Grid
from cropmine.rasters import write_raster

CLUSTER_ENDS = "CLUSTER_ENDS"
CHUNK_PX = 1 << 14  # pixels at a time, so that their scores stay in the cache
CHUNK_ROWS = 256


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
    text = json.dumps({name: getattr(codebook, name).tolist() for name in ("mean", "scale", "centres")}, indent=1)
    with replacing(path) as temporary:
        temporary.write_text(text + "\n")


def read_codebook(path: str | Path) -> Codebook:
    """Read a codebook. Raises CropmineError if the file isn't one."""
    try:
        content = json.loads(Path(path).read_text())
        codebook = Codebook(*(np.array(content[name], dtype=np.float64) for name in ("mean", "scale", "centres")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CropmineError(path, f"isn't a codebook ({error!r})", "delete it and it will be fitted anew") from error
    if codebook.centres.ndim != 2 or not codebook.mean.shape == codebook.scale.shape == codebook.centres.shape[1:]:
        raise CropmineError(path, "the shapes of its arrays disagree", "delete it and it will be fitted anew")
    return codebook


def seed_tile(seed: int, tile: str) -> np.random.Generator:
    """Make the generator of a tile: a function of the seed and the tile's name alone."""
    return np.random.default_rng([seed, zlib.crc32(tile.encode())])


def sample_pixels(pixels: np.ndarray, valid: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw valid pixels without replacement.

    pixels (C, h, w) and valid bool (h, w) give float32 (n, C) in raster order; fewer if fewer are valid.
    """
    count = np.count_nonzero(valid)
    positions = np.sort(rng.choice(count, min(n, count), replace=False, shuffle=False))
    if count < valid.size:
        positions = np.flatnonzero(valid)[positions]
    return pixels.reshape(len(pixels), -1)[:, positions].T.astype(np.float32)


def pool_samples(tiles: Iterable[tuple[np.ndarray, np.ndarray]], n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw valid pixels without replacement from many tiles, each pixel with the same chance, one tile in memory.

    tiles yields (pixels, valid) as `sample_pixels` takes them; gives float32 (n, C), fewer if fewer are valid.
    Every pixel has a uniform key and the smallest keys win; only the n smallest of a tile are ever drawn.
    """
    pool, keys = [], []
    for pixels, valid in tiles:
        sample = sample_pixels(pixels, valid, n, rng)
        if not len(sample):
            continue
        # Order statistics of uniform numbers are sums of exponential ones over the sum of them all.
        smallest = np.cumsum(rng.standard_exponential(len(sample)))
        smallest /= smallest[-1] + rng.standard_gamma(np.count_nonzero(valid) - len(sample) + 1)
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
    from sklearn.cluster import KMeans

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
    with threadpool_limits(limits=1):
        fitted = KMeans(clusters, init="k-means++", n_init=1, random_state=seed).fit(samples)
    return Codebook(mean, scale, fitted.cluster_centers_)


def assign_clusters(pixels: np.ndarray, valid: np.ndarray, codebook: Codebook) -> np.ndarray:
    """Find the nearest centre of each pixel.

    pixels (C, h, w) and valid bool (h, w) give uint8 (h, w): 0 where invalid, else 1 to K; the lower one of equals.
    |x - c|² is compared as |c|² - 2xc, in float32, in chunks of a fixed size.
    """
    flat, out = pixels.reshape(len(pixels), -1), np.zeros(valid.size, dtype=np.uint8)
    mean = codebook.mean.astype(np.float32)[:, None]
    weights = (-2 * codebook.centres / codebook.scale).astype(np.float32)
    offsets = (codebook.centres**2).sum(axis=1).astype(np.float32)[:, None]
    inside = valid.reshape(-1)
    with threadpool_limits(limits=1):
        for start in range(0, out.size, CHUNK_PX):
            chunk = slice(start, start + CHUNK_PX)
            if inside[chunk].any():
                x = np.where(inside[chunk], flat[:, chunk], 0).astype(np.float32)
                x -= mean
                out[chunk] = _find_least(weights @ x + offsets)
    out[~inside] = 0
    return out.reshape(valid.shape)


def _find_least(scores: np.ndarray) -> np.ndarray:
    """The first least of each column, counted from 1; without branches, so quicker than argmin."""
    least, best = scores[0], np.ones(scores.shape[1], dtype=np.uint8)
    for k in range(1, len(scores)):
        np.maximum(best, (scores[k] < least).view(np.uint8) * np.uint8(k + 1), out=best)
        np.minimum(least, scores[k], out=least)
    return best


def label_segments(
    clusters: np.ndarray, areas: np.ndarray, min_area_m2: float, max_area_m2: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Number the 4-connected pixels of one cluster, without those that are too small or too large.

    clusters uint8 (h, w), 0 for none; areas are pixel areas in m², broadcastable to (h, w). Gives ids uint32 (h, w),
    0 for none and 1 to n ordered by cluster and then by first pixel, and the cluster of each id, uint8 (n + 1,).
    """
    ids, n = cc3d.connected_components(clusters, connectivity=4, out_dtype=np.uint32, return_N=True)
    area, cluster = np.zeros(n + 1), np.zeros(n + 1, dtype=np.uint8)
    areas = np.broadcast_to(areas, ids.shape)
    for start in range(0, len(ids), CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        flat = ids[rows].reshape(-1).astype(np.intp)
        area += np.bincount(flat, weights=areas[rows].reshape(-1), minlength=n + 1)
        cluster[flat] = clusters[rows].reshape(-1)
    kept = area >= min_area_m2
    if max_area_m2 is not None:
        kept &= area <= max_area_m2
    kept[0] = False
    kept = np.flatnonzero(kept)  # in order of the first pixel, since cc3d numbers components so
    kept = kept[np.argsort(cluster[kept], kind="stable")]
    renumbered = np.zeros(n + 1, dtype=np.uint32)
    renumbered[kept] = np.arange(1, len(kept) + 1)
    for start in range(0, len(ids), CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        ids[rows] = renumbered[ids[rows]]
    return ids, np.concatenate([cluster[:1] * 0, cluster[kept]])


def write_segments(path: str | Path, ids: np.ndarray, cluster_of_segment: np.ndarray, grid: Grid) -> None:
    """Write segments as a GeoTIFF whose tag CLUSTER_ENDS holds the last id of cluster 1, 2, and so on."""
    ends = np.cumsum(np.bincount(cluster_of_segment[1:], minlength=2)[1:])
    write_raster(path, ids, grid, nodata=0, descriptions=["segment"], tags={CLUSTER_ENDS: ",".join(map(str, ends))})


def read_segments(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Read segments as `label_segments` gives them. Raises CropmineError if the file isn't one of segments."""
    try:
        with rasterio.open(path) as dataset:
            ids, tags = dataset.read(1), dataset.tags()
    except rasterio.errors.RasterioIOError as error:
        raise CropmineError(path, f"can't be read ({error})", "delete it and it will be made anew") from error
    if CLUSTER_ENDS not in tags:
        raise CropmineError(path, f"has no tag {CLUSTER_ENDS}, so it holds no segments", "delete it to make it anew")
    ends = np.array(tags[CLUSTER_ENDS].split(","), dtype=np.int64)
    counts = np.diff(ends, prepend=0)
    clusters = np.repeat(np.arange(1, len(ends) + 1, dtype=np.uint8), counts)
    return ids, np.concatenate([np.zeros(1, dtype=np.uint8), clusters])
