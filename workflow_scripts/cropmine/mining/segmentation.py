"""Ways to cut a tile into segments: K-means clusters, SLIC superpixels, watershed basins.

A tile is first divided into parts (clusters or superpixels), then the connected pixels of a part become segments.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from cropmine.config.experiments import Segmentation
from cropmine.geo.areas import pixel_areas
from cropmine.geo.grids import Grid
from cropmine.mining.clusters import Codebook, assign_clusters, fit_codebook, seed_tile, smooth_clusters
from cropmine.mining.indices import TEXTURE_PX, add_features
from cropmine.mining.segments import label_segments
from cropmine.mining.superpixels import flood_basins, grow_superpixels, number_superpixels

STRIP_ROWS = 256
ReadRows = Callable[[int, int], tuple[np.ndarray, np.ndarray]]


def divide_tile(
    pixels: np.ndarray,
    valid: np.ndarray,
    grid: Grid,
    segmentation: Segmentation,
    tile: str,
    bands: Sequence[str],
    codebook: Codebook | None = None,
) -> np.ndarray:
    """Divide a tile into parts by the method kmeans, slic or watershed.

    pixels (channels, h, w) are those of `bands`, date after date, valid is bool (h, w); the values where it is false
    change nothing. `tile` names the tile, for the draw that K-means is fitted to; a codebook, if there is one, is used
    instead. Gives 0 where invalid, else clusters from 1 as uint8 (h, w) (kmeans), or the numbers of superpixels from 1
    as int32 (h, w) (slic, watershed). Raises CropmineError if a feature needs a band that isn't there.
    """
    if segmentation.method == "kmeans":

        def read_rows(top, bottom):
            return pixels[:, top:bottom], valid[top:bottom]

        return cluster_tile(read_rows, valid.shape, segmentation, tile, bands, codebook)
    pixels = add_features(pixels, valid, bands, segmentation.features)
    if not valid.any():
        return np.zeros(valid.shape, np.uint8)
    if segmentation.method == "slic":
        return grow_superpixels(pixels, valid, grid, segmentation)
    return flood_basins(pixels, valid, grid, segmentation.segment_m2)


def cluster_tile(
    read_rows: ReadRows,
    shape: tuple[int, int],
    segmentation: Segmentation,
    tile: str,
    bands: Sequence[str],
    codebook: Codebook | None = None,
    threads: int = 1,
) -> np.ndarray:
    """Cluster the pixels of a tile of shape (h, w) by K-means, strip after strip.

    read_rows(top, bottom) gives the pixels (channels, rows, w) and validity bool (rows, w) of some rows, thrice without
    a codebook. Gives uint8 (h, w) as divide_tile does, whose other arguments are these; neither the strips nor the
    `threads` change a pixel.
    """
    if codebook is None:
        rng = seed_tile(segmentation.seed, tile)
        samples = sample_tile(read_rows, shape, bands, segmentation, rng)[0]
        if not len(samples):
            return np.zeros(shape, np.uint8)
        codebook = fit_codebook(samples, segmentation.clusters, segmentation.seed)
    clusters = np.empty(shape, np.uint8)
    for rows, pixels, valid in _read_features(read_rows, shape[0], bands, segmentation.features):
        clusters[rows] = assign_clusters(pixels, valid, codebook, threads)
    return smooth_clusters(clusters, segmentation.smooth_px)


def sample_tile(
    read_rows: ReadRows,
    shape: tuple[int, int],
    bands: Sequence[str],
    segmentation: Segmentation,
    rng: np.random.Generator,
) -> tuple[np.ndarray, int]:
    """Draw valid pixels of a tile without replacement, `segmentation.sample_px` of them or fewer if fewer are valid.

    read_rows is that of cluster_tile. Gives the pixels with their features, float32 (n, C) in raster order, and the
    number of valid pixels.
    """
    strips = range(0, shape[0], STRIP_ROWS)
    counts = [np.count_nonzero(read_rows(top, min(top + STRIP_ROWS, shape[0]))[1]) for top in strips]
    ends = np.cumsum(counts)
    total = int(ends[-1])
    drawn = np.sort(rng.choice(total, min(segmentation.sample_px, total), replace=False, shuffle=False))
    samples, wanted = [], np.split(drawn, np.searchsorted(drawn, ends))
    for number, (_, pixels, valid) in enumerate(_read_features(read_rows, shape[0], bands, segmentation.features)):
        places = np.flatnonzero(valid)[wanted[number] - ends[number] + counts[number]]
        samples.append(pixels.reshape(len(pixels), -1)[:, places].T.astype(np.float32))
    return np.concatenate(samples), total


def _read_features(
    read_rows: ReadRows, height: int, bands: Sequence[str], names: Sequence[str]
) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Rows, their pixels with features, and their validity, strip after strip; texture looks beyond a strip's edges."""
    margin = TEXTURE_PX // 2 if "texture" in names else 0
    for top in range(0, height, STRIP_ROWS):
        bottom = min(top + STRIP_ROWS, height)
        first = max(top - margin, 0)
        pixels, valid = read_rows(first, min(bottom + margin, height))
        own = slice(top - first, bottom - first)
        yield slice(top, bottom), add_features(pixels, valid, bands, names)[:, own], valid[own]


def number_segments(parts: np.ndarray, grid: Grid, segmentation: Segmentation) -> tuple[np.ndarray, np.ndarray]:
    """Number the 4-connected pixels of a part, without those under the minimum or over the maximum area.

    parts (h, w) are as divide_tile gives them. Gives ids uint32 (h, w), 0 for none, and the cluster of each id, uint8
    (n + 1,). Clusters are numbered as label_segments does; segments of superpixels are 1 to n by first pixel, and all
    are of cluster 1.
    """
    least, most = segmentation.min_area_m2, segmentation.max_area_m2
    if segmentation.method in ("kmeans", "deep"):
        return label_segments(parts, lambda top, bottom: pixel_areas(grid, (top, bottom)), least, most)
    return number_superpixels(parts, pixel_areas(grid), least, most)
