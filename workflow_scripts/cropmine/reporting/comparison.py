"""The experiments of a region as the report compares them: their table, their differences and the selected one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cropmine.reporting.charts.scores import draw_differences, draw_experiments
from cropmine.reporting.charts.style import NARROW_IN, WIDTH_IN
from cropmine.reporting.report_files import RegionFiles
from cropmine.reporting.wording import Row
from cropmine.scoring.experiment_tables import find_base
from cropmine.tables import read_json


@dataclass(frozen=True)
class Difference:
    """A difference in F1 of cropland on test labels between an experiment and a base, with its 95 % interval.

    lo and hi are None where the test blocks are too few for an interval.
    """

    experiment: str
    base: str
    value: float
    lo: float | None
    hi: float | None

    @property
    def is_gain(self) -> bool:
        """Whether the whole interval is above 0."""
        return self.lo is not None and self.lo > 0

    @property
    def is_loss(self) -> bool:
        """Whether the whole interval is below 0."""
        return self.hi is not None and self.hi < 0


@dataclass(frozen=True)
class Comparison:
    """The compared experiments of a region.

    rows: of the table of experiments, with the test and validation `splits` that it has; selected: by split, the row of
    the experiment that makes the map; choice: what selected.json says of it; base: the first experiment with human
    labels only; differences: rows of the table of differences; charts and difference_charts: data URIs, wide and
    narrow.
    """

    rows: list[Row]
    splits: list[str]
    charts: list[str]
    choice: Mapping[str, Any]
    selected: Mapping[str, Row]
    base: str | None
    differences: list[Row]
    difference_charts: list[str]

    @property
    def count(self) -> int:
        """How many experiments there are."""
        return len({row.experiment for row in self.rows})

    @property
    def seeds(self) -> int:
        """The most seeds with which an experiment was trained."""
        return max(row.seeds for row in self.rows)

    @property
    def has_intervals(self) -> bool:
        """Whether any score on test labels has an interval."""
        return any(row.split == "test" and row.f1_cropland_lo is not None for row in self.rows)

    @property
    def has_differences(self) -> bool:
        """Whether the table of experiments has differences from the base."""
        return any(getattr(row, "difference", None) is not None for row in self.rows)

    @property
    def test_rows(self) -> list[Row]:
        """A row for each experiment: on test labels at its own threshold."""
        return [row for row in self.rows if row.split == "test" and row.threshold_choice == "validation"]

    @property
    def difference_from_base(self) -> Difference | None:
        """The difference of the selected experiment from the base, at the kind of threshold that makes the map."""
        choice = self.choice
        kind = "validation" if choice["threshold"] == choice["threshold_best"] else "default"
        return self.find_difference(choice["experiment"], self.base, kind)

    def find_difference(self, experiment: str, base: str | None, choice: str = "validation") -> Difference | None:
        """Find the difference between two experiments, whichever way round it was computed; None if it wasn't.

        choice: the threshold, "validation" for each experiment's own one or "default" for 0.5.
        """
        for row in self.differences:
            if row.split == "test" and row.threshold_choice == choice and row.difference is not None:
                if (row.experiment, row.base) == (experiment, base):
                    return Difference(experiment, row.base, row.difference, row.lo, row.hi)
                if (row.experiment, row.base) == (base, experiment):
                    low, high = (None if end is None else -end for end in (row.hi, row.lo))
                    return Difference(experiment, row.experiment, -row.difference, low, high)
        return None

    @property
    def mining(self) -> Difference | None:
        """The best difference that mined labels make, one with an interval above 0 if there is any."""
        return max(self.compare_mining(), key=lambda own: (own.is_gain, own.value), default=None)

    def compare_mining(self) -> list[Difference]:
        """List the differences that mined labels make when they are added to human ones."""
        return [difference for row, difference in self.compare_additions() if is_mined(row)]

    def compare_additions(self) -> Iterator[tuple[Row, Difference]]:
        """Compare each trained experiment with the one that has as many human labels, the same model, and no others."""
        for row in self.test_rows:
            human = self._find_human(row) if row.trained and (is_mined(row) or row.weak_classes) else None
            difference = self.find_difference(row.experiment, human) if human else None
            if difference:
                yield row, difference

    def _find_human(self, row: Row) -> str | None:
        for other in self.test_rows:
            alone = other.trained and not other.weak_classes and not is_mined(other)
            same = other.human_fraction == row.human_fraction and other.model == row.model
            if alone and same and row.human_fraction:
                return other.experiment
        return None


def is_mined(row: Row) -> bool:
    """Tell whether an experiment trains on mined labels."""
    return (row.mined_cropland is not None or row.mined_noncropland is not None) and not row.random


def list_rows(table: pd.DataFrame) -> list[Row]:
    """List the rows of a table as named tuples, with None for what is missing."""
    return list(table.astype(object).where(table.notna(), None).itertuples(index=False, name="Row"))


def describe_comparison(files: RegionFiles) -> Comparison | None:
    """Describe the experiments of a region from experiments.csv, differences.csv and selected.json; None without."""
    if files.experiments is None or files.differences is None or files.selected is None:
        return None
    table, pairs = pd.read_csv(files.experiments), pd.read_csv(files.differences)
    choice, base, rows = read_json(files.selected), find_base(table), list_rows(table)
    from_base = pairs[(pairs["base"] == base) & (pairs["split"] == "test")]
    return Comparison(
        rows=rows,
        splits=[split for split in ("test", "validation") if any(row.split == split for row in rows)],
        charts=[draw_experiments(table, width_in) for width_in in (WIDTH_IN, NARROW_IN)],
        choice=choice,
        selected={row.split: row for row in rows if row.selected},
        base=base,
        differences=list_rows(pairs),
        difference_charts=[
            draw_differences(pairs, base, choice["experiment"], width_in)
            for width_in in (WIDTH_IN, NARROW_IN)
            if base is not None and len(from_base)
        ],
    )
