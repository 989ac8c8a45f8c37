"""Figures of sweeps: F1 of cropland over a grid of experiments, on labelled validation polygons."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from cropmine.mapping.colours import CROPLAND_COLOUR
from cropmine.reporting.charts.heat_maps import draw_heat_maps
from cropmine.reporting.charts.style import GRID_LINE, INK, MUTED, STYLE, WIDTH_IN, protect
from cropmine.reporting.charts.sweep_points import (
    CHOICES,
    Points,
    arrange_points,
    is_numeric,
    is_ordered,
    mark_difference,
    spell_key,
    spell_option,
    spell_score,
    start_figure,
    widen_range,
)
from cropmine.reporting.wording import Row, spell_difference

# Okabe and Ito (2008) without yellow, which is faint as a line.
SERIES_COLOURS = ("#1F2A30", "#E69F00", "#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
LOGARITHMIC = 8  # the largest value of a key over its smallest, from which on its axis is logarithmic


def draw_sweep(table: pd.DataFrame, grid: Mapping[str, Sequence[Any]], sweep: str) -> Figure:
    """Draw a sweep as its grid asks: a heat map of two numeric keys, curves over one, else one row a point.

    table: the table of the sweep; grid: its values by dotted key. A key of one value is left out. F1 is that of
    cropland on validation labels, filled at each point's own threshold and hollow at 0.5, with 95 % intervals or,
    dashed, the range when any one block is left out.
    """
    points = arrange_points(table, grid)
    counts = [is_numeric(values) for values in points.values]
    with matplotlib.rc_context(STYLE):
        if len(counts) == 2 and all(map(is_ordered, points.values)):
            return draw_heat_maps(points, sweep)
        if sum(counts) == 1 and len(counts) <= 2 and max(map(len, points.values)) > 1:
            x = counts.index(True)
            if len(counts) == 1 or len(points.values[1 - x]) <= len(SERIES_COLOURS):
                return _draw_curves(points, x, sweep)
        return _draw_rows(points, sweep)


def _draw_curves(points: Points, x: int, sweep: str) -> Figure:
    """F1 against the key at position x, a curve for each value of the other key."""
    figure, height = start_figure(4.2, sweep)
    names = [""]
    if len(points.keys) == 2:
        names = [spell_option(points.keys[1 - x], value) for value in points.values[1 - x]]
    legend_in = 0.075 * max(18, *map(len, names)) + 0.7
    axes = figure.add_axes(
        (0.75 / WIDTH_IN, 0.62 / height, (WIDTH_IN - 0.95 - legend_in) / WIDTH_IN, 1 - 1.15 / height)
    )
    for choice in CHOICES:
        series = (
            points.positions[choice][:, 1 - x] if len(points.keys) == 2 else np.zeros(len(points.rows[choice]), int)
        )
        for number in range(len(names)):
            chosen = series == number
            numbers = np.array(points.values[x], dtype=float)[points.positions[choice][chosen, x]]
            rows = points.rows[choice][chosen].iloc[np.argsort(numbers)]
            _draw_curve(axes, np.sort(numbers), rows, choice, SERIES_COLOURS[number])
    _draw_base_line(axes, points)
    _scale_number_axis(axes, points.values[x])
    axes.set_xlabel(spell_key(points.keys[x]))
    axes.set_ylabel("F1 of cropland")
    axes.set_ylim(*_frame_scores(points))
    axes.yaxis.set_major_locator(MaxNLocator(6))
    _strip_axes(axes, "y")
    _draw_legend(axes, points, names if len(points.keys) == 2 else [])
    return figure


def _draw_curve(axes: Axes, x: np.ndarray, rows: pd.DataFrame, choice: str, colour: str) -> None:
    score = rows["f1_cropland"].to_numpy(float)
    if choice == "default":
        axes.plot(x, score, "--", color=colour, lw=1.1, alpha=0.75, zorder=3)
        axes.plot(x, score, "o", ms=6, mfc="white", mec=colour, mew=1.3, zorder=4)
        return
    low, high = (rows[f"f1_cropland_{end}"].to_numpy(float) for end in ("lo", "hi"))
    axes.fill_between(x, low, high, color=colour, alpha=0.15, lw=0, zorder=2)
    known = np.pad(np.isfinite(low), 1)
    lone = known[1:-1] & ~known[:-2] & ~known[2:]  # a band needs two
    axes.vlines(x[lone], low[lone], high[lone], color=colour, lw=5, alpha=0.2, zorder=2)
    loo = [rows[f"f1_cropland_loo_{end}"].to_numpy(float) for end in ("lo", "hi")]
    least, most = (np.where(np.isfinite(low), np.nan, end) for end in loo)
    axes.vlines(x, least, most, color=colour, lw=1.2, ls=(0, (2, 1.5)))
    axes.plot(x, score, "-", color=colour, lw=2, zorder=5)
    axes.plot(x, score, "o", ms=7, color=colour, mec=colour, zorder=6)
    base = rows["base"].to_numpy(bool)
    axes.plot(x[base], score[base], "o", ms=13, mfc="none", mec=colour, mew=1.2, zorder=6)


def _draw_base_line(axes: Axes, points: Points) -> None:
    base = points.base["validation"]
    if base is not None and np.isfinite(base["f1_cropland"]):
        axes.axhline(base["f1_cropland"], color=MUTED, lw=1.2, ls=(0, (1, 1.6)), zorder=1)


def _scale_number_axis(axes: Axes, values: Sequence[float]) -> None:
    numbers = sorted(values)
    if numbers[0] > 0 and numbers[-1] / numbers[0] >= LOGARITHMIC:
        axes.set_xscale("log")
        axes.minorticks_off()
    axes.set_xticks(numbers, [f"{number:g}" for number in numbers])


def _frame_scores(points: Points) -> tuple[float, float]:
    """The limits of an axis of F1: what is drawn and some space, within 0 to 1."""
    tables = [points.rows["validation"], *(base.to_frame().T for base in points.base.values() if base is not None)]
    drawn = [points.rows["default"]["f1_cropland"]]
    for table in tables:
        drawn.append(table["f1_cropland"])
        drawn += [table[f"f1_cropland_{end}"].fillna(table[f"f1_cropland_loo_{end}"]) for end in ("lo", "hi")]
    low, high = widen_range(pd.concat(drawn).to_numpy(float))
    return max(low - 0.03, 0), min(high + 0.03, 1.005)


def _strip_axes(axes: Axes, along: Literal["x", "y"]) -> None:
    axes.tick_params(length=0, labelcolor=INK)
    axes.grid(axis=along, color=GRID_LINE, lw=0.9, zorder=0)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)


def _draw_legend(axes: Axes, points: Points, names: Sequence[str]) -> None:
    """What the lines are, and how filled and hollow differ."""
    entries: list[Artist] = [
        Line2D([], [], color=colour, lw=3, label=protect(name))
        for name, colour in zip(names, SERIES_COLOURS, strict=False)
    ]
    ink = MUTED if names else INK
    entries.append(Line2D([], [], color=ink, marker="o", ms=7, lw=2, label="own threshold"))
    entries.append(Line2D([], [], color=ink, marker="o", ms=6, mfc="white", lw=1.1, ls="--", label="threshold 0.5"))
    own = points.rows["validation"]
    if own["f1_cropland_lo"].notna().any():
        entries.append(Rectangle((0, 0), 1, 1, fc=ink, alpha=0.2, lw=0, label="95 % interval"))
    if (own["f1_cropland_lo"].isna() & own["f1_cropland_loo_lo"].notna()).any():
        entries.append(Line2D([], [], color=ink, lw=1.2, ls=(0, (2, 1.5)), label="one block left out"))
    if points.base["validation"] is not None:
        entries.append(Line2D([], [], color=MUTED, lw=1.2, ls=(0, (1, 1.6)), label="base"))
    elif own["base"].any():
        entries.append(Line2D([], [], color=ink, marker="o", ms=12, mfc="none", lw=0, label="base"))
    axes.legend(
        handles=entries, loc="upper left", bbox_to_anchor=(1.01, 1.02), frameon=False, fontsize=10, labelspacing=0.55
    )


def _draw_rows(points: Points, sweep: str) -> Figure:
    """A row for each point, and one for a base outside the grid."""
    tables = {}
    for choice, rows in points.rows.items():
        base = points.base[choice]
        tables[choice] = rows if base is None else pd.concat([base.to_frame().T, rows], ignore_index=True)
    base = points.base["validation"]
    names = [] if base is None else [f"{base['experiment']} (base)"]
    row: Row
    for row, positions in zip(points.rows["validation"].itertuples(), points.positions["validation"], strict=True):
        chosen = zip(points.keys, points.values, positions, strict=True)
        name = ", ".join(spell_option(key, values[position]) for key, values, position in chosen) or row.experiment
        names.append(f"{name} (base)" if row.base else name)
    about = " and ".join(spell_key(key) for key in points.keys) or "one point"
    figure, height = start_figure(0.4 * len(names) + 1.25, sweep, _explain_rows(about, tables["validation"]))
    left = min(0.083 * max(map(len, names)) + 0.3, 4.6) / WIDTH_IN
    bottom = (height - 0.5 - 0.4 * len(names)) / height
    axes = figure.add_axes((left, bottom, 1 - left - 1.75 / WIDTH_IN, 0.4 * len(names) / height))
    _fill_rows(axes, tables)
    axes.set_yticks(range(len(names)), map(protect, names))
    axes.set_ylim(len(names) - 0.45, -0.55)
    axes.set_xlim(*_frame_scores(points))
    axes.set_xlabel("F1 of cropland")
    axes.xaxis.set_major_locator(MaxNLocator(6))
    _strip_axes(axes, "x")
    return figure


def _fill_rows(axes: Axes, tables: Mapping[str, pd.DataFrame]) -> None:
    right: dict[str, Any] = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points", "va": "center"}
    best = tables["validation"]["f1_cropland"].astype(float).max()
    row: Row
    for y, row in enumerate(tables["validation"].itertuples()):
        known, is_best = np.isfinite(row.f1_cropland), row.f1_cropland == best
        axes.axhline(y, color=GRID_LINE, lw=0.7, zorder=0)
        if np.isfinite(row.f1_cropland_lo):
            axes.plot([row.f1_cropland_lo, row.f1_cropland_hi], [y, y], color=INK, lw=2.2, solid_capstyle="butt")
        elif np.isfinite(row.f1_cropland_loo_lo):
            axes.plot([row.f1_cropland_loo_lo, row.f1_cropland_loo_hi], [y, y], color=INK, lw=1.4, ls=(0, (2, 1.5)))
        if known:
            colour = CROPLAND_COLOUR if is_best else INK
            axes.plot(row.f1_cropland, y, "o", ms=8, color=colour, mec=INK, zorder=5)
        weight = "bold" if is_best else "normal"
        axes.annotate(spell_score(row.f1_cropland), (1, y), (10, 0), color=INK, weight=weight, **right)
        if np.isfinite(row.difference):
            change = f"{spell_difference(row.difference)}{mark_difference(row)}"
            axes.annotate(change, (1, y), (58, 0), color=MUTED, **right)
    for y, score in enumerate(tables["default"]["f1_cropland"].astype(float)):
        axes.plot(score, y, "o", ms=8, mfc="none", mec=MUTED, mew=1.3, zorder=4)


def _explain_rows(about: str, own: pd.DataFrame) -> list[str]:
    parts = [f"By {about}. Filled: at each point's own threshold (best: orange); hollow: at 0.5."]
    if own["f1_cropland_lo"].notna().any():
        parts.append("Line: 95 % interval over blocks.")
    if (own["f1_cropland_lo"].isna() & own["f1_cropland_loo_lo"].notna()).any():
        parts.append("Dashed: range when any one block is left out.")
    if own["difference"].notna().any():
        parts.append("Grey: difference from the base.")
    marks = "".join(sorted({mark_difference(row).strip() for row in own.itertuples()}))
    return parts + ([f"{marks} beyond chance in which blocks are scored."] if marks else [])
