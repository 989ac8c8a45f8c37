"""Heat maps of the report: sweeps over two numeric settings, and the matrix of a transfer between regions."""

import textwrap
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from cropmine.reporting.charts.style import INK, MUTED, STYLE, WIDTH_IN, protect
from cropmine.reporting.charts.sweep_points import (
    CHOICES,
    Points,
    mark_difference,
    spell_key,
    spell_option,
    spell_score,
    start_figure,
    widen_range,
)
from cropmine.reporting.wording import NONE, Row, spell_interval, spell_transfer

STACKED_FROM = 6
EMPTY = "#F3F2EE"
SHADES = LinearSegmentedColormap.from_list("shades", ["#FFFCF3", "#FBE3A6", "#F0B93A", "#D98E00"])  # dark text on all
CELL_IN = 0.6
TRANSFER_CELL_IN = 0.62
NAME_WIDTH = 40  # letters
CELL_COLUMNS = (
    *("trained_on", "target", "row", "source", "normalise", "threshold_choice", "threshold"),
    *("f1_cropland", "f1_cropland_lo", "f1_cropland_hi", "support_cropland", "blocks_cropland"),
)
TITLES = {"default": "at threshold 0.5", "validation": "at the threshold of the source's validation labels"}


def draw_heat_maps(points: Points, sweep: str) -> Figure:
    """Draw a heat map for each choice of threshold, side by side, or stacked where there are many columns."""
    columns, rows = (len(values) for values in points.values)
    stacked = columns >= STACKED_FROM
    rows_in, panel_in = CELL_IN * rows, CELL_IN * rows + 0.95
    figure, height = start_figure(0.6 + panel_in * (2 if stacked else 1), sweep, _explain_heat_map(points))
    scale = Normalize(*widen_range(pd.concat(points.rows.values())["f1_cropland"].to_numpy(float)))
    width_in = WIDTH_IN - 2.0 if stacked else (WIDTH_IN - 2.55) / 2
    for position, choice in enumerate(CHOICES):
        left = 0.95 + (0 if stacked else position * (width_in + 0.6))
        bottom = height - 0.8 - rows_in - (position * panel_in if stacked else 0)
        axes = figure.add_axes((left / WIDTH_IN, bottom / height, width_in / WIDTH_IN, rows_in / height))
        _fill_heat_map(axes, points, choice, scale)
        axes.set_title(CHOICES[choice], loc="left", fontsize=10.5, color=MUTED, pad=6)
        axes.set_xlabel(spell_key(points.keys[0]))
        if stacked or not position:
            axes.set_ylabel(_break_words(spell_key(points.keys[1]), rows_in))
    bar = figure.add_axes((1 - 0.72 / WIDTH_IN, bottom / height, 0.16 / WIDTH_IN, (height - 0.8 - bottom) / height))
    figure.colorbar(ScalarMappable(scale, SHADES), cax=bar).outline.set_visible(False)
    bar.tick_params(length=0, labelcolor=INK)
    return figure


def _break_words(text: str, length_in: float) -> str:
    """Text broken into lines that fit an axis of some inches."""
    return "\n".join(textwrap.wrap(text, max(int(length_in * 12), 20)))


def _fill_heat_map(axes: Axes, points: Points, choice: str, scale: Normalize) -> None:
    columns, rows = (len(values) for values in points.values)
    own, size = points.rows[choice], 11 if columns < 10 else 8.5
    best = own["f1_cropland"].max()
    row: Row
    for row, (x, y) in zip(own.itertuples(), points.positions[choice], strict=True):
        known = np.isfinite(row.f1_cropland)
        shade = SHADES(scale(row.f1_cropland)) if known else EMPTY
        axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, fc=shade, ec="white", lw=1.5, zorder=1))
        bounds = _spell_bounds(row)
        text: dict[str, Any] = {"ha": "center", "va": "center", "color": INK, "zorder": 4}
        weight = "bold" if row.f1_cropland == best else "normal"
        figure_text = f"{row.f1_cropland:.3f}{mark_difference(row)}" if known else NONE
        axes.text(x, y + (0.14 if bounds else 0), figure_text, fontsize=size, weight=weight, **text)
        axes.text(x, y - 0.22, bounds, fontsize=0.75 * size, **text)
        if row.base:
            axes.add_patch(Rectangle((x - 0.47, y - 0.46), 0.94, 0.92, fill=False, ec=INK, lw=2.2, zorder=3))
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(-0.5, rows - 0.5)
    for set_ticks, key, values in zip((axes.set_xticks, axes.set_yticks), points.keys, points.values, strict=True):
        set_ticks(range(len(values)), [protect(spell_option(key, value)) for value in values])
    axes.tick_params(length=0, labelcolor=INK)
    axes.spines[:].set_visible(False)


def _spell_bounds(row: Row) -> str:
    if np.isfinite(row.f1_cropland_lo):
        return f"{row.f1_cropland_lo:.2f}{NONE}{row.f1_cropland_hi:.2f}"
    if np.isfinite(row.f1_cropland_loo_lo):
        return f"({row.f1_cropland_loo_lo:.2f}{NONE}{row.f1_cropland_loo_hi:.2f})"
    return ""


