"""Sections of the report that a region may have: sweeps, distances, accuracy; and transfers between regions."""

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from cropmine.classes import CLASS_WORDS
from cropmine.planning.progress import spell_time
from cropmine.reporting.charts import draw_distances, draw_reliability, embed_picture
from cropmine.reporting.wording import (
    NONE,
    explain_brier,
    explain_distances,
    explain_sweep,
    explain_transfer,
    spell_figure,
    spell_hectares,
    spell_metres,
    spell_point,
    spell_transfer,
)
from cropmine.scoring.thresholds import explain_threshold
from cropmine.tables import read_json

MEASURE_WORDS = {
    "user": "user's accuracy",
    "producer": "producer's accuracy",
    "overall": "overall accuracy",
    "area_ha": "area",
}
QUANTILE_WORDS = {"5": "5 % within", "25": "25 % within", "50": "Half within", "75": "75 % within", "95": "95 % within"}


def list_rows(table: pd.DataFrame) -> list[dict]:
    """List the rows of a table as dicts, with None for what is missing."""
    return table.astype(object).where(table.notna(), None).to_dict("records")


def describe_sweeps(files: Mapping[str, Mapping[str, str]]) -> list[dict]:
    """Describe sweeps, by name the files `table` and `figure`: picture, rows on validation labels and a sentence."""
    described = []
    for name, own in files.items():
        table = pd.read_csv(own["table"])
        rows = list_rows(table[table["split"] == "validation"])
        for row in rows:
            row["point"] = spell_point(row["experiment"])
        at_own = [row for row in rows if row["threshold_choice"] == "validation"]
        described.append(
            {"name": name, "picture": embed_picture(own["figure"]), "rows": rows, "sentence": explain_sweep(at_own)}
        )
    return described


def describe_registrations(files: Mapping[str, str]) -> list[dict]:
    """Describe registrations, by segmentation and weak map the file of surfaces: what was found, and what was done."""
    described = []
    for name, path in files.items():
        segmentation, _, weak = name.partition("/")
        described.append({"segmentation": segmentation, "weak": weak} | read_json(path))
    return described


def describe_distances(path: str) -> dict:
    """Describe distances, as measure_distances writes them: chart, sentence and a table of quantiles."""
    measured = read_json(path)
    whole = measured["test"] and measured["map"]
    rows = [
        {"words": words} | {kind: spell_metres(measured[kind]["quantiles"][quantile]) for kind in ("test", "map")}
        for quantile, words in (QUANTILE_WORDS if whole else {}).items()
    ]
    return measured | {
        "rows": rows,
        "chart": draw_distances(measured) if whole else None,
        "sentence": explain_distances(measured),
    }


def describe_accuracy(path: str | Path | None) -> list[dict]:
    """Describe accuracy.csv, of a probability sample: of each map its version, estimator, samples and rows."""
    if path is None:
        return []
    table = pd.read_csv(path, na_values="-")
    described = []
    for kind, own in table.groupby("map", sort=False):
        first = own.iloc[0]
        rows = [
            {"class": CLASS_WORDS.get(row["class"], ""), "measure": MEASURE_WORDS[row["measure"]]}
            | _spell_estimate(row)
            for row in list_rows(own[own["measure"] != "area"])
        ]
        head = {"map": kind, "version": first["map_version"], "estimator": first["estimator"]}
        described.append(head | {"samples": int(first["samples"]), "rows": rows})
    return described


def _spell_estimate(row: Mapping) -> dict[str, str]:
    """An estimate and its interval: shares as figures, areas as hectares."""
    if row["estimate"] is None:
        return {"estimate": NONE, "interval": NONE}
    spell = (lambda value: f"{spell_hectares(value)} ha") if row["measure"] == "area_ha" else spell_figure
    low, high = max(row["lo"], 0), row["hi"] if row["measure"] == "area_ha" else min(row["hi"], 1)
    return {"estimate": spell(row["estimate"]), "interval": f"{spell(low)} to {spell(high)}"}


def describe_calibration(scores: Mapping | None) -> dict | None:
    """Describe the calibration of a map from scores/map.json: figures, chart and a sentence; None if there is none."""
    measured = (scores or {}).get("calibration")
    if measured is None:
        return None
    return measured | {"chart": draw_reliability(measured["bins"]), "sentence": explain_brier(measured)}


def describe_threshold(choice: Mapping, area: Mapping | None) -> dict:
    """Describe how the map's threshold was settled, and what it maps at that one and at others."""
    rows = [dict(row) for row in area["by_threshold"]] if area else []
    reach = choice["threshold_range"] or ()
    for row in rows:
        row["words"] = ", ".join(
            words
            for words, known in (
                ("used", row["threshold"] == choice["threshold"]),
                ("best on validation", row["threshold"] == choice["threshold_best"]),
                ("low end of its range", reach and row["threshold"] == reach[0]),
                ("high end of its range", reach and row["threshold"] == reach[1]),
            )
            if known
        )
    return {"sentence": explain_threshold(choice), "rows": rows}


def describe_transfers(files: Mapping[str, Mapping[str, str]]) -> list[dict]:
    """Describe transfers, by name the files `table` and `figure`: picture, rows on test labels and a sentence."""
    described = []
    for name, own in files.items():
        table = pd.read_csv(own["table"])
        rows = list_rows(table[table["split"] == "test"])
        for row in rows:
            row["labels"] = spell_transfer(row)
        at_own = [row for row in rows if row["threshold_choice"] == "validation"]
        described.append(
            {"name": name, "picture": embed_picture(own["figure"]), "rows": rows, "sentence": explain_transfer(at_own)}
        )
    return described


def describe_run(run: Mapping) -> dict | None:
    """Describe what was run, from run.json: software, hours by rule, the longest first, and the configuration."""
    if "config" not in run:
        return None
    hours = sorted(run["hours"].items(), key=lambda item: (-item[1], item[0]))
    return {
        "version": run["cropmine"],
        "commit": run["commit"],
        "packages": {"python": run["python"]} | run["packages"],
        "hours": [{"rule": rule, "time": spell_time(3600 * spent)} for rule, spent in hours],
        "total": spell_time(3600 * sum(run["hours"].values())),
        "config": json.dumps(run["config"], indent=2, ensure_ascii=False),
    }
