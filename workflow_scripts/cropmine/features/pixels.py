"""Features of pixels: bands, indices, neighbourhoods, segments and the weak map."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from cropmine.errors import CropmineError
from cropmine.features.indices import add_features
from cropmine.features.neighbourhoods import describe_neighbourhoods
from cropmine.features.segments import SegmentMeans, average_segments
from cropmine.features.weak import WeakReader
from cropmine.geo.grids import Grid
from cropmine.inputs.contexts import TileContext
from cropmine.inputs.neighbours import PixelWindow

ReadPixels = Callable[[PixelWindow], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class PixelFeatures:
    """Which features of a pixel a model reads, in this order.

    The bands and spectral indices (channels); the mean and the standard deviation of each channel in squares of odd
    sides, pixels; with `segments` the mean of each channel over the pixel's segment; with `weak_map` what WeakReader
    describes.
    """

    bands: tuple[str, ...]
    neighbourhood_px: tuple[int, ...] = ()
    indices: tuple[str, ...] = ()
    segments: bool = False
    weak_map: bool = False


@dataclass(frozen=True)
class FeatureReader:
    """Reads features of the pixels of a tile.

    read: gives pixels (channels, h, w), 0 where invalid, and validity bool (h, w) of a window that may leave the tile.
    """

    features: PixelFeatures
    read: ReadPixels
    grid: Grid
    context: TileContext = field(default_factory=TileContext)

    def describe(self, window: PixelWindow) -> tuple[np.ndarray, np.ndarray]:
        """Describe the pixels of a window (column, row, width, height).

        Gives features float32 (n, h, w) and validity bool (h, w), which is false where the imagery is invalid or, for
        features of the weak map, where the weak map is.
        """
        column, row, width, height = window
        reach = max(self.features.neighbourhood_px, default=1) // 2
        pixels, valid = self._read_channels((column - reach, row - reach, width + 2 * reach, height + 2 * reach))
        inner = np.s_[..., reach : reach + height, reach : reach + width]
        wide = pixels.astype(np.float64)
        layers = [pixels[inner], *describe_neighbourhoods(wide, valid, self.features.neighbourhood_px, reach)]
        valid = valid[inner]
        if self._means is not None:
            layers.append(self._means.read(window, pixels[inner]))
        if self.features.weak_map:
            weak, known = self._weak.describe(window)
            layers.append(weak)
            valid = valid & known
        return np.concatenate(layers, dtype=np.float32, casting="same_kind"), valid

    def _read_channels(self, window: PixelWindow) -> tuple[np.ndarray, np.ndarray]:
        pixels, valid = self.read(window)
        return add_features(pixels, valid, self.features.bands, self.features.indices), valid

    @cached_property
    def _means(self) -> SegmentMeans | None:
        if not self.features.segments:
            return None
        if self.context.segments is None:
            raise CropmineError("segments", "the model reads means of segments, and the tile has none")
        return average_segments(self.context.segments, self._read_channels)

    @cached_property
    def _weak(self) -> WeakReader:
        return WeakReader(self.grid, self.context)
