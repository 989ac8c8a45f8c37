"""The matrix of a transfer: F1 of cropland in each target region, by what taught the model."""

import textwrap

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from cropmine.figures import INK, MUTED, STYLE, WIDTH_IN, protect
from cropmine.sweep_figures import EMPTY, SHADES
from cropmine.wording import spell_interval, spell_transfer

CELL_IN = 0.62
NAME_WIDTH = 40  # letters
CELL_COLUMNS = (
    *("taught_by", "target", "row", "source", "normalise", "threshold_choice", "threshold"),
    *("f1_cropland", "f1_cropland_lo", "f1_cropland_hi", "support_cropland", "blocks_cropland"),
)
TITLES = {"default": "at threshold 0.5", "validation": "at the threshold of the source's validation labels"}


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
    left, panel = 3.7, CELL_IN * len(teachers) + 0.95
    height, width = 0.55 + panel * len(TITLES), WIDTH_IN - left - 0.3
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_IN, height))
        title = f"{protect(name)}: F1 of cropland on labelled test polygons of the region below"
        figure.text(0.012, 1 - 0.14 / height, title, va="top", fontsize=12, color=INK)
        for position, (choice, words) in enumerate(TITLES.items()):
            bottom = height - 0.85 - position * panel - CELL_IN * len(teachers)
            axes = figure.add_axes(
                (left / WIDTH_IN, bottom / height, width / WIDTH_IN, CELL_IN * len(teachers) / height)
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
