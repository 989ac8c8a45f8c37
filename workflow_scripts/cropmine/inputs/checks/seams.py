"""The search for seams in a tile: straight lines at which all that lies on the ground goes on, but brighter or darker.

A straight border of fields, a road or a coast is none: what lies on its two sides differs, while across a seam the
neighbouring pixels agree as well as anywhere, but for the step.
"""

from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

import numpy as np
from rasterio.windows import Window

CELL_PX = 2  # of the image, in which lines are looked for first
LEAST_SHARE = 0.6  # of the image's shorter side, which a line crosses at least
LEAST_SIDE = 192
FULL = 60  # a step of the size of the median one, and any larger one: the sum of a line of cells fits int16
SUSPECT = 0.3
REACH = 60  # how far on either side a line is compared with those beside it, pixels
APART, BESIDE = 3, 6
LEAST_BESIDE = 24
TRIED = 2  # pixels by which either end of a line is moved to find where it lies best
HALF = 0.5  # of the channels, in which a step is a seam's
NORMAL = 1.4826  # the deviation of a normal distribution by the median of its distances


class Limits(NamedTuple):
    """What a step at a line is to be against those at the lines beside it, to be that of a seam."""

    over_most: float  # times the steps of nine in ten of these
    over_all: float
    deviations: float
    same_way: float  # share of the line where it goes the same way
    unrest: float  # most: how much neighbours' differences deviate, times that elsewhere
    lost: float  # most: by how much less neighbours correlate
    spread: float  # most: logarithm of the ratio of both sides' deviations


# An overwhelming step, a strong one, and one but for which neighbours differ no more than elsewhere.
EITHER = (
    Limits(6.5, 4.5, 12.0, 0.90, np.inf, 0.35, 0.8),
    Limits(4.0, 3.0, 8.0, 0.77, np.inf, 0.09, 0.4),
    Limits(3.5, 2.0, 6.5, 0.72, 1.25, 0.09, 0.4),
)


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
    """Find the clearest seam of an image, at most 256 px high and wide.

    pixels: (channels, h, w); valid: bool (h, w).
    It crosses at least six tenths of the image. Its step goes the same way along most of it and stands out from the
    steps at the lines beside it, in at least half of the channels, while neighbours across it agree, in correlation and
    spread, as well as elsewhere. None if there is no such line, or the image is under 192 pixels high or wide.
    """
    if min(valid.shape) < LEAST_SIDE or not valid.any():
        return None
    values = pixels.astype(np.float32)
    bright = np.tensordot(_scale_channels(values, valid), values, axes=1)
    if not valid.all():
        bright[~valid] = np.nan
        values[:, ~valid] = np.nan
    for score, line in sorted(_suspect_lines(bright), key=lambda found: -found[0]):
        placed = _place_line(bright, line) if score > SUSPECT else None
        if placed and is_seam(values, placed):
            return placed
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


