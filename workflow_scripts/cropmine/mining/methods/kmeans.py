"""Segmentation by K-means clusters of the imagery, strip after strip."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from cropmine.config.segmentations import KMeans
from cropmine.features.indices import TEXTURE_PX, add_features
from cropmine.mining.clusters import (
    Codebook,
    assign_clusters,
    fit_codebook,
    pool_samples,
    read_codebook,
    seed_tile,
    smooth_clusters,
    write_codebook,
)
from cropmine.mining.segmentation import Tile

STRIP_ROWS = 256


def divide_tile(tile: Tile, segmentation: KMeans) -> np.ndarray:
    """Divide a tile into clusters, uint8 (h, w), by the region's codebook if there is one, else by the tile's own."""
    return cluster_tile(tile, segmentation, read_codebook(tile.fitted) if tile.fitted else None)


def fit_region(tiles: Iterable[Tile], segmentation: KMeans, out: str | Path) -> None:
    """Fit one codebook to the tiles of a region, which are read one at a time, and write it."""
    rng = np.random.default_rng(segmentation.seed)
    draws = (sample_tile(tile, segmentation, rng) for tile in tiles)
    samples = pool_samples(draws, segmentation.sample_px, rng)
    write_codebook(out, fit_codebook(samples, segmentation.clusters, segmentation.seed))


def cluster_tile(tile: Tile, segmentation: KMeans, codebook: Codebook | None = None) -> np.ndarray:
    """Cluster the pixels of a tile, uint8 (h, w): 0 where invalid, else 1 to K.

    Without a codebook one is fitted to pixels of the tile; their draw depends on the seed and the tile's name. Neither
    the strips nor the threads change a pixel.
    """
    if codebook is None:
        samples = sample_tile(tile, segmentation, seed_tile(segmentation.seed, tile.name))[0]
        if not len(samples):
            return np.zeros(tile.grid.shape, np.uint8)
        codebook = fit_codebook(samples, segmentation.clusters, segmentation.seed)
    clusters = np.empty(tile.grid.shape, np.uint8)
    for rows, pixels, valid in _read_features(tile, segmentation):
        clusters[rows] = assign_clusters(pixels, valid, codebook, tile.threads)
    return smooth_clusters(clusters, segmentation.smooth_px)


def sample_tile(tile: Tile, segmentation: KMeans, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Draw valid pixels of a tile without replacement, `segmentation.sample_px` of them or fewer if fewer are valid.

    Gives the pixels with their features, float32 (n, C) in raster order, and the number of valid pixels.
    """
    height = tile.grid.height
    strips = range(0, height, STRIP_ROWS)
    counts = [np.count_nonzero(tile.read_rows(top, min(top + STRIP_ROWS, height))[1]) for top in strips]
    ends = np.cumsum(counts)
    total = int(ends[-1])
    drawn = np.sort(rng.choice(total, min(segmentation.sample_px, total), replace=False, shuffle=False))
    samples, wanted = [], np.split(drawn, np.searchsorted(drawn, ends))
    for number, (_, pixels, valid) in enumerate(_read_features(tile, segmentation)):
        places = np.flatnonzero(valid)[wanted[number] - ends[number] + counts[number]]
        samples.append(pixels.reshape(len(pixels), -1)[:, places].T.astype(np.float32))
    return np.concatenate(samples), total


def _read_features(tile: Tile, segmentation: KMeans) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Rows, their pixels with features, and their validity, strip after strip; texture looks beyond a strip's edges."""
    names, height = segmentation.features, tile.grid.height
    margin = TEXTURE_PX // 2 if "texture" in names else 0
    for top in range(0, height, STRIP_ROWS):
        bottom = min(top + STRIP_ROWS, height)
        first = max(top - margin, 0)
        pixels, valid = tile.read_rows(first, min(bottom + margin, height))
        own = slice(top - first, bottom - first)
        yield slice(top, bottom), add_features(pixels, valid, tile.bands, names)[:, own], valid[own]
