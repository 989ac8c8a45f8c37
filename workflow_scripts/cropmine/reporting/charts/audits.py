"""The figure of an audit: purity and contamination of mined labels at every threshold, and against eroded ones."""

from collections.abc import Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from cropmine.classes import CLASS_NAMES, CLASS_WORDS
from cropmine.reporting.charts.style import GRID_LINE, INK, MUTED, SPREAD_COLOUR, STYLE, WIDTH_IN
from cropmine.reporting.wording import SPACE
from cropmine.scoring.audit_summary import ERODED, MINED, PURE, AuditSummary

MINED_COLOUR = SPREAD_COLOUR
HIT_COLOUR = "#D55E00"  # Okabe and Ito's vermilion
HIT_STYLE = (0, (4, 1.5))
OTHER = {"cropland": "noncropland", "noncropland": "cropland"}
SIGN = {"cropland": "above", "noncropland": "below"}
HEIGHT_IN = 8.4
BAND = 0.2
DRAWN = [
    *("source", "class", "threshold", "erode_m", "coverage", "purity", "purity_lo", "purity_hi"),
    *("contamination_by_label", "contamination_by_label_lo", "contamination_by_label_hi"),
]


def draw_audit(table: pd.DataFrame, summary: AuditSummary) -> Figure:
    """Draw an audit: above, purity and contamination against the threshold; below, purity against coverage.

    table: as audits.tabulate_rates makes it. The left half is mined non-cropland, the right half mined cropland. Bands
    and bars are 95 % intervals; vertical lines and rings are the thresholds of the experiments.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN))
        grid = figure.subplots(2, 2)
        for column, name in enumerate(CLASS_NAMES):
            own = table[(table["class"] == name) & (table["coverage"] > 0)]
            mined, eroded = own[own["source"] == MINED], own[own["source"] == ERODED]
            marks = summary.classes[name].thresholds
            _draw_thresholds(grid[0, column], mined, name, marks, first=column == 0)
            _draw_coverage(grid[1, column], mined, eroded, name, marks, first=column == 0)
        figure.subplots_adjust(left=0.075, right=0.975, top=0.925, bottom=0.125, wspace=0.17, hspace=0.5)
        figure.text(0.075, 0.018, _write_note(summary), fontsize=9, color=MUTED, linespacing=1.45)
    return figure


def tabulate_drawn(table: pd.DataFrame) -> pd.DataFrame:
    """Pick the rows and columns of the table of an audit that its figure shows."""
    return table.loc[table["coverage"] > 0, DRAWN]


def _draw_thresholds(axes: Axes, mined: pd.DataFrame, name: str, marks: Sequence[float], first: bool) -> None:
    _start_panel(axes, f"Mined {CLASS_WORDS[name]}")
    _draw_goal(axes)
    for threshold in marks:
        axes.axvline(threshold, color=MUTED, lw=1.1, ls=(0, (1, 2)), zorder=1)
    hit = f"human {CLASS_WORDS[OTHER[name]]} that is covered"
    lines = (("purity", MINED_COLOUR, "-", "purity"), ("contamination_by_label", HIT_COLOUR, HIT_STYLE, hit))
    for column, shade, style, label in lines:
        x, low, high = mined["threshold"], mined[f"{column}_lo"], mined[f"{column}_hi"]
        axes.fill_between(x, low, high, color=shade, alpha=BAND, lw=0, zorder=2)
        axes.plot(x, mined[column], color=shade, lw=2.0, ls=style, zorder=3, label=label)
    if not len(mined):
        axes.text(0.5, 0.5, "nothing is mined", transform=axes.transAxes, ha="center", color=MUTED)
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel(f"threshold: segments {SIGN[name]} this weak fraction")
    if first:
        axes.set_ylabel("share")
    _place_legend(axes)


def _draw_coverage(
    axes: Axes, mined: pd.DataFrame, eroded: pd.DataFrame, name: str, marks: Sequence[float], first: bool
) -> None:
    _start_panel(axes, f"{CLASS_WORDS[name].capitalize()}: mined and eroded")
    _draw_goal(axes)
    mined, eroded = mined.sort_values("coverage"), eroded.sort_values("coverage")
    x = mined["coverage"]
    axes.fill_between(x, mined["purity_lo"], mined["purity_hi"], color=MINED_COLOUR, alpha=BAND, lw=0, zorder=2)
    axes.plot(x, mined["purity"], color=MINED_COLOUR, lw=2.0, zorder=3, label="mined, by threshold")
    marked = mined[mined["threshold"].isin(marks)]
    axes.plot(marked["coverage"], marked["purity"], "o", ms=8, mfc="white", mec=MINED_COLOUR, mew=2.0, zorder=6)
    axes.vlines(eroded["coverage"], eroded["purity_lo"], eroded["purity_hi"], color=INK, lw=1.0, alpha=0.55, zorder=4)
    axes.plot(
        eroded["coverage"], eroded["purity"], "s-", ms=5, lw=1.1, color=INK, zorder=5, label="eroded, by distance"
    )
    shown = pd.concat([mined, eroded])
    _name_ends(axes, eroded)
    axes.set_xlim(0, max(shown["coverage"].max(), 0.01) * 1.06 if len(shown) else 1)
    axes.set_ylim(*_find_range(shown))
    axes.xaxis.set_major_locator(MaxNLocator(6))  # more would touch each other
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=None, symbol=f"{SPACE}%"))
    axes.set_xlabel("share of the land that is covered")
    if first:
        axes.set_ylabel("purity")
    _place_legend(axes)


def _name_ends(axes: Axes, eroded: pd.DataFrame) -> None:
    """The distances in metres near the longest and the shortest erosion that have a purity."""
    known = eroded[eroded["purity"].notna()]
    for place, side in ((0, 1), (len(known) - 1, -1)):
        if 0 <= place < len(known):
            row = known.iloc[place]
            axes.annotate(
                f"{row['erode_m']:.0f}{SPACE}m",
                (row["coverage"], row["purity"]),
                xytext=(7 * side, -13),
                textcoords="offset points",
                ha="left" if side > 0 else "right",
                fontsize=9,
                color=INK,
                zorder=7,
                bbox={"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
            )


def _place_legend(axes: Axes) -> None:
    """The legend in the strip between the title and the axes."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-0.012, 0.985),
        borderaxespad=0.0,
        ncols=2,
        fontsize=9.5,
        frameon=False,
        handlelength=2.2,
        columnspacing=1.4,
    )


