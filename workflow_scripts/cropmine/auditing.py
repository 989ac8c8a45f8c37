"""Auditing a weak map's labels: from the files of a region's training tiles to the audit's table and summary."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd

from cropmine.audit_findings import count_shared, summarise_audit
from cropmine.audit_wording import write_sentences
from cropmine.audits import (
    EROSIONS_PX,
    THRESHOLDS,
    Tally,
    TileFiles,
    survey_overlaps,
    tabulate_audit,
    tally_tiles,
)
from cropmine.grids import Grid, read_grid
from cropmine.splits import TRAIN, split_of
from cropmine.weak import POLYGON_STEP_M, find_weak_pixel

DEFAULT_MARKS = {"cropland": [0.8], "noncropland": [0.2]}


def audit_labels(
    labels: geopandas.GeoDataFrame,
    tiles: Sequence[TileFiles],
    read_weak: Callable[[Grid], tuple[np.ndarray, np.ndarray]],
    weak_paths: Sequence[str | Path],
    settings: Mapping,
    public: str | Path | None = None,
) -> tuple[pd.DataFrame, dict]:
    """Audit the mined and eroded labels of a weak map on the training tiles of a region.

    labels: labels.parquet; read_weak(grid): values and validity of the weak map, without a guard; settings: min_valid,
    prevalence (or None) and marks, the thresholds (cropland, noncropland) and distances (erode_m) of the experiments;
    public: labels that the weak map was trained on. Returns the table as audits.tabulate_audit makes it and the summary
    of audit_findings.summarise_audit with its sentences.
    """
    pieces = labels[split_of(labels, None) == TRAIN].reset_index(drop=True)
    marks = {name: settings["marks"].get(name) or values for name, values in DEFAULT_MARKS.items()}
    thresholds = sorted({*THRESHOLDS, *marks["cropland"], *marks["noncropland"]})
    weak_pixel_m = find_weak_pixel(weak_paths, read_grid(tiles[0].segments))
    erosions_m = list_erosions(weak_pixel_m, settings["marks"].get("erode_m", []))
    survey = survey_overlaps((tile.overlap for tile in tiles), thresholds, settings["min_valid"])
    tally = Tally(len(pieces), thresholds, erosions_m)
    tally_tiles(pieces, tiles, read_weak, tally, survey.limits_ha, settings["min_valid"])
    audit = tabulate_audit(tally, pieces, survey, weak_pixel_m, settings["prevalence"])
    summary = summarise_audit(audit, tally, pieces, survey, settings["prevalence"], marks)
    summary |= {
        "tiles": len(tiles),
        "kfold": bool((labels["fold"] >= 0).any()),
        "weak_pixel_m": weak_pixel_m,
        "training_labels": count_shared(labels, public) if public is not None else None,
    }
    return audit.table, summary | {"sentences": write_sentences(summary, audit.table)}


def list_erosions(weak_pixel_m: float | None, marked_m: Sequence[float]) -> list[float]:
    """List the distances of an audit, metres: 0 to 8 weak pixels, and those of the experiments."""
    steps = {round(px * (weak_pixel_m or POLYGON_STEP_M), 3) for px in EROSIONS_PX}
    return sorted({*steps, *map(float, marked_m)})
