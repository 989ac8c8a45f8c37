"""Means and standard deviations of neighbourhoods, by running sums."""

from collections.abc import Sequence

import numpy as np


def sum_boxes(values: np.ndarray, side: int) -> np.ndarray:
    """Sum all squares of a side that fit into an array.

    values: float64 (…, h, w). Returns (…, h - side + 1, w - side + 1); sums of whole numbers under 2**53 are exact.
    """
    sums = np.pad(values.cumsum(-1).cumsum(-2), [(0, 0)] * (values.ndim - 2) + [(1, 0), (1, 0)])
    return sums[..., side:, side:] - sums[..., :-side, side:] - sums[..., side:, :-side] + sums[..., :-side, :-side]


def average_boxes(values: np.ndarray, valid: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Average the valid pixels of all squares of a side that fit into an array.

    values: float64 (…, h, w), 0 where invalid; valid: bool (h, w). Returns means (…, h - side + 1, w - side + 1), 0
    where a square holds no valid pixel, and the numbers of valid pixels, float64.
    """
    count = sum_boxes(valid.astype(np.float64), side)
    return sum_boxes(values, side) / np.maximum(count, 1), count


def describe_neighbourhoods(
    pixels: np.ndarray, valid: np.ndarray, sides: Sequence[int], reach: int
) -> list[np.ndarray]:
    """Describe the neighbourhoods of pixels: for each odd side the mean and the standard deviation of valid pixels.

    pixels: float64 (channels, h + 2 reach, w + 2 reach), 0 where invalid; valid: bool of that height and width; reach:
    at least half of the longest side. Returns arrays float64 (channels, h, w): mean and deviation of the first side,
    then those of the second, and so on.
    """
    height, width = (size - 2 * reach for size in valid.shape)
    layers = []
    for side in sides:
        cut = reach - side // 2
        around = np.s_[..., cut : cut + height + side - 1, cut : cut + width + side - 1]
        mean, count = average_boxes(pixels[around], valid[around], side)
        squares = sum_boxes(np.square(pixels[around]), side) / np.maximum(count, 1)
        layers += [mean, np.sqrt(np.maximum(squares - np.square(mean), 0))]
    return layers
