"""The points of a sweep, arranged by the values of its grid, and what its charts share."""

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from cropmine.classes import CLASS_WORDS
from cropmine.reporting.charts.style import INK, MUTED, WIDTH_IN, protect
from cropmine.reporting.wording import NONE, Row

CHOICES = {"default": "at threshold 0.5", "validation": "at each point's own threshold"}
KEY_WORDS = {
    "human": "share of the human labels",
    "mined.cropland": "cropland mined above weak fraction",
    "mined.noncropland": "non-cropland mined below weak fraction",
    "mined": "mined labels",
    "erode_m": "erosion of the weak labels, m",
    "weak_map": "weak map",
    "weak_classes": "raw weak labels",
    "segmentation": "segmentation",
    "segmentation.clusters": "number of clusters K",
    "segmentation.segment_m2": "mean area of a segment, m²",
    "segmentation.min_area_m2": "least area of a segment, m²",
    "model": "model",
    "model.architecture": "architecture",
    "model.encoder": "encoder",
}
LEAST_RANGE = 0.1
NOTE_WIDTH = 132  # letters
DRAWN = (
    *("threshold_choice", "threshold", "f1_cropland", "f1_cropland_lo", "f1_cropland_hi", "f1_cropland_loo_lo"),
    *("f1_cropland_loo_hi", "base", "difference", "difference_lo", "difference_hi"),
)


@dataclass(frozen=True)
class Points:
    """The points of a sweep.

    rows: by choice of threshold, a row for each point; positions: by choice, the positions of the points among the
    values of each varying key, (points, keys) int; base: by choice, the row of a base that is no point of the grid,
    else None.
    """

    keys: tuple[str, ...]
    values: tuple[tuple, ...]
    rows: dict[str, pd.DataFrame]
    positions: dict[str, np.ndarray]
    base: dict[str, pd.Series | None]


def tabulate_drawn(table: pd.DataFrame, grid: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Give the columns of a sweep's table that its figure shows."""
    columns = dict.fromkeys(["experiment", *grid, *DRAWN])
    return table.loc[table["split"] == "validation", list(columns)]


def arrange_points(table: pd.DataFrame, grid: Mapping[str, Sequence[Any]]) -> Points:
    """Separate the points of a sweep's table from a base that is no point of the grid."""
    keys = tuple(key for key, values in grid.items() if len(values) > 1)
    values = tuple(tuple(grid[key]) for key in keys)
    rows, positions, base = {}, {}, {}
    for choice in CHOICES:
        own = table[(table["split"] == "validation") & (table["threshold_choice"] == choice)]
        outside = own["base"].to_numpy(bool) & (len(own) > np.prod([len(options) for options in grid.values()]))
        rows[choice] = own[~outside].reset_index(drop=True)
        base[choice] = own[outside].iloc[0] if outside.any() else None
        found = [_find_positions(rows[choice][key], options) for key, options in zip(keys, values, strict=True)]
        positions[choice] = np.array(found, dtype=int).reshape(len(keys), len(rows[choice])).T
    return Points(keys, values, rows, positions, base)


def _find_positions(cells: pd.Series, options: Sequence[Any]) -> list[int]:
    """Positions of cells, as a CSV gives them, among the values of a key."""
    spelled = [_spell_cell(option) for option in options]
    return [spelled.index(_spell_cell(cell)) for cell in cells]


def _spell_cell(value: Any) -> str:
    """The same text for a value before it went through a CSV and after, where sweeps.columns_of spelled it."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, separators=(",", ":"))
    try:
        return f"{round(float(value), 6):.9g}"
    except ValueError:
        return str(value)


def is_numeric(values: Sequence[Any]) -> bool:
    """Tell whether all values are numbers."""
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def is_ordered(values: Sequence[Any]) -> bool:
    """Tell whether the values are numbers, apart from None."""
    numbers = [value for value in values if value is not None]
    return bool(numbers) and is_numeric(numbers)


def spell_key(key: str) -> str:
    """Spell a key for an axis."""
    return KEY_WORDS.get(key, key)


def spell_option(key: str, value: Any) -> str:
    """Spell a value of a key for an axis."""
    if value is None:
        return "no mined labels" if key == "mined" else "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if key == "mined" and isinstance(value, Mapping):
        parts = [_spell_mined(*item) for item in value.items() if item[1] not in (None, False)]
        return f"mined {', '.join(parts)}"
    if isinstance(value, list | tuple):
        return " and ".join(map(str, value)) or "none"
    return json.dumps(value) if isinstance(value, Mapping) else f"{value:g}" if is_numeric([value]) else str(value)


def _spell_mined(name: str, value: Any) -> str:
    if name in CLASS_WORDS:
        return f"{CLASS_WORDS[name]} {'>' if name == 'cropland' else '<'} {value:g}"
    return f"{name} {value}" if name != "random" else "as many random pixels"


def spell_score(value: float) -> str:
    """Spell an F1; a dash where there is none."""
    return f"{value:.3f}" if np.isfinite(value) else NONE


def mark_difference(row: Row) -> str:
    """Give a mark where the interval of the difference from the base excludes zero."""
    if row.difference_lo > 0:
        return " ▲"
    return " ▼" if row.difference_hi < 0 else ""


def widen_range(values: np.ndarray) -> tuple[float, float]:
    """Give the range of a colour scale: that of the values, but not so narrow that chance looks like a pattern."""
    known = values[np.isfinite(values)]
    if not len(known):
        return 0, 1
    low, high = known.min(), known.max()
    spare = max(LEAST_RANGE - (high - low), 0) / 2
    return max(low - spare, 0), min(high + spare, 1)


def start_figure(height_in: float, sweep: str, note: Sequence[str] = ()) -> tuple[Figure, float]:
    """Start a figure with a title and, below, a note. Returns it with its height, inches, to which the note adds."""
    lines = textwrap.wrap(" ".join(note), NOTE_WIDTH)
    height = height_in + 0.17 * len(lines)
    figure = Figure(figsize=(WIDTH_IN, height))
    title = f"{protect(sweep)}: F1 of cropland on labelled validation polygons"
    figure.text(0.012, 1 - 0.14 / height, title, va="top", fontsize=12, color=INK)
    figure.text(0.012, 0.1 / height, protect("\n".join(lines)), va="bottom", fontsize=9, color=MUTED, linespacing=1.35)
    return figure, height
