"""Seams within a tile: straight lines at which the same land is brighter on one side than on the other.

A straight border of fields, a road or a coast is no seam: what is on its two sides differs, while across a seam
neighbouring pixels agree as well as elsewhere, but for a step.
"""

from dataclasses import dataclass

import numpy as np
from rasterio.windows import Window

LEAST_SIDE = 192  # pixels: a smaller image has too few parallels to compare a line with
STRONG = 0.75  # quantile of the steps between pixels above which they count in the search
ANGLES = 91  # from 45 degrees to the left to 45 to the right
MOVES_PX = range(-2, 3)  # by which either end of the line is then moved
PARALLELS = np.arange(6, 61, 3)  # distances of a line's parallels on either side, pixels
KNOWN = 0.6  # share of the shorter side that a seam crosses at least, and of the parallels that must be known
STEP = 3.5  # least step, times the largest step at a parallel
SAME_WAY = 0.83  # least share of a line's pixels that step the same way
LOST = 0.1  # most by which the two sides correlate less than those of parallels
SPREAD = 0.8  # most by which the deviations of the two sides differ, as a logarithm


@dataclass(frozen=True)
class Line:
    """A line from the first row of an image to its last, or with `across` from the first column to the last.

    start, end: columns (rows with `across`) at the middles of the first and the last row, which may lie outside; side:
    the image's width (height with `across`), pixels.
    """

    across: bool
    start: float
    end: float
    side: int


def find_seam(pixels: np.ndarray, valid: np.ndarray) -> Line | None:
    """Find a seam that crosses at least six tenths of an image.

    pixels: (channels, h, w); valid: bool (h, w). Tests the clearest line within 45 degrees of the columns, and that
    within 45 of the rows. None if neither is a seam, or the image is under 192 px high or wide.
    """
    if min(valid.shape) < LEAST_SIDE or not valid.any():
        return None
    values = pixels.astype(np.float32)
    values[:, ~valid] = np.nan
    for across in (False, True):
        turned = values.transpose(0, 2, 1) if across else values
        start, end = _find_line(turned)
        if _is_seam(turned, start, end):
            return Line(across, start, end, turned.shape[2])
    return None


def widen_line(line: Line, part: Window, shape: tuple[int, int], whole: tuple[int, int]) -> Line:
    """Give a line, found in an image (h, w) of a part of a tile, for all of the tile, (h, w) in the part's pixels."""
    along, beside = (1, 0) if line.across else (0, 1)
    starts, lengths = (part.row_off, part.col_off), (part.height, part.width)
    scale = [pixels / length for pixels, length in zip(shape, lengths, strict=True)]
    slope = (line.end - line.start) / (shape[along] - 1)
    before = starts[along] * scale[along]
    start = line.start + starts[beside] * scale[beside] - slope * before
    end = start + slope * (whole[along] * scale[along] - 1)
    return Line(line.across, start, end, round(whole[beside] * scale[beside]))


def _find_line(values: np.ndarray) -> tuple[float, float]:
    """The columns in the first and the last row of the line where strong steps to the right go one way most clearly.

    values: float32 (channels, h, w), NaN where invalid. Lines are at most 45 degrees off the columns.
    """
    from skimage.transform import hough_line  # takes 0.4 s to import

    deviations = np.nanstd(values, axis=(1, 2))
    scale = np.divide(1, deviations, out=np.zeros_like(deviations), where=deviations > 0)
    bright = np.tensordot(scale, values, axes=1)
    steps = np.zeros(bright.shape, np.float32)
    steps[:, 1:-1] = np.nan_to_num(bright[:, 2:] - bright[:, :-2])
    strong = np.quantile(np.abs(steps), STRONG)
    angles = np.linspace(-np.pi / 4, np.pi / 4, ANGLES)
    up, _, distances = hough_line(steps > strong, angles)
    down, _, _ = hough_line(steps < -strong, angles)
    place, angle = np.unravel_index(np.abs(up.astype(int) - down.astype(int)).argmax(), up.shape)
    start = float(distances[place] / np.cos(angles[angle]))
    end = start - float(np.tan(angles[angle])) * (len(steps) - 1)
    capped, here = np.clip(steps, -strong, strong)[None], np.zeros(1, int)
    tried = [(start + first, end + last) for first in MOVES_PX for last in MOVES_PX]
    return max(tried, key=lambda ends: abs(np.nansum(_take_lines(capped, ends[0], ends[1], here))))


def _is_seam(values: np.ndarray, start: float, end: float) -> bool:
    """Whether a line is a seam in half of the channels; values: float32 (channels, h, w), NaN where invalid."""
    shifts = np.concatenate([[0], -PARALLELS, PARALLELS])
    before, behind = (_take_lines(values, start, end, shifts + side) for side in (-1, 1))
    known = np.isfinite(before + behind).all(axis=0)
    length = known.sum(axis=0)
    enough = length >= max(length[0] / 2, 2)
    if length[0] < KNOWN * min(values.shape[1:]) or enough.mean() < KNOWN:
        return False
    before, behind = (np.where(known, side, np.nan)[:, :, enough] for side in (before, behind))
    steps = behind - before
    own, *parallel = np.abs(np.nanmedian(steps, axis=1)).T
    rising = (steps[:, :, 0] > 0).sum(axis=1) / length[0]
    correlation = _correlate(before, behind)
    deviations = np.log([np.nanstd(side[:, :, 0], axis=1) + np.finfo(np.float32).tiny for side in (before, behind)])
    seam = (
        (own > STEP * np.max(parallel, axis=0))
        & (np.maximum(rising, 1 - rising) > SAME_WAY)
        & (np.median(correlation[:, 1:], axis=1) - correlation[:, 0] < LOST)
        & (np.abs(deviations[0] - deviations[1]) < SPREAD)
    )
    return bool(seam.mean() >= 0.5)


def _take_lines(values: np.ndarray, start: float, end: float, shifts: np.ndarray) -> np.ndarray:
    """The values (channels, h, w) along a line shifted to the right, NaN outside: (channels, h, shifts)."""
    height, width = values.shape[1:]
    columns = np.rint(np.linspace(start, end, height)).astype(int)[:, None] + shifts
    found = values[:, np.arange(height)[:, None], np.clip(columns, 0, width - 1)]
    found[:, (columns < 0) | (columns >= width)] = np.nan
    return found


def _correlate(before: np.ndarray, behind: np.ndarray) -> np.ndarray:
    """The correlation of both sides of each line, (channels, lines); 0 where one side is all alike."""
    before, behind = (side - np.nanmean(side, axis=1, keepdims=True) for side in (before, behind))
    scale = np.sqrt(np.nansum(before**2, axis=1) * np.nansum(behind**2, axis=1))
    return np.divide(np.nansum(before * behind, axis=1), scale, out=np.zeros_like(scale), where=scale > 0)
