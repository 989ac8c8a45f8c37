"""Prediction of cropland probability by windows that overlap, so that no seam shows."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import nn

from cropmine.codes import NODATA, STEPS
from cropmine.imagery import TileSource, read_tile
from cropmine.models import Normalisation, choose_device, choose_precision
from cropmine.windows import Window, even_step

HALO_PX = 32
MULTIPLE_PX = 32
BATCH = 4


def predict_windows(
    network: nn.Module,
    norm: Normalisation,
    source: TileSource,
    shape: tuple[int, int],
    windows: Sequence[Window],
    precision: str = "auto",
) -> Iterator[tuple[Window, np.ndarray]]:
    """Predict some windows of a tile of shape (h, w), as tile_windows divides it.

    Yields each window, in order, with its probability codes uint8 (h, w): round(200 p), 255 where the imagery is
    invalid. The codes don't depend on which windows are asked for. The network sees at least 32 px around each window;
    beyond the tile's edge these are mirrored.
    """
    device = choose_device()
    network = network.to(device).eval()
    dtype = choose_precision(precision, device)
    height, width = (-(-(even_step(size) + 2 * HALO_PX) // MULTIPLE_PX) * MULTIPLE_PX for size in shape)
    for first in range(0, len(windows), BATCH):
        batch = windows[first : first + BATCH]
        views = [
            read_view(source, norm, shape, (left - HALO_PX, top - HALO_PX, width, height)) for left, top, *_ in batch
        ]
        cores = [np.s_[HALO_PX : HALO_PX + rows, HALO_PX : HALO_PX + columns] for *_, columns, rows in batch]
        valid = [view[1][core] for view, core in zip(views, cores, strict=True)]
        codes = [np.full(mask.shape, NODATA, np.uint8) for mask in valid]
        seen = [number for number, mask in enumerate(valid) if mask.any()]
        if seen:
            predicted = predict_codes(network, np.stack([views[number][0] for number in seen]), device, dtype)
            for number, view in zip(seen, predicted, strict=True):
                codes[number] = np.where(valid[number], view[cores[number]], codes[number])
        yield from zip(batch, codes, strict=True)


def predict_codes(
    network: nn.Module, pixels: np.ndarray, device: torch.device, dtype: torch.dtype | None
) -> np.ndarray:
    """Predict the probability codes of cropland, uint8 (n, h, w), of normalised pixels float32 (n, channels, h, w).

    The network is on the device and in evaluation mode; it is autocast to `dtype` unless that is None.
    """
    inputs = torch.from_numpy(pixels).to(device).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode(), torch.autocast(device.type, dtype, enabled=dtype is not None):
        logits = network(inputs).float()
    probability = torch.sigmoid(logits[:, 1] - logits[:, 0])
    return (probability * STEPS).round().to(torch.uint8).cpu().numpy()


def read_view(source: TileSource, norm: Normalisation, shape: tuple[int, int], window: Window):
    """Normalised pixels and validity of a window that may leave the tile, mirrored at the tile's edges."""
    left, top, width, height = window
    near = max(left, 0), max(top, 0)
    far = min(left + width, shape[1]), min(top + height, shape[0])
    pixels, valid = read_tile(source, (*near, far[0] - near[0], far[1] - near[1]))
    margins = ((near[1] - top, top + height - far[1]), (near[0] - left, left + width - far[0]))
    pixels = np.pad(norm.apply(pixels, valid), ((0, 0), *margins), mode="reflect")
    return pixels, np.pad(valid, margins, mode="reflect")


def predict_tile(
    network: nn.Module,
    norm: Normalisation,
    source: TileSource,
    shape: tuple[int, int],
    windows: Sequence[Window],
    precision: str = "auto",
) -> np.ndarray:
    """Predict windows as predict_windows does, into one array uint8 (h, w) of the tile: 255 outside the windows."""
    codes = np.full(shape, NODATA, np.uint8)
    for (left, top, width, height), part in predict_windows(network, norm, source, shape, windows, precision):
        codes[top : top + height, left : left + width] = part
    return codes