def _explain_heat_map(points: Points) -> list[str]:
    rows = pd.concat(points.rows.values())
    parts = ["Bold: best."]
    if rows["f1_cropland_lo"].notna().any():
        parts.append("Below: 95 % interval over blocks.")
    if (rows["f1_cropland_lo"].isna() & rows["f1_cropland_loo_lo"].notna()).any():
        parts.append("In brackets: range when any one block is left out.")
    default, own = points.base["default"], points.base["validation"]
    if default is not None and own is not None:
        scores = [spell_score(base["f1_cropland"]) for base in (default, own)]
        parts.append(f"Base, {own['experiment']}: {scores[0]} at 0.5, {scores[1]} at its own threshold.")
    elif rows["base"].any():
        parts.append("Framed: base.")
    marks = "".join(sorted({mark_difference(row).strip() for row in rows.itertuples()}))
    return parts + ([f"{marks} differs from the base beyond chance in which blocks are scored."] if marks else [])


def tabulate_cells(table: pd.DataFrame) -> pd.DataFrame:
    """Give the cells of the matrix from the table of a transfer: a row for each target, training and threshold.

    A training without the source's labels is in the table for each source, and here once.
    """
    cells = table[table["split"] == "test"].copy()
    cells["trained_on"] = [_spell_training(row) for row in cells.itertuples(index=False)]
    cells = cells.drop_duplicates(["trained_on", "target", "threshold_choice"])
    order = {name: position for position, name in enumerate(_list_trainings(cells))}
    return cells.sort_values("trained_on", key=lambda names: names.map(order), kind="stable")[list(CELL_COLUMNS)]


def _spell_training(row: Row) -> str:
    return spell_transfer(row if row.row == "human_target" else row._replace(target="the target"))


def _list_trainings(cells: pd.DataFrame) -> list[str]:
    """What was trained on, in the order of the matrix: human labels, human and mined labels, mined labels alone."""
    plain = cells[cells["row"].isin(["human_source", "human_target"])]["trained_on"]
    mixed = cells[cells["row"] == "human_source_mined_target"]["trained_on"]
    return list(dict.fromkeys([*sorted(plain), *sorted(mixed), *cells[cells["row"] == "mined_target"]["trained_on"]]))


def draw_transfer(table: pd.DataFrame, name: str) -> Figure:
    """Draw the matrix of a transfer, a panel for each choice of threshold; a target's own labels are framed.

    table: the table of the transfer. A cell has F1 of cropland on labelled test polygons and its 95 % interval.
    """
    cells = tabulate_cells(table)
    trainings, targets = _list_trainings(cells), list(dict.fromkeys(cells["target"]))
    scale = Normalize(0, max(float(np.nanmax([*cells["f1_cropland"], 0.1])), 0.1))
    left, rows_in = 3.7, TRANSFER_CELL_IN * len(trainings)
    height, width = 0.55 + (rows_in + 0.95) * len(TITLES), WIDTH_IN - left - 0.3
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_IN, height))
        title = f"{protect(name)}: F1 of cropland on labelled test polygons of the region below"
        figure.text(0.012, 1 - 0.14 / height, title, va="top", fontsize=12, color=INK)
        for position, (choice, words) in enumerate(TITLES.items()):
            bottom = height - 0.85 - position * (rows_in + 0.95) - rows_in
            axes = figure.add_axes((left / WIDTH_IN, bottom / height, width / WIDTH_IN, rows_in / height))
            axes.set_title(words, loc="left", fontsize=10.5, color=MUTED, pad=6)
            axes.set_xticks(range(len(targets)), [protect(target) for target in targets])
            axes.set_yticks(range(len(trainings)), [protect(textwrap.fill(own, NAME_WIDTH)) for own in trainings])
            axes.set_xlim(-0.5, len(targets) - 0.5)
            axes.set_ylim(len(trainings) - 0.5, -0.5)
            axes.tick_params(length=0, labelcolor=INK)
            axes.spines[:].set_visible(False)
            cell: Row
            for cell in cells[cells["threshold_choice"] == choice].itertuples(index=False):
                _draw_cell(axes, targets.index(cell.target), trainings.index(cell.trained_on), cell, scale)
    return figure


def _draw_cell(axes: Axes, x: int, y: int, cell: Row, scale: Normalize) -> None:
    known = np.isfinite(cell.f1_cropland)
    shade = SHADES(scale(cell.f1_cropland)) if known else EMPTY
    own = cell.row == "human_target"
    frame: dict[str, Any] = {"ec": INK, "lw": 1.8, "zorder": 3} if own else {"ec": "white", "lw": 1.5, "zorder": 1}
    axes.add_patch(Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, fc=shade, **frame))
    interval = spell_interval(cell.f1_cropland_lo, cell.f1_cropland_hi) if np.isfinite(cell.f1_cropland_lo) else ""
    text: dict[str, Any] = {"ha": "center", "va": "center", "color": INK, "zorder": 4}
    figure_text = f"{cell.f1_cropland:.3f}" if known else "no cropland"
    axes.text(x, y - (0.13 if interval else 0), figure_text, fontsize=11, **text)
    axes.text(x, y + 0.23, interval, fontsize=8.5, **text)
