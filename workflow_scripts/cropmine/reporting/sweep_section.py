"""Sections of the report on sweeps, scored on validation labels, and on transfers between regions."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from cropmine.reporting.charts.style import embed_picture
from cropmine.reporting.comparison import list_rows
from cropmine.reporting.report_files import FigureFiles
from cropmine.reporting.wording import Row, spell_transfer


@dataclass(frozen=True)
class Sweep:
    """A sweep on validation labels: its figure as a data URI, its rows, and how its points compare with the base.

    best: the row of the highest F1, at own thresholds, of `scored` points, None if none could be scored; others: how
    many of these aren't the base, where there is one; compared: how many of the others have an interval of their
    difference from the base, and how many of these are measurably above and below it.
    """

    name: str
    picture: str
    rows: list[Row]
    scored: int
    best: Row | None
    others: int
    compared: int
    above: int
    below: int


def describe_sweep(name: str, files: FigureFiles) -> Sweep:
    """Describe a sweep from its table and figure."""
    table = pd.read_csv(files.table)
    rows = list_rows(table[table["split"] == "validation"])
    own = [row for row in rows if row.threshold_choice == "validation"]
    scored = [row for row in own if row.f1_cropland is not None]
    others = [row for row in scored if not row.base] if any(row.base for row in own) else []
    paired = [row for row in others if row.difference_lo is not None]
    return Sweep(
        name,
        embed_picture(files.figure),
        rows,
        scored=len(scored),
        best=max(scored, key=lambda row: row.f1_cropland, default=None),
        others=len(others),
        compared=len(paired),
        above=sum(row.difference_lo > 0 for row in paired),
        below=sum(row.difference_hi < 0 for row in paired),
    )


@dataclass(frozen=True)
class Transfer:
    """A transfer between regions: its figure as a data URI, its rows on test labels, and its scores by target.

    ranked: by target, the scored rows at own thresholds, the best first, each training once.
    """

    name: str
    picture: str
    rows: list[Row]
    ranked: dict[str, list[Row]]


def describe_transfer(name: str, files: FigureFiles) -> Transfer:
    """Describe a transfer from its table and figure."""
    table = pd.read_csv(files.table)
    rows = list_rows(table[table["split"] == "test"])
    return Transfer(name, embed_picture(files.figure), rows, rank_trainings(rows))


def rank_trainings(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rank the trainings of a transfer in each target by F1 of cropland at own thresholds.

    What trained without the source's labels is in the table for each source, and ranked once.
    """
    scored = [row for row in rows if row.threshold_choice == "validation" and row.f1_cropland is not None]
    ranked: dict[str, dict[tuple, Row]] = {target: {} for target in sorted({row.target for row in scored})}
    for row in sorted(scored, key=lambda row: -row.f1_cropland):
        ranked[row.target].setdefault((spell_transfer(row), row.f1_cropland), row)
    return {target: list(own.values()) for target, own in ranked.items()}
