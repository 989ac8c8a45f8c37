"""Features of the weak map: means of its neighbourhood, the distance to its class border, its share in the segment."""

from dataclasses import dataclass
from functools import cached_property

import edt
import numpy as np

from cropmine.errors import CropmineError
from cropmine.features.neighbourhoods import average_boxes
from cropmine.features.segments import read_fractions, read_ids
from cropmine.geo.grids import Grid, pixel_size_m
from cropmine.inputs.contexts import TileContext
from cropmine.inputs.neighbours import PixelWindow
from cropmine.inputs.weak_maps import read_weak_map

WINDOWS_M = (30.0, 70.0, 150.0, 310.0)
BORDER_M = 200.0  # a class border farther away is as far as that


@dataclass(frozen=True)
class WeakReader:
    """Reads a weak map on the grid of a tile, with its share in the tile's segments if these are known."""

    grid: Grid
    context: TileContext

    @cached_property
    def pixel_m(self) -> float:
        """The side of a pixel on the ground, metres."""
        return float(np.sqrt(np.prod(pixel_size_m(self.grid))))

    @cached_property
    def _fractions(self) -> np.ndarray | None:
        return read_fractions(self.context.overlap) if self.context.overlap else None

    def describe(self, window: PixelWindow) -> tuple[np.ndarray, np.ndarray]:
        """Describe the weak map around the pixels of a window (column, row, width, height).

        Gives features float32 (n, h, w): the map's value; its means over valid pixels in squares of 30, 70, 150 and
        310 m; the signed distance to its class border, metres, positive inside cropland and cut off at 200 m; and its
        share in the pixel's segment, which is the map's own class where there is none. And the validity of the map at
        the pixels, bool (h, w).
        """
        sides = [self._count_pixels(metres) for metres in WINDOWS_M]
        reach = max(*(side // 2 for side in sides), int(BORDER_M / self.pixel_m) + 1)
        values, valid = self._read(window, reach)
        inner = np.s_[reach : reach + window[3], reach : reach + window[2]]
        means = [self._average(values, valid, side, reach) for side in sides]
        own = values[inner]
        border = self._measure_border(values > 0.5, valid)[inner]
        layers = [own, *means, border, self._share(window, own)]
        return np.stack(layers).astype(np.float32), valid[inner]

    def smooth(self, window: PixelWindow, smooth_m: float) -> tuple[np.ndarray, np.ndarray]:
        """Smooth the weak map in a window: half its mean over a square, half its share in the pixel's segment.

        smooth_m: the side of the square, metres. Gives the probability of cropland, float32 (h, w), and the map's
        validity, bool (h, w). Raises CropmineError if the square is smaller than a pixel.
        """
        if smooth_m < self.pixel_m:
            what = f"a window of {smooth_m:g} m is smaller than a pixel of {self.pixel_m:.3g} m"
            raise CropmineError("smooth_m", what, "about the side of a few weak pixels serves, such as 70")
        side = self._count_pixels(smooth_m)
        values, valid = self._read(window, side // 2)
        mean = self._average(values, valid, side, side // 2)
        inner = np.s_[side // 2 : side // 2 + window[3], side // 2 : side // 2 + window[2]]
        return ((mean + self._share(window, values[inner])) / 2).astype(np.float32), valid[inner]

    def _count_pixels(self, metres: float) -> int:
        """The odd number of pixels nearest to a length."""
        return 2 * round((metres / self.pixel_m - 1) / 2) + 1 if metres > self.pixel_m else 1

    def _read(self, window: PixelWindow, reach: int) -> tuple[np.ndarray, np.ndarray]:
        if self.context.weak is None:
            raise CropmineError("weak map", "the model reads one, and none is given", "name the region's `weak`")
        values, valid = read_weak_map(*self.context.weak, self.grid.window(*window).padded(reach))
        return np.where(valid, values, 0).astype(np.float64), valid

    @staticmethod
    def _average(values: np.ndarray, valid: np.ndarray, side: int, reach: int) -> np.ndarray:
        cut = reach - side // 2
        around = np.s_[cut : len(values) - cut, cut : values.shape[1] - cut]
        return average_boxes(values[around], valid[around], side)[0]

    def _measure_border(self, cropland: np.ndarray, valid: np.ndarray) -> np.ndarray:
        """Signed distances, metres, between the centres of pixels of different classes."""
        inside, outside = (
            edt.edt(np.ascontiguousarray(part), anisotropy=(self.pixel_m, self.pixel_m))
            for part in (cropland | ~valid, ~cropland | ~valid)
        )
        return np.clip(np.where(cropland, inside, -outside), -BORDER_M, BORDER_M)

    def _share(self, window: PixelWindow, own: np.ndarray) -> np.ndarray:
        if self._fractions is None or self.context.segments is None:
            return own
        shares = self._fractions[read_ids(self.context.segments, window)]
        return np.where(np.isnan(shares), own, shares)