def _scale_channels(values: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """The factor of each channel by which all vary alike in their mean; 0 of a channel that doesn't vary."""
    some = values[:, ::4, ::4][:, valid[::4, ::4]]
    spread = some.std(axis=1) if some.size else np.zeros(len(values), np.float32)
    return np.divide(1 / len(values), spread, out=np.zeros_like(spread), where=spread > 0)


def _suspect_lines(bright: np.ndarray) -> list[tuple[float, Line]]:
    """The line with the most consistent step of each of four fans of directions, and its score, 0 to 1."""
    found = []
    for across in (False, True):
        image = bright.T if across else bright
        steps = _sum_cells(_cap_steps(image))
        known = np.isfinite(image)
        counts = None if known.all() else _sum_cells(known.astype(np.int16)) * np.int16(FULL)
        for mirrored in (False, True):
            turned = steps[:, ::-1] if mirrored else steps
            if best := _find_line(turned, counts[:, ::-1] if mirrored and counts is not None else counts):
                score, start, end = best
                first, last = (CELL_PX * (place + 0.5) - 0.5 for place in (start, end))
                if mirrored:
                    first, last = (image.shape[1] // CELL_PX * CELL_PX - 1 - place for place in (first, last))
                found.append((score, Line(across, first, last, image.shape[1])))
    return found


def _cap_steps(image: np.ndarray) -> np.ndarray:
    """The step from the pixel before to the pixel behind, int16 (h, w), FULL where it is the median one or larger."""
    steps = np.full(image.shape, np.nan, np.float32)
    np.subtract(image[:, 2:], image[:, :-2], out=steps[:, 1:-1])
    some = np.abs(steps[::4, ::4])
    usual = np.nanmedian(some) if np.isfinite(some).any() else 0
    if not usual:
        return np.zeros(image.shape, np.int16)
    steps *= FULL / usual
    np.clip(steps, -FULL, FULL, out=steps)
    np.nan_to_num(steps, copy=False)
    return steps.astype(np.int16)


def _sum_cells(values: np.ndarray) -> np.ndarray:
    height, width = (side // CELL_PX for side in values.shape)
    cells = values[: height * CELL_PX, : width * CELL_PX]
    parts = (cells[row::CELL_PX, column::CELL_PX] for row in range(CELL_PX) for column in range(CELL_PX))
    return sum(parts, np.zeros((height, width), values.dtype))


def _find_line(steps: np.ndarray, known: np.ndarray | None) -> tuple[float, float, float] | None:
    """The score of the line with the most consistent step, and its columns in the first and the last row.

    known: the highest sum of each cell; None where no pixel is missing.
    """
    height, width = steps.shape
    rows = 1 << (height - 1).bit_length()
    left = rows // 2
    weights = _weigh_full(height, width) if known is None else _weigh_lines(known, rows, left)
    score = np.abs(_sum_lines(steps, rows, left)) * weights
    shift, place = np.unravel_index(score.argmax(), score.shape)
    if not score[shift, place]:
        return None
    start = float(place - left)
    return float(score[shift, place]), start, start + float(shift) * (height - 1) / (rows - 1)


def _weigh_lines(known: np.ndarray, rows: int, left: int) -> np.ndarray:
    """What the sum of steps of each line is multiplied by: 0 of lines that are too short."""
    counts = _sum_lines(known, rows, left).astype(np.float32)
    side = np.float32(min(known.shape) * FULL * CELL_PX**2)
    return np.where(counts < LEAST_SHARE * side, 0, 1 / np.sqrt(np.maximum(counts, 1) * side))


@cache
def _weigh_full(height: int, width: int) -> np.ndarray:
    rows = 1 << (height - 1).bit_length()
    return _weigh_lines(np.full((height, width), FULL * CELL_PX**2, np.int16), rows, rows // 2)


def _sum_lines(cells: np.ndarray, rows: int, left: int) -> np.ndarray:
    """Sum int16 cells (h, w) along all lines to the right and down; int16 (rows, left + w).

    [t, x] is of the line from column x - left of the first row to t columns further in the last of `rows`, a power of
    two: Brady's fast Radon transform (1998, SIAM Journal on Computing 27), which adds up ever longer parts of lines.
    """
    height, width = cells.shape
    span = left + width
    parts = np.zeros((rows, 1, span + rows // 2 + 1), np.int16)
    parts[:height, 0, left:span] = cells
    while len(parts) > 1:
        upper, lower = parts[0::2], parts[1::2]
        block, row, column = lower.strides
        slopes = lower.shape[1]
        parts = np.zeros((len(upper), 2 * slopes, upper.shape[2]), np.int16)
        for odd in (0, 1):
            shifted = np.lib.stride_tricks.as_strided(
                lower[:, :, odd:], (len(upper), slopes, span), (block, row + column, column), writeable=False
            )
            np.add(upper[:, :, :span], shifted, out=parts[:, odd::2, :span])
    return parts[0, :, :span]


def _place_line(bright: np.ndarray, line: Line) -> Line:
    """Move the ends of a line by up to a cell to where its steps are most consistent."""
    steps = _cap_steps(bright.T if line.across else bright)
    tried = [
        replace(line, start=line.start + first, end=line.end + last)
        for first in range(-TRIED, TRIED + 1)
        for last in range(-TRIED, TRIED + 1)
    ]
    return max(tried, key=lambda one: abs(int(_take_columns(steps[None], one, np.zeros(1, int), 0).sum())))


def _take_columns(values: np.ndarray, line: Line, shifts: np.ndarray, outside: float) -> np.ndarray:
    """The values (channels, h, w) beside a line down them, shifted to the right: (channels, h, shifts)."""
    height, width = values.shape[1:]
    columns = np.rint(np.linspace(line.start, line.end, height)).astype(int)[:, None] + shifts
    inside = (columns >= 0) & (columns < width)
    found = values[:, np.arange(height)[:, None], np.clip(columns, 0, width - 1)]
    found[:, ~inside] = outside
    return found


def is_seam(values: np.ndarray, line: Line) -> bool:
    """Tell whether the step at a line is a seam's; values float32 (channels, h, w), NaN where invalid."""
    values = values.transpose(0, 2, 1) if line.across else values
    beside = np.arange(BESIDE, REACH + 1, APART)
    shifts = np.concatenate([[0], -beside, beside])
    before, behind = (_take_columns(values, line, shifts + side, np.nan) for side in (-1, 1))
    known = np.isfinite(before + behind).all(axis=0)
    enough = known.sum(axis=0) >= max(known[:, 0].sum() / 2, 2)
    if enough[1:].sum() < LEAST_BESIDE or not enough[0]:
        return False
    before, behind, known = before[:, :, enough], behind[:, :, enough], known[:, enough]
    before[:, ~known] = behind[:, ~known] = np.nan
    differences = behind - before
    steps = np.nanmedian(differences, axis=1)
    own, others = steps[:, 0], steps[:, 1:]
    usual = np.median(others, axis=1, keepdims=True)
    deviation = NORMAL * np.median(np.abs(others - usual), axis=1)
    agree = _correlate(before, behind)
    tiny = np.finfo(np.float32).tiny
    spread = np.log(np.nanstd(behind[:, :, 0], axis=1) + tiny) - np.log(np.nanstd(before[:, :, 0], axis=1) + tiny)
    same_way = (differences[:, known[:, 0], 0] * own[:, None] > 0).mean(axis=1)
    unrest = np.nanmedian(np.abs(differences - steps[:, None]), axis=1)
    lost = np.median(agree[:, 1:], axis=1) - agree[:, 0]
    most, highest = np.quantile(np.abs(others), 0.9, axis=1), np.abs(others).max(axis=1)
    own = np.abs(own)
    return any(
        np.mean(
            (own > limits.over_most * most)
            & (own > limits.over_all * highest)
            & (own > limits.deviations * deviation)
            & (same_way > limits.same_way)
            & (unrest[:, 0] < limits.unrest * np.median(unrest[:, 1:], axis=1))
            & (lost < limits.lost)
            & (np.abs(spread) < limits.spread)
        )
        >= HALF
        for limits in EITHER
    )


def _correlate(before: np.ndarray, behind: np.ndarray) -> np.ndarray:
    """The correlation of neighbours along each line, (channels, lines); 0 where one side is all alike."""
    before = before - np.nanmean(before, axis=1, keepdims=True)
    behind = behind - np.nanmean(behind, axis=1, keepdims=True)
    scale = np.sqrt(np.nansum(before**2, axis=1) * np.nansum(behind**2, axis=1))
    return np.divide(np.nansum(before * behind, axis=1), scale, out=np.zeros_like(scale), where=scale > 0)
