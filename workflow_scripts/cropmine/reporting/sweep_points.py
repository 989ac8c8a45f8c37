"""The points of a sweep: its table laid out by the values of its grid, and what figures call them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cropmine.classes import CLASS_WORDS

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
DRAWN = ("threshold_choice", "threshold", "f1_cropland", "f1_cropland_lo", "f1_cropland_hi")
DRAWN += ("f1_cropland_loo_lo", "f1_cropland_loo_hi", "base", "difference", "difference_lo", "difference_hi")


@dataclass(frozen=True)
class Points:
    """The points of a sweep.

    rows: by choice of threshold, one row a point, with its place among the values of each varying key in the columns of
    `places`, (points, keys) int; base: by choice, the row of a base that is no point of the grid, else None.
    """

    keys: tuple[str, ...]
    values: tuple[tuple, ...]
    rows: dict[str, pd.DataFrame]
    places: dict[str, np.ndarray]
    base: dict[str, pd.Series | None]


def tabulate_drawn(table: pd.DataFrame, grid: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Give the columns of a sweep's table that its figure shows."""
    columns = dict.fromkeys(["experiment", *grid, *DRAWN])
    return table.loc[table["split"] == "validation", list(columns)]


def arrange_points(table: pd.DataFrame, grid: Mapping[str, Sequence[Any]]) -> Points:
    """Take the points of a sweep's table apart from a base that is no point of the grid."""
    keys = tuple(key for key, values in grid.items() if len(values) > 1)
    values = tuple(tuple(grid[key]) for key in keys)
    rows, places, base = {}, {}, {}
    for choice in CHOICES:
        own = table[(table["split"] == "validation") & (table["threshold_choice"] == choice)]
        beside = own["base"].to_numpy(bool) & (len(own) > np.prod([len(options) for options in grid.values()]))
        rows[choice] = own[~beside].reset_index(drop=True)
        base[choice] = own[beside].iloc[0] if beside.any() else None
        found = [_find_places(rows[choice][key], options) for key, options in zip(keys, values, strict=True)]
        places[choice] = np.array(found, dtype=int).reshape(len(keys), len(rows[choice])).T
    return Points(keys, values, rows, places, base)


def _find_places(cells: pd.Series, options: Sequence[Any]) -> list[int]:
    """Places of cells, as a CSV gives them, among the values of a key."""
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
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def is_ordered(values: Sequence[Any]) -> bool:
    """Numbers, and perhaps none of them."""
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
