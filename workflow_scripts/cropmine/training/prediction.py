"""Prediction of cropland probability by windows that overlap and are blended, so that no seam shows."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import torch
from torch import nn
from torch.fx.experimental.optimization import fuse
from torch.fx.proxy import TraceError

from cropmine.classes import NODATA, STEPS, encode_probability
from cropmine.inputs.imagery import read_tile
from cropmine.inputs.neighbours import OVERLAP_PX, STEP_PX, PixelWindow
from cropmine.inputs.tile_sources import TileSource
from cropmine.inputs.tile_views import Pane, Surroundings
from cropmine.training.networks import Normalisation, choose_device, choose_precision

Place = TypeVar("Place")
Found = TypeVar("Found")
PANES_AT_ONCE = 4  # that are read from files which are opened once
# The weight of a window falls linearly to its edges, so that those of windows that overlap add up to 1.
_RISE = (np.arange(OVERLAP_PX, dtype=np.float32) + 0.5) / OVERLAP_PX
RAMP = np.concatenate([_RISE, np.ones(STEP_PX - OVERLAP_PX, np.float32), _RISE[::-1]])


class Strip:
    """The rows of a tile, `width` wide, that a line of windows covers: sums of weighted probabilities, and weights."""

    def __init__(self, top: int, width: int):
        rows = STEP_PX + OVERLAP_PX
        self.top = top
        self.total, self.weight = np.zeros((rows, width), np.float32), np.zeros((rows, width), np.float32)
        self.valid = np.zeros((rows, width), bool)

    def add(self, pane: Pane, probability: np.ndarray, valid: np.ndarray) -> None:
        """Add the probabilities and validity, (h, w), of the window of a pane."""
        left, top, width, height = pane.window
        first, last = max(left, 0), min(left + width, self.total.shape[1])
        there = np.s_[top - self.top : top - self.top + height, first:last]
        here = np.s_[:, first - left : last - left]
        weight = np.multiply.outer(*(_ramp(*span) for span in ((top - pane.row, height), (left - pane.column, width))))
        self.total[there] += (weight * probability)[here]
        self.weight[there] += weight[here]
        self.valid[there] |= valid[here]

    def encode(self, stop: int) -> tuple[int, np.ndarray]:
        """The first row of the tile and the codes, uint8 (rows, w), of what is done once the next line begins."""
        first, last = max(0, -self.top), min(STEP_PX, stop - self.top)
        done = np.s_[first : max(first, last)]
        weight = self.weight[done]
        return self.top + first, encode_probability(
            self.total[done] / np.where(weight > 0, weight, 1), self.valid[done] & (weight > 0)
        )

    def advance(self) -> None:
        """Go on to the next line of windows."""
        self.top += STEP_PX
        for array in (self.total, self.weight, self.valid):
            array[:OVERLAP_PX] = array[STEP_PX:]
            array[OVERLAP_PX:] = 0


def _ramp(start: int, size: int) -> np.ndarray:
    return RAMP[start : start + size]


def predict_strips(
    network: nn.Module,
    norm: Normalisation,
    view: Surroundings,
    precision: str = "auto",
    wanted: np.ndarray | None = None,
) -> Iterator[tuple[int, np.ndarray]]:
    """Predict a tile amid its neighbours from top to bottom, holding no more of it than a line of windows.

    Yields the first row of each strip and its probability codes uint8 (rows, w), round(200 p), 255 where the tile has
    no valid pixel. With `wanted`, bool (h, w), only windows that hold wanted pixels are predicted, and elsewhere the
    codes are 255; those of wanted pixels are the same.
    """
    device = choose_device()
    network = network.to(device).eval()
    dtype = choose_precision(precision, device)
    height, width = view.grid.shape
    strip = None

    def lay_parts() -> Iterator[tuple[int, list[Pane], bool]]:
        for top, panes in view.lay_panes():
            asked = [pane for pane in panes if wanted is None or _look_up(wanted, pane.window).any()]
            starts = range(0, max(len(asked), 1), PANES_AT_ONCE)
            for start in starts:
                yield top, asked[start : start + PANES_AT_ONCE], start == starts[-1]

    def read_part(part: tuple[int, list[Pane], bool]) -> list[tuple[Pane, np.ndarray, np.ndarray]]:
        panes = part[1]
        read = view.read_many([pane.window for pane in panes]) if panes else []
        return [
            (pane, np.pad(norm.apply(pixels, valid), ((0, 0), *pane.margins), mode="reflect"), own)
            for pane, (pixels, valid, own) in zip(panes, read, strict=True)
            if own.any()
        ]

    for (top, _, ends), read in read_ahead(read_part, lay_parts()):
        strip = strip or Strip(top, width)
        for pane, seen, own in read:
            probability = predict_probability(network, seen[None], device, dtype)[0].numpy()
            strip.add(pane, probability[_cut_margins(pane)], own)
        if ends:
            first, codes = strip.encode(height)
            if wanted is not None:
                codes = np.where(wanted[first : first + len(codes)], codes, np.uint8(NODATA))
            if len(codes):
                yield first, codes
            strip.advance()


def _cut_margins(pane: Pane) -> tuple[slice, slice]:
    (above, _), (left, _) = pane.margins
    return np.s_[above : above + pane.window[3], left : left + pane.window[2]]


def _look_up(array: np.ndarray, window: PixelWindow) -> np.ndarray:
    left, top, width, height = window
    return array[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]


def read_ahead(read: Callable[[Place], Found], places: Iterable[Place]) -> Iterator[tuple[Place, Found]]:
    """Yield each of some places with what a function gives for it, the next one being read in a thread meanwhile."""
    with ThreadPoolExecutor(1, "read_ahead") as pool:
        ahead: tuple[Place, Future[Found]] | None = None
        for place in places:
            due, ahead = ahead, (place, pool.submit(read, place))
            if due:
                yield due[0], due[1].result()
        if ahead:
            yield ahead[0], ahead[1].result()


def fold_norms(network: nn.Module) -> nn.Module:
    """Fold batch normalisations into the convolutions before them: the same function in fewer steps, for inference.

    Gives a copy of a network in evaluation mode; one whose steps depend on its input is given back as it is.
    """
    try:
        return fuse(network)
    except TraceError:
        return network


def predict_probability(
    network: nn.Module, pixels: np.ndarray, device: torch.device, dtype: torch.dtype | None
) -> torch.Tensor:
    """Predict the probability of cropland, float32 (n, h, w), of normalised pixels float32 (n, channels, h, w).

    The network is on the device and in evaluation mode; it is autocast to `dtype` unless that is None.
    """
    inputs = torch.from_numpy(pixels).to(device).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode(), torch.autocast(device.type, dtype, enabled=dtype is not None):
        logits = network(inputs).float()
        return torch.sigmoid(logits[:, 1] - logits[:, 0]).cpu()


def predict_codes(
    network: nn.Module, pixels: np.ndarray, device: torch.device, dtype: torch.dtype | None
) -> np.ndarray:
    """Predict probability codes uint8 (n, h, w), as predict_probability predicts probabilities."""
    return (predict_probability(network, pixels, device, dtype) * STEPS).round().to(torch.uint8).numpy()


def read_view(
    source: TileSource, norm: Normalisation, shape: tuple[int, int], window: PixelWindow
) -> tuple[np.ndarray, np.ndarray]:
    """Normalised pixels and validity of a window that may leave the tile, mirrored at the tile's edges."""
    left, top, width, height = window
    near = max(left, 0), max(top, 0)
    far = min(left + width, shape[1]), min(top + height, shape[0])
    pixels, valid = read_tile(source, (*near, far[0] - near[0], far[1] - near[1]))
    margins = ((near[1] - top, top + height - far[1]), (near[0] - left, left + width - far[0]))
    pixels = np.pad(norm.apply(pixels, valid), ((0, 0), *margins), mode="reflect")
    return pixels, np.pad(valid, margins, mode="reflect")
