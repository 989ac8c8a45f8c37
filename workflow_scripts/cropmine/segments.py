"""Segments: pixels clustered by their colours, then the connected pixels of one cluster."""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from rasterio.windows import Window
from threadpoolctl import threadpool_limits

from cropmine.errors import CropmineError
from cropmine.files import replacing
from cropmine.grids import Grid
from cropmine.kmeans import find_centres, find_least
from cropmine.rasters import write_raster

CLUSTER_ENDS = "CLUSTER_ENDS"
CHUNK_PX = 1 << 14  # pixels at a time, so that their scores stay in the cache
BAND_PX = 1 << 24  # pixels whose components are found at once; a quad is one band
STRIP_PX = 1 << 21  # pixels that are summed at once


Areas = np.ndarray | Callable[[int, int], np.ndarray]


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


def pool_samples(draws: Iterable[tuple[np.ndarray, int]], n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw valid pixels without replacement from many tiles, each pixel with the same chance, one tile in memory.

    draws yields n pixels of a tile, (n, C), fewer if fewer are valid, and the number of its valid pixels; gives float32
    (n, C), fewer if fewer are valid. Every pixel has a uniform key and the smallest keys win; only the n smallest of a
    tile are ever drawn.
    """
    pool, keys = [], []
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

    def assign_chunk(start):
        chunk = slice(start, start + CHUNK_PX)
        if inside[chunk].any():
            x = np.where(inside[chunk], flat[:, chunk], 0).astype(np.float32)
            x -= mean
            out[chunk] = (find_least(weights @ x + offsets) + np.uint8(1)) * inside[chunk]

    with threadpool_limits(limits=1), ThreadPoolExecutor(threads) as pool:
        list(pool.map(assign_chunk, range(0, out.size, CHUNK_PX)))
    return out.reshape(valid.shape)


def label_segments(
    clusters: np.ndarray,
    areas: Areas,
    min_area_m2: float,
    max_area_m2: float | None,
    band_px: int = BAND_PX,
) -> tuple[np.ndarray, np.ndarray]:
    """Number the 4-connected pixels of one cluster, without those that are too small or too large.

    clusters uint8 (h, w), 0 for none; areas are pixel areas in m², an array that is broadcastable to (h, w) or a
    function that gives those of the rows from one to before another. Gives ids uint32 (h, w), 0 for none and 1 to n
    ordered by cluster and then by first pixel, and the cluster of each id, uint8 (n + 1,). Components are found in
    bands of rows of `band_px` pixels and joined, so that a large tile takes little more memory than its ids.
    """
    areas_of = areas if callable(areas) else _give_rows(np.broadcast_to(areas, clusters.shape))
    limits = min_area_m2, np.inf if max_area_m2 is None else max_area_m2
    ids, cluster, area, first = _find_components(clusters, areas_of, limits, band_px)
    kept = (area >= limits[0]) & (area <= limits[1]) & (first == np.arange(len(first), dtype=first.dtype))
    kept[0] = False
    kept = np.flatnonzero(kept)  # by first pixel, as components
    kept = kept[np.argsort(cluster[kept], kind="stable")]
    renumbered = np.zeros(len(first), dtype=np.uint32)
    renumbered[kept] = np.arange(1, len(kept) + 1)
    renumbered = renumbered[first]
    for rows in _divide_rows(ids.shape, STRIP_PX):
        np.take(renumbered, ids[rows], out=ids[rows], mode="clip")
    return ids, np.concatenate([cluster[:1] * 0, cluster[kept]])


def _give_rows(areas: np.ndarray) -> Callable[[int, int], np.ndarray]:
    return lambda top, bottom: areas[top:bottom]


def _divide_rows(shape: tuple[int, int], pixels: int) -> Iterator[slice]:
    """Rows of an array in strips of about so many pixels."""
    step = max(pixels // max(shape[1], 1), 1)
    return (slice(top, min(top + step, shape[0])) for top in range(0, shape[0], step))


def _find_components(
    clusters: np.ndarray, areas_of: Callable[[int, int], np.ndarray], limits: tuple[float, float], band_px: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Components uint32 (h, w), numbered by first pixel; of each its cluster, area, and the first that it is part of.

    Left out, as 0, are those whose area isn't within the limits, as far as one band tells. A component that spans bands
    has a number in each; the area is at the first.
    """
    ids, count, seams = np.empty(clusters.shape, dtype=np.uint32), 0, []
    cluster_parts, area_parts = [np.zeros(1, dtype=np.uint8)], [np.zeros(1)]
    for band in _divide_rows(clusters.shape, band_px):
        found, cluster, area = _measure_components(
            clusters[band], lambda a, b, top=band.start: areas_of(top + a, top + b)
        )
        kept = (area >= limits[0]) & (area <= limits[1])
        for edge, open_ in ((found[0], band.start > 0), (found[-1], band.stop < len(clusters))):
            kept[edge if open_ else []] = True
        kept[0] = False
        numbers = np.where(kept, np.cumsum(kept) + count, 0).astype(np.uint32)
        for rows in _divide_rows(found.shape, STRIP_PX):
            np.take(numbers, found[rows], out=ids[band][rows], mode="clip")
        if band.start:
            above, below = clusters[band.start - 1], clusters[band.start]
            seams.append(ids[band.start - 1 : band.start + 1, (above == below) & (above > 0)].astype(np.int64))
        cluster_parts.append(cluster[kept])
        area_parts.append(area[kept])
        count += np.count_nonzero(kept)
    cluster, area = np.concatenate(cluster_parts), np.concatenate(area_parts)
    first = np.arange(count + 1, dtype=np.uint32)
    if seams:
        first = _join_components(count, np.concatenate(seams, axis=1))
        area = np.bincount(first, weights=area, minlength=count + 1)
    return ids, cluster, area, first


def _measure_components(
    clusters: np.ndarray, areas_of: Callable[[int, int], np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Components, numbered by first pixel, with the cluster and the area of each."""
    import cc3d

    found, n = cc3d.connected_components(clusters, connectivity=4, out_dtype=np.uint32, return_N=True)
    area, cluster = np.zeros(n + 1), np.zeros(n + 1, dtype=np.uint8)
    for rows in _divide_rows(found.shape, STRIP_PX):
        flat = found[rows].reshape(-1).astype(np.intp)
        weights = np.broadcast_to(areas_of(rows.start, rows.stop), found[rows].shape).reshape(-1)
        area += np.bincount(flat, weights=weights, minlength=n + 1)
        cluster[flat] = clusters[rows].reshape(-1)
    return found, cluster, area


def _join_components(count: int, pairs: np.ndarray) -> np.ndarray:
    """The least number that each of the numbers 0 to `count` is joined to by pairs (2, p), uint32 (count + 1,)."""
    first = np.arange(count + 1, dtype=np.uint32)
    pairs = np.unique(pairs, axis=1)
    while pairs.shape[1]:
        roots = first[pairs]
        np.minimum.at(first, roots.max(axis=0), roots.min(axis=0))
        touched = np.unique(pairs)
        while not np.array_equal(first[first[touched]], first[touched]):
            first[touched] = first[first[touched]]
        pairs = pairs[:, first[pairs[0]] != first[pairs[1]]]
    while not np.array_equal(
        first[first], first
    ):  # those whose own pairs were done before their root found a lesser one
        first = first[first]
    return first


def write_segments(path: str | Path, ids: np.ndarray, cluster_of_segment: np.ndarray, grid: Grid) -> None:
    """Write segments as a GeoTIFF whose tag CLUSTER_ENDS holds the last id of cluster 1, 2, and so on."""
    ends = np.cumsum(np.bincount(cluster_of_segment[1:], minlength=2)[1:])
    write_raster(path, ids, grid, nodata=0, descriptions=["segment"], tags={CLUSTER_ENDS: ",".join(map(str, ends))})


def read_segments(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Read segments as `label_segments` gives them. Raises CropmineError if the file isn't one of segments."""
    cluster_of_segment = read_segment_clusters(path)
    with rasterio.open(path) as dataset:
        return dataset.read(1), cluster_of_segment


def read_segment_clusters(path: str | Path) -> np.ndarray:
    """Read the cluster of each segment, uint8 (n + 1,). Raises CropmineError if the file isn't one of segments."""
    try:
        with rasterio.open(path) as dataset:
            tags = dataset.tags()
    except rasterio.errors.RasterioIOError as error:
        raise CropmineError(path, f"can't be read ({error})", "delete it and it will be made anew") from error
    if CLUSTER_ENDS not in tags:
        raise CropmineError(path, f"has no tag {CLUSTER_ENDS}, so it holds no segments", "delete it to make it anew")
    ends = np.array(tags[CLUSTER_ENDS].split(","), dtype=np.int64)
    clusters = np.repeat(np.arange(1, len(ends) + 1, dtype=np.uint8), np.diff(ends, prepend=0))
    return np.concatenate([np.zeros(1, dtype=np.uint8), clusters])


def read_segment_strips(path: str | Path, top: int, bottom: int) -> Iterator[np.ndarray]:
    """Read the segments of rows from `top` to before `bottom`, strip after strip, uint32 (rows, w).

    A strip holds until the next is read: all come in one buffer, since new memory costs as much as decompressing.
    """
    with rasterio.open(path) as dataset:
        height, width = dataset.shape
        block = dataset.block_shapes[0][0]
        step = max(STRIP_PX // width // block, 1) * block
        buffer = np.empty((step, width), dtype=np.uint32)
        for start in range(top - top % step, bottom, step):
            first, last = max(start, top), min(start + step, bottom, height)
            yield dataset.read(1, window=Window(0, first, width, last - first), out=buffer[: last - first])
