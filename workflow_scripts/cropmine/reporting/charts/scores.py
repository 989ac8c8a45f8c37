"""Charts of scores and distances as SVG, in colours that are safe for the colour-blind; same table, same bytes."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cropmine.mapping.colours import CROPLAND_COLOUR
from cropmine.reporting.charts.style import (
    GRID_LINE,
    INK,
    MUTED,
    SPREAD_COLOUR,
    STYLE,
    WIDTH_IN,
    encode_figure,
    protect,
)
from cropmine.reporting.wording import Row, spell_difference, spell_figure, spell_metres

BAR = "#E8EDF0"
SELECTED_BAR = "#FBEBCB"
ROW_IN = 0.44
NAME_LETTERS_PER_IN = 9
TICKS_IN = 0.31


def draw_experiments(table: pd.DataFrame, width_in: float = WIDTH_IN) -> str:
    """Draw F1 of cropland on the test labels, one row an experiment, with intervals; a data URI.

    table: the table of experiments; width_in: of the figure, inches. The bar and the filled dot are at the experiment's
    own threshold, the hollow dot at 0.5; a solid line is the 95 % interval, a dashed one the range when any one block
    is left out, ticks are the lowest and highest of several seeds.
    """
    test = table[table["split"] == "test"]
    own = test[test["threshold_choice"] == "validation"].reset_index(drop=True)
    default = test[test["threshold_choice"] == "default"].set_index("experiment")["f1_cropland"]
    chosen = own["experiment"].isin(table["experiment"][table["selected"]]).to_numpy(bool)
    figure, axes = _start_rows(own["experiment"].tolist(), chosen, width_in)
    row: Row
    for row in own.itertuples():
        y, selected = row.Index, bool(chosen[row.Index])
        if np.isfinite(row.f1_cropland):
            axes.barh(y, row.f1_cropland, height=0.62, color=SELECTED_BAR if selected else BAR, zorder=1)
            _draw_interval(axes, y, row, INK)
            axes.plot(row.f1_cropland, y, "o", ms=7.5, color=CROPLAND_COLOUR if selected else INK, mec=INK, zorder=5)
            if row.seeds > 1:
                ends = [row.f1_cropland_min, row.f1_cropland_max]
                axes.plot(ends, [y, y], "|", ms=13, color=SPREAD_COLOUR, mew=1.6, zorder=3)
        if np.isfinite(default[row.experiment]):
            axes.plot(default[row.experiment], y, "o", ms=7.5, mfc="none", mec=MUTED, mew=1.3, zorder=4)
        _write_beside(axes, y, spell_figure(_known(row.f1_cropland)))
    axes.set_xlim(0, 1)
    axes.set_xticks(np.arange(0, 1.01, 0.2 if width_in == WIDTH_IN else 0.5))
    _name_axis(figure, axes, "F1 of cropland on labelled test polygons")
    return encode_figure(figure)


def draw_differences(table: pd.DataFrame, base: str, selected: str | None = None, width_in: float = WIDTH_IN) -> str:
    """Draw the differences in F1 of cropland from a base at each experiment's own threshold; a data URI.

    table: the table of differences, of which the rows of this base and the test split are shown, with 95 % intervals;
    width_in: of the figure, inches.
    """
    rows = table[(table["base"] == base) & (table["split"] == "test")]
    own = rows[rows["threshold_choice"] == "validation"].reset_index(drop=True)
    figure, axes = _start_rows(own["experiment"].tolist(), (own["experiment"] == selected).to_numpy(), width_in)
    axes.axvline(0, color=INK, lw=1.2, zorder=2)
    row: Row
    for row in own.itertuples():
        y = row.Index
        if np.isfinite(row.lo):
            axes.plot([row.lo, row.hi], [y, y], color=INK, lw=2.2, solid_capstyle="butt", zorder=3)
        if np.isfinite(row.difference):
            colour = CROPLAND_COLOUR if row.experiment == selected else INK
            axes.plot(row.difference, y, "o", ms=7.5, color=colour, mec=INK, zorder=5)
        _write_beside(axes, y, spell_difference(_known(row.difference)))
    values = own[["difference", "lo", "hi"]].to_numpy(float)
    reach = np.nanmax(np.abs(values)) if np.isfinite(values).any() else 0
    axes.set_xlim(*np.array([-1.12, 1.12]) * max(reach, 0.05))
    if width_in < WIDTH_IN:
        axes.locator_params(axis="x", nbins=3)
    _name_axis(figure, axes, f"difference in F1 of cropland from {protect(base)}, paired by test block")
    return encode_figure(figure)


def draw_distances(measured: Mapping[str, Any]) -> str:
    """Draw the distances of test labels and of the map's pixels to training labels, cumulated; a data URI.

    measured: what distances.measure_distances gives, with distances of both.
    """
    shares = np.linspace(0, 100, len(measured["map"]["ecdf"]))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_IN, 3.2))
        axes = figure.add_axes((0.075, 0.19, 0.7, 0.76))
        lines = (("map", "pixels of the map", SPREAD_COLOUR), ("test", "test labels", CROPLAND_COLOUR))
        for kind, name, colour in lines:
            metres = np.maximum(measured[kind]["ecdf"], 1)
            axes.plot(metres, shares, color=colour, lw=2.4, label=f"{name} ({measured[kind]['count']:,})")
            axes.plot(metres[len(metres) // 2], 50, "o", ms=8, color=colour, mec=INK, zorder=4)
    axes.axhline(50, color=MUTED, lw=1, ls=(0, (2, 2)), zorder=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda metres, _: spell_metres(metres))
    axes.minorticks_off()
    axes.set_xlabel("distance to the nearest training label")
    axes.set_ylim(0, 101)
    axes.set_yticks([0, 25, 50, 75, 100], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    axes.set_ylabel("within this distance")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.03), frameon=False, labelspacing=0.7)
    axes.tick_params(length=0, labelcolor=INK)
    axes.grid(color=GRID_LINE, lw=0.9)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    return encode_figure(figure)


def draw_reliability(bins: Sequence[Mapping[str, Any]]) -> str:
    """Draw the share of labelled pixels that are cropland by their probability; a data URI.

    bins: those that calibration.measure_calibration gives. A dot's area goes with its pixels; lines are 95 % intervals.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(4.6, 4.4))
        axes = figure.add_axes((0.15, 0.13, 0.82, 0.84))
    axes.plot([0, 1], [0, 1], color=MUTED, lw=1.2, ls=(0, (3, 2)), zorder=1)
    most = max(row["pixels"] for row in bins)
    axes.plot([row["probability"] for row in bins], [row["share"] for row in bins], color=CROPLAND_COLOUR, zorder=2)
    for row in bins:
        x = row["probability"]
        if row["share_lo"] is not None:
            axes.plot([x, x], [row["share_lo"], row["share_hi"]], color=INK, lw=1.6, zorder=3)
        size = 25 + 160 * row["pixels"] / most
        axes.scatter(x, row["share"], s=size, color=CROPLAND_COLOUR, edgecolor=INK, zorder=4)
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel("probability of cropland on the map")
    axes.set_ylabel("share of labelled pixels that are cropland")
    axes.tick_params(length=0, labelcolor=INK)
    axes.grid(color=GRID_LINE, lw=0.9)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    return encode_figure(figure)


