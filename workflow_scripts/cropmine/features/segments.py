"""Features of a tile's segments: means of channels, and the cropland share of the weak map in each segment."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import rasterio
from rasterio.windows import Window

from cropmine.errors import CropmineError
from cropmine.features.overlap_files import read_overlap
from cropmine.inputs.neighbours import PixelWindow

STRIP_ROWS = 256
ReadPixels = Callable[[PixelWindow], tuple[np.ndarray, np.ndarray]]


def read_ids(path: str, window: PixelWindow) -> np.ndarray:
    """Read segment ids of a window (column, row, width, height) that may leave the tile: uint32 (h, w), 0 outside."""
    column, row, width, height = window
    ids = np.zeros((height, width), np.uint32)
    with rasterio.open(path) as dataset:
        left, top = max(column, 0), max(row, 0)
        right, bottom = min(column + width, dataset.width), min(row + height, dataset.height)
        if left < right and top < bottom:
            part = Window(left, top, right - left, bottom - top)
            ids[top - row : bottom - row, left - column : right - column] = dataset.read(1, window=part)
    return ids


def read_fractions(path: str) -> np.ndarray:
    """Read the weak fraction of each segment, float32 (n + 1,); NaN for id 0 and without a valid weak pixel."""
    fractions = read_overlap(path)["weak_fraction"]
    return np.concatenate([[np.nan], fractions]).astype(np.float32)


@dataclass(frozen=True)
class SegmentMeans:
    """Means of channels by segment, float32 (channels, n + 1), NaN for id 0."""

    path: str
    means: np.ndarray

    def read(self, window: PixelWindow, pixels: np.ndarray) -> np.ndarray:
        """Give each pixel of a window the mean of its segment, or its own value where there is none.

        pixels: the channels of the window, (channels, h, w). Returns float32 of that shape. Raises CropmineError if the
        file of segments has changed.
        """
        ids = read_ids(self.path, window)
        if ids.max(initial=0) >= self.means.shape[1]:
            raise CropmineError(self.path, "changed while it was read")
        return np.where(ids > 0, self.means[:, ids], pixels).astype(np.float32)


def average_segments(path: str, read: ReadPixels) -> SegmentMeans:
    """Average the channels of a tile by segment.

    path: the raster of segment ids; read: gives pixels (channels, h, w) and validity bool (h, w) of a window of the
    tile. Invalid pixels are in no segment.
    """
    with rasterio.open(path) as dataset:
        height, width = dataset.shape
    sums: np.ndarray | None = None
    counts = np.zeros(1)
    for top in range(0, height, STRIP_ROWS):
        window = (0, top, width, min(STRIP_ROWS, height - top))
        ids = read_ids(path, window).ravel()
        pixels = read(window)[0].reshape(-1, ids.size)
        most = max(int(ids.max(initial=0)) + 1, len(counts))
        found = np.stack([np.bincount(ids, channel, most) for channel in pixels])
        if sums is None:
            sums = np.zeros((len(pixels), 1))
        sums = np.pad(sums, [(0, 0), (0, most - sums.shape[1])]) + found
        counts = np.pad(counts, (0, most - len(counts))) + np.bincount(ids, minlength=most)
    if sums is None:
        raise CropmineError(path, "holds no rows")
    means = sums / np.maximum(counts, 1)
    means[:, 0] = np.nan
    return SegmentMeans(path, means.astype(np.float32))