def _find_range(rows: pd.DataFrame) -> tuple[float, float]:
    """Limits of an axis of purity that include all points and the goal."""
    lowest = rows["purity"].min() if rows["purity"].notna().any() else 0
    least = min(rows["purity_lo"].quantile(0.1), lowest) if rows["purity_lo"].notna().any() else lowest
    return max(min(np.floor(least * 10 - 0.5) / 10, 0.8), 0) - 0.005, 1.015


def _draw_goal(axes: Axes) -> None:
    axes.axhline(PURE, color=INK, lw=0.9, ls=(0, (6, 3)), zorder=1)


def _start_panel(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=11.5, fontweight="bold", color=INK, pad=25)
    axes.grid(color=GRID_LINE, lw=0.9)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GRID_LINE)
    axes.tick_params(length=0, pad=5, labelcolor=INK)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=f"{SPACE}%"))


def _write_note(summary: AuditSummary) -> str:
    cropland, other = summary.classes["cropland"], summary.classes["noncropland"]
    share = summary.prevalence
    source = "the weak map's own share" if summary.prevalence_assumed else "stated"
    prevalence = (
        "no prevalence is known" if share is None else f"purity at {100 * share:.0f}{SPACE}% cropland ({source})"
    )
    return (
        f"{cropland.labels} cropland and {other.labels} non-cropland labels in {cropland.blocks} and "
        f"{other.blocks} blocks; {prevalence}. Bands and bars: 95{SPACE}% intervals,\n"
        f"none under 10 blocks of a class. Dashed: 95{SPACE}% pure. Dotted lines, rings: thresholds of the experiments."
    )
