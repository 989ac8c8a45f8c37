"""Sections of the report that a region may have, such as thresholds and distances, and what was run."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cropmine.classes import CLASS_WORDS
from cropmine.planning.progress import spell_time
from cropmine.reporting.charts.scores import draw_distances, draw_reliability
from cropmine.reporting.comparison import list_rows
from cropmine.reporting.report_files import ShiftFile
from cropmine.reporting.wording import NONE, Row, spell_figure, spell_hectares
from cropmine.scoring.metrics import DEFAULT_THRESHOLD
from cropmine.scoring.thresholds import settle_choice
from cropmine.tables import read_json

MEASURE_WORDS = {
    "user": "user's accuracy",
    "producer": "producer's accuracy",
    "overall": "overall accuracy",
    "area_ha": "area",
}


@dataclass(frozen=True)
class SplitRow:
    """The blocks and labels of a split, or of a fold."""

    name: str
    blocks: int
    labels_cropland: int
    labels_noncropland: int


@dataclass(frozen=True)
class Splits:
    """How labels are split: by train, validation and test, or by fold (`folded`)."""

    folded: bool
    rows: tuple[SplitRow, ...]


def describe_splits(path: str) -> Splits:
    """Describe labels/splits.csv."""
    blocks = pd.read_csv(path)
    key = "fold" if "fold" in blocks else "split"
    sums = blocks.groupby(key)[["labels_cropland", "labels_noncropland"]].sum()
    sums.insert(0, "blocks", blocks.groupby(key).size())
    order = sums.index if key == "fold" else [name for name in ("train", "validation", "test") if name in sums.index]
    return Splits(key == "fold", tuple(SplitRow(str(name), *map(int, sums.loc[name])) for name in order))


@dataclass(frozen=True)
class Registration:
    """The shift of a weak map, metres to the east and north, as measured with the segments of a segmentation.

    reason: why it wasn't applied; best_east, best_north: the shift that fits best; peak and highest_null: the height of
    its peak, and the highest peak of maps that can't fit; tiles: how many were used. What wasn't measured is None.
    """

    segmentation: str
    weak: str
    east: float
    north: float
    applied: bool
    reason: str | None
    best_east: float | None
    best_north: float | None
    peak: float | None
    highest_null: float | None
    tiles: int

    @property
    def length_m(self) -> float:
        """The length of the shift, metres."""
        return math.hypot(self.east, self.north)


def describe_registration(file: ShiftFile) -> Registration:
    """Describe the file of a registration."""
    found = read_json(file.path)
    known = {key: found[key] for key in ("east", "north", "applied", "reason", "tiles")}
    known |= {key: found.get(key) for key in ("best_east", "best_north", "peak")}
    highest = max((found.get("null_peaks") or {}).values(), default=None)
    return Registration(file.segmentation, file.weak, **known, highest_null=highest)


@dataclass(frozen=True)
class Distances:
    """Distances of test labels and of the map's pixels to the nearest training label.

    optimistic: whether the median of the test labels is under `criterion` times that of the map, None where there are
    no test labels or no pixels; folds: the number of folds with k-fold; test and map: quantiles by percent, metres;
    chart: a data URI.
    """

    optimistic: bool | None
    criterion: float
    folds: int | None
    test: Mapping[str, float]
    map: Mapping[str, float]
    chart: str | None


def describe_distances(path: str) -> Distances:
    """Describe distances.json."""
    measured = read_json(path)
    is_known = measured["optimistic"] is not None
    return Distances(
        optimistic=measured["optimistic"],
        criterion=measured["criterion"],
        folds=measured["folds"],
        test=measured["test"]["quantiles"] if is_known else {},
        map=measured["map"]["quantiles"] if is_known else {},
        chart=draw_distances(measured) if is_known else None,
    )


@dataclass(frozen=True)
class AccuracyRow:
    """An estimate of a probability sample, in words."""

    class_words: str
    measure: str
    estimate: str
    interval: str


@dataclass(frozen=True)
class Accuracy:
    """The accuracy of a map (`map`: sampled or present) by a probability sample: its version, estimator and samples."""

    map: str
    version: str
    estimator: str
    samples: int
    rows: tuple[AccuracyRow, ...]


def describe_accuracy(path: str | None) -> list[Accuracy]:
    """Describe accuracy.csv, of a probability sample: each of its maps; none without a file."""
    if path is None:
        return []
    described = []
    for kind, own in pd.read_csv(path, na_values="-").groupby("map", sort=False):
        first = own.iloc[0]
        shown = own[own["measure"] != "area"].rename(columns={"class": "label_class"})
        rows = tuple(_spell_estimate(row) for row in list_rows(shown))
        described.append(Accuracy(str(kind), first["map_version"], first["estimator"], int(first["samples"]), rows))
    return described


def _spell_estimate(row: Row) -> AccuracyRow:
    """An estimate and its interval: shares as figures, areas as hectares."""
    names = CLASS_WORDS.get(row.label_class, ""), MEASURE_WORDS[row.measure]
    if row.estimate is None:
        return AccuracyRow(*names, NONE, NONE)
    is_area = row.measure == "area_ha"
    spell = (lambda value: f"{spell_hectares(value)} ha") if is_area else spell_figure
    low, high = max(row.lo, 0), row.hi if is_area else min(row.hi, 1)
    return AccuracyRow(*names, spell(row.estimate), f"{spell(low)} to {spell(high)}")


@dataclass(frozen=True)
class Calibration:
    """How well the map's probabilities are calibrated: what measure_calibration gives, and a chart as a data URI."""

    pixels: int
    brier: float
    brier_lo: float | None
    brier_hi: float | None
    brier_constant: float
    chart: str


