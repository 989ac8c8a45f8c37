"""Figures of sweeps: F1 of cropland over a grid of experiments, on labelled validation polygons."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from cropmine.mapping.colours import CROPLAND_COLOUR
from cropmine.reporting.charts import GRID_LINE, INK, MUTED, STYLE, WIDTH_IN, protect
from cropmine.reporting.sweep_points import (
    CHOICES,
    Points,
    arrange_points,
    is_numeric,
    is_ordered,
    spell_key,
    spell_option,
)
from cropmine.reporting.wording import NONE, spell_difference, spell_interval, spell_transfer

# Okabe and Ito (2008) without yellow, which is faint as a line.
SERIES_COLOURS = ("#1F2A30", "#E69F00", "#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
LOGARITHMIC = 8  # the largest value of a key over its smallest, from which on its axis is logarithmic
LEAST_RANGE = 0.1
STACKED_FROM = 6
EMPTY = "#F3F2EE"
SHADES = LinearSegmentedColormap.from_list("shades", ["#FFFCF3", "#FBE3A6", "#F0B93A", "#D98E00"])  # dark text on all
NOTE_WIDTH = 132  # letters
CELL_IN = 0.6
TRANSFER_CELL_IN = 0.62
NAME_WIDTH = 40  # letters
CELL_COLUMNS = (
    *("taught_by", "target", "row", "source", "normalise", "threshold_choice", "threshold"),
    *("f1_cropland", "f1_cropland_lo", "f1_cropland_hi", "support_cropland", "blocks_cropland"),
)
TITLES = {"default": "at threshold 0.5", "validation": "at the threshold of the source's validation labels"}


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
            return _draw_heat_maps(points, sweep)
        if sum(counts) == 1 and len(counts) <= 2 and max(map(len, points.values)) > 1:
            x = counts.index(True)
            if len(counts) == 1 or len(points.values[1 - x]) <= len(SERIES_COLOURS):
                return _draw_curves(points, x, sweep)
        return _draw_rows(points, sweep)


def _start_figure(height_in: float, sweep: str, note: Sequence[str] = ()) -> tuple[Figure, float]:
    """A figure with a title and, below, a note; its height grows by that of the note. Returns the height, too."""
    lines = textwrap.wrap(" ".join(note), NOTE_WIDTH)
    height = height_in + 0.17 * len(lines)
    figure = Figure(figsize=(WIDTH_IN, height))
    title = f"{protect(sweep)}: F1 of cropland on labelled validation polygons"
    figure.text(0.012, 1 - 0.14 / height, title, va="top", fontsize=12, color=INK)
    figure.text(0.012, 0.1 / height, protect("\n".join(lines)), va="bottom", fontsize=9, color=MUTED, linespacing=1.35)
    return figure, height


# Heat maps


def _draw_heat_maps(points: Points, sweep: str) -> Figure:
    """One heat map a choice of threshold, side by side, or one above the other where columns are many."""
    columns, rows = (len(values) for values in points.values)
    stacked = columns >= STACKED_FROM
    rows_in, panel_in = CELL_IN * rows, CELL_IN * rows + 0.95
    figure, height = _start_figure(0.6 + panel_in * (2 if stacked else 1), sweep, _explain_heat_map(points))
    scale = Normalize(*_widen(pd.concat(points.rows.values())["f1_cropland"].to_numpy(float)))
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
    """Text on as many lines as an axis of some inches asks for."""
    return "\n".join(textwrap.wrap(text, max(int(length_in * 12), 20)))


def _widen(values: np.ndarray) -> tuple[float, float]:
    """The range of a colour scale: that of the values, not so narrow that chance looks like a pattern."""
    known = values[np.isfinite(values)]
    if not len(known):
        return 0, 1
    low, high = known.min(), known.max()
    spare = max(LEAST_RANGE - (high - low), 0) / 2
    return max(low - spare, 0), min(high + spare, 1)


def _fill_heat_map(axes, points: Points, choice: str, scale: Normalize) -> None:
    columns, rows = (len(values) for values in points.values)
    own, size = points.rows[choice], 11 if columns < 10 else 8.5
    best = own["f1_cropland"].max()
    for row, (x, y) in zip(own.itertuples(), points.places[choice], strict=True):
        known = np.isfinite(row.f1_cropland)
        shade = SHADES(scale(row.f1_cropland)) if known else EMPTY
        axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, fc=shade, ec="white", lw=1.5, zorder=1))
        bounds = _spell_bounds(row)
        text = {"ha": "center", "va": "center", "color": INK, "zorder": 4}
        weight = "bold" if row.f1_cropland == best else "normal"
        figure_text = f"{row.f1_cropland:.3f}{_mark(row)}" if known else NONE
        axes.text(x, y + (0.14 if bounds else 0), figure_text, fontsize=size, weight=weight, **text)
        axes.text(x, y - 0.22, bounds, fontsize=0.75 * size, **text)
        if row.base:
            frame = {"fill": False, "ec": INK, "lw": 2.2, "zorder": 3}
            axes.add_patch(Rectangle((x - 0.47, y - 0.46), 0.94, 0.92, **frame))
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(-0.5, rows - 0.5)
    for set_ticks, key, values in zip((axes.set_xticks, axes.set_yticks), points.keys, points.values, strict=True):
        set_ticks(range(len(values)), [protect(spell_option(key, value)) for value in values])
    axes.tick_params(length=0, labelcolor=INK)
    axes.spines[:].set_visible(False)


def _spell_bounds(row) -> str:
    if np.isfinite(row.f1_cropland_lo):
        return f"{row.f1_cropland_lo:.2f}{NONE}{row.f1_cropland_hi:.2f}"
    if np.isfinite(row.f1_cropland_loo_lo):
        return f"({row.f1_cropland_loo_lo:.2f}{NONE}{row.f1_cropland_loo_hi:.2f})"
    return ""


def _mark(row) -> str:
    """A mark where the interval of the difference from the base holds no zero."""
    if row.difference_lo > 0:
        return " ▲"
    return " ▼" if row.difference_hi < 0 else ""


def _explain_heat_map(points: Points) -> list[str]:
    rows = pd.concat(points.rows.values())
    parts = ["Bold: best."]
    if rows["f1_cropland_lo"].notna().any():
        parts.append("Below: 95 % interval over blocks.")
    if (rows["f1_cropland_lo"].isna() & rows["f1_cropland_loo_lo"].notna()).any():
        parts.append("In brackets: range when any one block is left out.")
    if any(base is not None for base in points.base.values()):
        scores = [_spell_score(base["f1_cropland"]) for base in points.base.values() if base is not None]
        name = points.base["validation"]["experiment"]
        parts.append(f"Base, {name}: {scores[0]} at 0.5, {scores[1]} at its own threshold.")
    elif rows["base"].any():
        parts.append("Framed: base.")
    marks = "".join(sorted({_mark(row).strip() for row in rows.itertuples()}))
    return parts + ([f"{marks} differs from the base beyond chance in which blocks are scored."] if marks else [])


def _spell_score(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else NONE


# Curves


def _draw_curves(points: Points, x: int, sweep: str) -> Figure:
    """F1 against the key at place x, one curve a value of the other key."""
    figure, height = _start_figure(4.2, sweep)
    names = [""]
    if len(points.keys) == 2:
        names = [spell_option(points.keys[1 - x], value) for value in points.values[1 - x]]
    legend_in = 0.075 * max(18, *map(len, names)) + 0.7
    axes = figure.add_axes(
        (0.75 / WIDTH_IN, 0.62 / height, (WIDTH_IN - 0.95 - legend_in) / WIDTH_IN, 1 - 1.15 / height)
    )
    for choice in CHOICES:
        series = points.places[choice][:, 1 - x] if len(points.keys) == 2 else np.zeros(len(points.rows[choice]), int)
        for number in range(len(names)):
            chosen = series == number
            numbers = np.array(points.values[x], dtype=float)[points.places[choice][chosen, x]]
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


def _draw_curve(axes, x: np.ndarray, rows: pd.DataFrame, choice: str, colour: str) -> None:
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
    axes.vlines(x, *(np.where(np.isfinite(low), np.nan, end) for end in loo), color=colour, lw=1.2, ls=(0, (2, 1.5)))
    axes.plot(x, score, "-", color=colour, lw=2, zorder=5)
    axes.plot(x, score, "o", ms=7, color=colour, mec=colour, zorder=6)
    base = rows["base"].to_numpy(bool)
    axes.plot(x[base], score[base], "o", ms=13, mfc="none", mec=colour, mew=1.2, zorder=6)


def _draw_base_line(axes, points: Points) -> None:
    base = points.base["validation"]
    if base is not None and np.isfinite(base["f1_cropland"]):
        axes.axhline(base["f1_cropland"], color=MUTED, lw=1.2, ls=(0, (1, 1.6)), zorder=1)


def _scale_number_axis(axes, values: Sequence[float]) -> None:
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
    low, high = _widen(pd.concat(drawn).to_numpy(float))
    return max(low - 0.03, 0), min(high + 0.03, 1.005)


def _strip_axes(axes, along: str) -> None:
    axes.tick_params(length=0, labelcolor=INK)
    axes.grid(axis=along, color=GRID_LINE, lw=0.9, zorder=0)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)


def _draw_legend(axes, points: Points, names: Sequence[str]) -> None:
    """What the lines are, and how filled and hollow differ."""
    entries = [
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


# Rows


def _draw_rows(points: Points, sweep: str) -> Figure:
    """One row a point, and one for a base beside the grid."""
    tables, names = {}, []
    for choice, rows in points.rows.items():
        base = points.base[choice]
        tables[choice] = rows if base is None else pd.concat([base.to_frame().T, rows], ignore_index=True)
    if points.base["validation"] is not None:
        names = [f"{points.base['validation']['experiment']} (base)"]
    for row, places in zip(points.rows["validation"].itertuples(), points.places["validation"], strict=True):
        chosen = zip(points.keys, points.values, places, strict=True)
        name = ", ".join(spell_option(key, values[place]) for key, values, place in chosen) or row.experiment
        names.append(f"{name} (base)" if row.base else name)
    about = " and ".join(spell_key(key) for key in points.keys) or "one point"
    figure, height = _start_figure(0.4 * len(names) + 1.25, sweep, _explain_rows(about, tables["validation"]))
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


def _fill_rows(axes, tables: Mapping[str, pd.DataFrame]) -> None:
    beside = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points", "va": "center"}
    best = tables["validation"]["f1_cropland"].astype(float).max()
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
        axes.annotate(_spell_score(row.f1_cropland), (1, y), (10, 0), color=INK, weight=weight, **beside)
        if np.isfinite(row.difference):
            change = f"{spell_difference(row.difference)}{_mark(row)}"
            axes.annotate(change, (1, y), (58, 0), color=MUTED, **beside)
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
    marks = "".join(sorted({_mark(row).strip() for row in own.itertuples()}))
    return parts + ([f"{marks} beyond chance in which blocks are scored."] if marks else [])


def tabulate_cells(table: pd.DataFrame) -> pd.DataFrame:
    """Give the cells of the matrix from the table of a transfer: one row a target, what taught, and threshold.

    What taught a model without the source's labels stands in the table once a source, and here once.
    """
    cells = table[table["split"] == "test"].copy()
    cells["taught_by"] = [_spell_teacher(row) for row in cells.itertuples()]
    cells = cells.drop_duplicates(["taught_by", "target", "threshold_choice"])
    order = {name: place for place, name in enumerate(_list_teachers(cells))}
    return cells.sort_values("taught_by", key=lambda names: names.map(order), kind="stable")[list(CELL_COLUMNS)]


def _spell_teacher(row) -> str:
    target = row.target if row.row == "human_target" else "the target"
    return spell_transfer({"row": row.row, "source": row.source, "target": target})


def _list_teachers(cells: pd.DataFrame) -> list[str]:
    """What taught, in the order of the matrix: human labels by region, with mined ones, and mined ones alone."""
    plain = cells[cells["row"].isin(["human_source", "human_target"])]["taught_by"]
    mixed = cells[cells["row"] == "human_source_mined_target"]["taught_by"]
    return list(dict.fromkeys([*sorted(plain), *sorted(mixed), *cells[cells["row"] == "mined_target"]["taught_by"]]))


def draw_transfer(table: pd.DataFrame, name: str) -> Figure:
    """Draw the matrix of a transfer, a panel a choice of threshold; a target's own labels are framed.

    table: the table of the transfer. A cell has F1 of cropland on labelled test polygons and its 95 % interval.
    """
    cells = tabulate_cells(table)
    teachers, targets = _list_teachers(cells), list(dict.fromkeys(cells["target"]))
    scale = Normalize(0, max(float(np.nanmax([*cells["f1_cropland"], 0.1])), 0.1))
    left, panel = 3.7, TRANSFER_CELL_IN * len(teachers) + 0.95
    height, width = 0.55 + panel * len(TITLES), WIDTH_IN - left - 0.3
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_IN, height))
        title = f"{protect(name)}: F1 of cropland on labelled test polygons of the region below"
        figure.text(0.012, 1 - 0.14 / height, title, va="top", fontsize=12, color=INK)
        for position, (choice, words) in enumerate(TITLES.items()):
            bottom = height - 0.85 - position * panel - TRANSFER_CELL_IN * len(teachers)
            axes = figure.add_axes(
                (left / WIDTH_IN, bottom / height, width / WIDTH_IN, TRANSFER_CELL_IN * len(teachers) / height)
            )
            axes.set_title(words, loc="left", fontsize=10.5, color=MUTED, pad=6)
            axes.set_xticks(range(len(targets)), [protect(target) for target in targets])
            axes.set_yticks(range(len(teachers)), [protect(textwrap.fill(name, NAME_WIDTH)) for name in teachers])
            axes.set_xlim(-0.5, len(targets) - 0.5)
            axes.set_ylim(len(teachers) - 0.5, -0.5)
            axes.tick_params(length=0, labelcolor=INK)
            axes.spines[:].set_visible(False)
            for cell in cells[cells["threshold_choice"] == choice].itertuples():
                _draw_cell(axes, targets.index(cell.target), teachers.index(cell.taught_by), cell, scale)
    return figure


def _draw_cell(axes, x: int, y: int, cell, scale: Normalize) -> None:
    known = np.isfinite(cell.f1_cropland)
    shade = SHADES(scale(cell.f1_cropland)) if known else EMPTY
    own = cell.row == "human_target"
    frame = {"ec": INK, "lw": 1.8, "zorder": 3} if own else {"ec": "white", "lw": 1.5, "zorder": 1}
    axes.add_patch(Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, fc=shade, **frame))
    bounds = [value if np.isfinite(value) else None for value in (cell.f1_cropland_lo, cell.f1_cropland_hi)]
    interval = spell_interval(*bounds)
    text = {"ha": "center", "va": "center", "color": INK, "zorder": 4}
    figure_text = f"{cell.f1_cropland:.3f}" if known else "no cropland"
    axes.text(x, y - (0.13 if interval else 0), figure_text, fontsize=11, **text)
    axes.text(x, y + 0.23, interval, fontsize=8.5, **text)