def _name_axis(figure: Figure, axes: Axes, words: str) -> None:
    """Name the x axis, in as many lines as the figure is narrow, centred under the whole of it."""
    lines = textwrap.wrap(words, int(NAME_LETTERS_PER_IN * figure.get_figwidth()))
    height = axes.get_position().y0 - TICKS_IN / figure.get_figheight()
    figure.text(0.5, height, "\n".join(lines), ha="center", va="top", color=MUTED)


def _start_rows(names: Sequence[str], selected: np.ndarray, width_in: float) -> tuple[Figure, Axes]:
    """A figure with a row for each name, the first at the top."""
    with matplotlib.rc_context(STYLE):
        height = ROW_IN * len(names) + (0.75 if width_in == WIDTH_IN else 0.95)
        figure = Figure(figsize=(width_in, height))
        left = min(0.085 * max(map(len, names), default=0) + 0.25, 0.42 * width_in) / width_in
        right = 1 - 0.78 / width_in
        shown = [textwrap.shorten(name, 24, placeholder="…") if width_in < WIDTH_IN else name for name in names]
        axes = figure.add_axes(
            (left, (height - ROW_IN * len(names) - 0.14) / height, right - left, ROW_IN * len(names) / height)
        )
        axes.set_yticks(range(len(names)), [protect(name) for name in shown])
        for label, bold in zip(axes.get_yticklabels(), selected, strict=True):
            label.set_fontweight("bold" if bold else "normal")
    axes.set_ylim(len(names) - 0.45, -0.55)
    axes.tick_params(length=0, pad=6)
    axes.grid(axis="x", color=GRID_LINE, lw=0.9, zorder=0)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    return figure, axes


def _draw_interval(axes: Axes, y: int, row: Row, colour: str) -> None:
    if np.isfinite(row.f1_cropland_lo):
        ends = [row.f1_cropland_lo, row.f1_cropland_hi]
        axes.plot(ends, [y, y], color=colour, lw=2.2, solid_capstyle="butt", zorder=3)
    elif np.isfinite(row.f1_cropland_loo_lo):
        ends = [row.f1_cropland_loo_lo, row.f1_cropland_loo_hi]
        axes.plot(ends, [y, y], color=colour, lw=1.4, ls=(0, (2, 1.5)), zorder=3)


def _write_beside(axes: Axes, y: int, text: str) -> None:
    """Write a figure to the right of its row."""
    axes.text(1.02, y, text, va="center", color=INK, transform=axes.get_yaxis_transform())


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None