def describe_calibration(scores: Mapping[str, Any] | None) -> Calibration | None:
    """Describe the calibration of a map from scores/map.json; None if there is none."""
    measured = (scores or {}).get("calibration")
    if measured is None:
        return None
    keys = ("pixels", "brier", "brier_lo", "brier_hi", "brier_constant")
    return Calibration(**{key: measured[key] for key in keys}, chart=draw_reliability(measured["bins"]))


@dataclass(frozen=True)
class ThresholdRow:
    """How much is mapped as cropland at a threshold, and what the threshold is, in words."""

    threshold: float
    cropland_ha: float
    words: str


@dataclass(frozen=True)
class Threshold:
    """How the threshold of the map was chosen, and what would be mapped at others.

    range: of 95 % of bootstrap draws of validation blocks, None where these are too few; default: the threshold that is
    used where the range includes it (takes_default).
    """

    used: float
    best: float
    range: tuple[float, float] | None
    default: float
    takes_default: bool
    rows: tuple[ThresholdRow, ...]


def describe_threshold(choice: Mapping[str, Any], area: Mapping[str, Any]) -> Threshold:
    """Describe the threshold of a map from selected.json and map/area.json."""
    reach = tuple(choice["threshold_range"]) if choice["threshold_range"] else None
    low, high = reach or (None, None)
    names = {
        "used": choice["threshold"],
        "best on validation": choice["threshold_best"],
        "low end of its range": low,
        "high end of its range": high,
    }
    rows = [
        ThresholdRow(
            row["threshold"],
            row["cropland_ha"],
            ", ".join(words for words, threshold in names.items() if threshold == row["threshold"]),
        )
        for row in area["by_threshold"]
    ]
    return Threshold(
        used=choice["threshold"],
        best=choice["threshold_best"],
        range=reach,
        default=DEFAULT_THRESHOLD,
        takes_default=settle_choice(reach) == "default",
        rows=tuple(rows),
    )


@dataclass(frozen=True)
class RunSummary:
    """What was run: software, computing time by rule, the longest first, and the configuration."""

    version: str
    commit: str | None
    packages: dict[str, str]
    hours: list[tuple[str, str]]
    total: str
    config: str


def summarise_run(run: Mapping[str, Any]) -> RunSummary | None:
    """Summarise run.json; None if it has no configuration."""
    if "config" not in run:
        return None
    hours = sorted(run["hours"].items(), key=lambda item: (-item[1], item[0]))
    return RunSummary(
        version=run["cropmine"],
        commit=run["commit"],
        packages={"python": run["python"]} | run["packages"],
        hours=[(rule, spell_time(3600 * spent)) for rule, spent in hours],
        total=spell_time(3600 * sum(run["hours"].values())),
        config=json.dumps(run["config"], indent=2, ensure_ascii=False),
    )
