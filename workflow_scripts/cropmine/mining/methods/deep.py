"""Segmentation by K-means clusters of the features that a trained network's decoder gives."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import nn

from cropmine.config.segmentations import Deep
from cropmine.inputs.imagery import read_tile
from cropmine.inputs.neighbours import PixelWindow, even_step, tile_windows
from cropmine.inputs.tile_sources import TileSource
from cropmine.inputs.tile_views import HALO_PX, MULTIPLE_PX
from cropmine.mining.clusters import (
    assign_clusters,
    fit_codebook,
    pool_samples,
    sample_pixels,
    seed_tile,
    smooth_clusters,
)
from cropmine.mining.segmentation import Tile
from cropmine.training.checkpoints import load_checkpoint
from cropmine.training.descriptions import check_imagery
from cropmine.training.networks import Normalisation, choose_device, choose_precision
from cropmine.training.prediction import read_view

FIT_WINDOWS = 64  # of the 256 of a tile of 4096 px, so that fitting costs a quarter of what assigning does
CHUNK_ROWS = 256


def divide_tile(tile: Tile, segmentation: Deep) -> np.ndarray:
    """Divide a tile into clusters, uint8 (h, w), of the features of the trained network.

    Raises CropmineError if it was trained on other bands or dates.
    """
    torch.set_num_threads(1)  # the number of threads would change the last digits, and so clusters
    network, norm, meta = load_checkpoint(tile.fitted)
    check_imagery(tile.fitted, meta, list(tile.bands), len(tile.source.images))
    valid = read_validity(tile.source, tile.grid.shape)
    if tile.usable is not None:
        valid &= tile.usable
    clusters = cluster_features(network, norm, tile.source, valid, segmentation, tile.name, meta["precision"])
    return smooth_clusters(clusters, segmentation.smooth_px)


def read_validity(source: TileSource, shape: tuple[int, int]) -> np.ndarray:
    """Read which pixels of a tile of shape (h, w) are valid, bool (h, w), without holding its pixels."""
    height, width = shape
    tops = range(0, height, CHUNK_ROWS)
    return np.concatenate([read_tile(source, (0, top, width, min(CHUNK_ROWS, height - top)))[1] for top in tops])


def read_decoder_features(
    network: nn.Module,
    norm: Normalisation,
    source: TileSource,
    shape: tuple[int, int],
    windows: Sequence[PixelWindow],
    precision: str = "auto",
) -> Iterator[tuple[PixelWindow, np.ndarray]]:
    """Compute the decoder's output in some windows of a tile of shape (h, w), as tile_windows divides it.

    Yields each window, in order, with its features float32 (F, h, w): what the segmentation head of a network of
    segmentation-models-pytorch is given, enlarged to the imagery's pixels as the head enlarges its own output. They
    don't depend on the other windows. The network sees at least 32 px around each window; beyond the tile's
    edge these are mirrored.
    """
    device = choose_device()
    network = network.to(device).eval()
    dtype = choose_precision(precision, device)
    height, width = (-(-(even_step(size) + 2 * HALO_PX) // MULTIPLE_PX) * MULTIPLE_PX for size in shape)
    for window in windows:
        left, top, columns, rows = window
        pixels, _ = read_view(source, norm, shape, (left - HALO_PX, top - HALO_PX, width, height))
        features = _decode(network, torch.from_numpy(pixels[None]).to(device), dtype)
        yield window, features[:, HALO_PX : HALO_PX + rows, HALO_PX : HALO_PX + columns].cpu().numpy()


def _decode(network: nn.Module, inputs: torch.Tensor, dtype: torch.dtype | None) -> torch.Tensor:
    """The decoder's output for one view, float32 (F, h, w)."""
    seen: list[torch.Tensor] = []
    hook = network.get_submodule("segmentation_head").register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    try:
        with torch.inference_mode(), torch.autocast(inputs.device.type, dtype, enabled=dtype is not None):
            network(inputs.contiguous(memory_format=torch.channels_last))
    finally:
        hook.remove()
    features = seen[0].float()
    if features.shape[2:] != inputs.shape[2:]:
        features = nn.functional.interpolate(features, inputs.shape[2:], mode="bilinear", align_corners=True)
    return features[0]


def cluster_features(
    network: nn.Module,
    norm: Normalisation,
    source: TileSource,
    valid: np.ndarray,
    segmentation: Deep,
    tile: str,
    precision: str = "auto",
) -> np.ndarray:
    """Find the clusters of a tile's decoder features by K-means.

    valid bool (h, w) says which of the tile's pixels count, `tile` is its name: the draw of the pixels that K-means is
    fitted to depends on the seed and on this alone. They come from at most 64 windows, drawn among those with a valid
    pixel. Gives uint8 (h, w): 0 where invalid, else 1 to K. Only one window's features are in memory.
    """
    clusters = np.zeros(valid.shape, np.uint8)
    windows = [window for window in tile_windows(valid.shape) if valid[_cut(window)].any()]
    if not windows:
        return clusters
    rng = seed_tile(segmentation.seed, tile)
    drawn = np.sort(rng.permutation(len(windows))[:FIT_WINDOWS])

    def read(some: Sequence[PixelWindow]) -> Iterator[tuple[PixelWindow, np.ndarray]]:
        return read_decoder_features(network, norm, source, valid.shape, some, precision)

    n = segmentation.sample_px
    seen = ((features, valid[_cut(window)]) for window, features in read([windows[number] for number in drawn]))
    draws = ((sample_pixels(features, inside, n, rng), int(np.count_nonzero(inside))) for features, inside in seen)
    codebook = fit_codebook(pool_samples(draws, n, rng), segmentation.clusters, segmentation.seed)
    for window, features in read(windows):
        clusters[_cut(window)] = assign_clusters(features, valid[_cut(window)], codebook)
    return clusters


def _cut(window: PixelWindow) -> tuple[slice, slice]:
    left, top, width, height = window
    return slice(top, top + height), slice(left, left + width)
