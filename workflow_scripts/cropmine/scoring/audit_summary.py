"""Auditing a weak map's labels: from the files of a region's training tiles to the audit's table and summary."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import shapely

from cropmine.classes import CLASS_NAMES, CROPLAND, NONCROPLAND
from cropmine.geo.grids import CRS_LONLAT, Grid, read_grid
from cropmine.geo.vectors import parse_crs, read_vector
from cropmine.inputs.label_pieces import TRAIN, split_of
from cropmine.inputs.weak_maps import POLYGON_STEP_M, find_weak_pixel
from cropmine.scoring.audit_rates import ERODED, EROSIONS_PX, MINED, THRESHOLDS, Estimates, estimate_rates
from cropmine.scoring.audit_tallies import Audit, Survey, Tally, TileFiles, survey_overlaps, tabulate_audit, tally_tiles
from cropmine.scoring.bootstrap import find_interval
from cropmine.scoring.metrics import LEAST_BLOCKS

DEFAULT_MARKS = {"cropland": [0.8], "noncropland": [0.2]}
PURE = 0.95
TOLERATED = 0.10  # share of the other class that a mined label may hit and still be called worth it
WHOLE = 0.8  # a label of which so much is omitted is omitted whole
MANY_WHOLE = 0.10  # share of cropland labels omitted whole from which on the audit warns
LARGEST_FACTOR = 11
SUBSTANTIAL = 0.5


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
    of summarise_audit.
    """
    pieces = labels[split_of(labels, None) == TRAIN].reset_index(drop=True)
    marks = {name: settings["marks"].get(name) or values for name, values in DEFAULT_MARKS.items()}
    thresholds = sorted({*THRESHOLDS, *marks["cropland"], *marks["noncropland"]})
    weak_pixel_m = find_weak_pixel(weak_paths, read_grid(tiles[0].segments))
    erosions_m = list_erosions(weak_pixel_m, settings["marks"].get("erode_m", []))
    survey = survey_overlaps((tile.overlap for tile in tiles), thresholds, settings["min_valid"])
    tally = Tally(len(pieces), thresholds, erosions_m)
    tally_tiles(pieces, tiles, read_weak, tally, settings["min_valid"])
    audit = tabulate_audit(tally, pieces, survey, weak_pixel_m, settings["prevalence"])
    summary = summarise_audit(audit, tally, pieces, survey, settings["prevalence"], marks)
    summary |= {
        "tiles": len(tiles),
        "kfold": bool((labels["fold"] >= 0).any()),
        "weak_pixel_m": weak_pixel_m,
        "training_labels": count_shared(labels, public) if public is not None else None,
    }
    return audit.table, summary


def list_erosions(weak_pixel_m: float | None, marked_m: Sequence[float]) -> list[float]:
    """List the distances of an audit, metres: 0 to 8 weak pixels, and those of the experiments."""
    steps = {round(px * (weak_pixel_m or POLYGON_STEP_M), 3) for px in EROSIONS_PX}
    return sorted({*steps, *map(float, marked_m)})


def measure_weak_map(tally: Tally, pieces: pd.DataFrame, prevalence: float | None) -> dict:
    """Measure the errors of the weak map itself on the labels that train.

    Gives, each with value, lo and hi: omission_by_label and omission_by_pixel (share of human cropland that the map
    calls non-cropland), false_positive_rate (share of human non-cropland that it calls cropland, by label), commission
    (share of its cropland that isn't, at the prevalence) and omitted_whole (share of cropland labels that lose 80 % or
    more of their pixels). Pixels without a valid weak pixel are left out.
    """
    pixels, hits = tally.weak_pixels, tally.eroded[:, :, 0]
    whole = find_omitted(hits[NONCROPLAND], pixels, pieces)
    hits = np.stack([hits, np.stack([np.where(whole, pixels, 0), np.zeros_like(pixels)])], axis=-1)
    estimates = estimate_rates(hits, pixels, pieces, prevalence)
    commission = _pick(estimates, "purity", CROPLAND, 0)
    return {
        "omission_by_label": _pick(estimates, "contamination_by_label", NONCROPLAND, 0),
        "omission_by_pixel": _pick(estimates, "contamination_by_pixel", NONCROPLAND, 0),
        "false_positive_rate": _pick(estimates, "contamination_by_label", CROPLAND, 0),
        "commission": {
            key: None if commission[other] is None else round(1 - commission[other], 6)
            for key, other in (("value", "value"), ("lo", "hi"), ("hi", "lo"))
        },
        "omitted_whole": _pick(estimates, "contamination_by_label", NONCROPLAND, 1),
    }


def find_omitted(hits: np.ndarray, pixels: np.ndarray, pieces: pd.DataFrame) -> np.ndarray:
    """Tell which pieces, bool (P,), belong to a label of which 80 % or more of the pixels are hit."""
    _, label = np.unique(pieces["label"].to_numpy(), return_inverse=True)
    hit, held = (np.bincount(label, weights=counts)[label] for counts in (hits, pixels))
    return (held > 0) & (hit >= WHOLE * held)


def _pick(estimates: Estimates, name: str, cls: int, setting: int) -> dict:
    ends = (("value", ""), ("lo", "_lo"), ("hi", "_hi"))
    return {key: _known(estimates.values[name + end][cls, setting]) for key, end in ends}


def _known(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None


def correct_prevalence(prevalence: float | None, weak_map: Mapping) -> float | None:
    """Correct a map's share of cropland by its errors (Rogan and Gladen 1978); None where it can't be."""
    omission, wrong = (weak_map[name]["value"] for name in ("omission_by_label", "false_positive_rate"))
    if None in (prevalence, omission, wrong) or 1 - omission - wrong <= 0:
        return None
    return round(min(max((prevalence - wrong) / (1 - omission - wrong), 0.0), 1.0), 6)


def compare_at_coverage(
    table: pd.DataFrame, settings: pd.DataFrame, estimates: Estimates, marks: Mapping
) -> list[dict]:
    """Compare mined labels at the marked thresholds with eroded ones of the same coverage.

    The eroded purity is interpolated between the two distances whose coverage is next; the interval of the difference
    is paired by the draws of blocks. erode_m is None where no distance keeps as much, or as little.
    """
    eroded = np.flatnonzero(settings["source"] == ERODED)
    found = []
    for cls in (CROPLAND, NONCROPLAND):
        own = table[table["class"] == CLASS_NAMES[cls]].reset_index(drop=True)
        coverage = own["coverage"].to_numpy()[eroded]
        for threshold in marks[CLASS_NAMES[cls]]:
            here = _find_setting(settings, threshold)
            row = own.loc[here]
            pair = {"class": CLASS_NAMES[cls], "threshold": threshold, "coverage": _known(row["coverage"])}
            pair |= {"purity_mined": _known(row["purity"]), "purity_eroded": None, "erode_m": None}
            pair |= {"difference": None, "lo": None, "hi": None}
            if coverage.min() <= row["coverage"] <= coverage.max() and row["coverage"] > 0:
                weights = _interpolate(row["coverage"], coverage)
                pair |= _compare_purity(estimates, cls, here, eroded, weights)
                pair["erode_m"] = _known(weights @ own["erode_m"].to_numpy()[eroded])
            found.append(pair)
    return found


def _find_setting(settings: pd.DataFrame, threshold: float) -> int:
    same = (settings["source"] == MINED) & (settings["threshold"] == threshold)
    return int(np.flatnonzero(same)[0])


def _interpolate(coverage: float, falling: np.ndarray) -> np.ndarray:
    """Weights of the eroded settings, of falling coverage, that add up to a coverage."""
    return np.array([np.interp(coverage, falling[::-1], unit[::-1]) for unit in np.eye(len(falling))])


def _compare_purity(estimates: Estimates, cls: int, here: int, eroded: np.ndarray, weights: np.ndarray) -> dict:
    used = weights > 0
    blend = estimates.values["purity"][cls, eroded[used]] @ weights[used]
    pair = {"purity_eroded": _known(blend), "difference": _known(estimates.values["purity"][cls, here] - blend)}
    draws = estimates.draws[cls]
    draws = draws[:, here] - draws[:, eroded[used]] @ weights[used]
    if np.isfinite(draws).any() and pair["difference"] is not None:
        low, high = find_interval(draws)
        pair |= {"lo": _known(low), "hi": _known(high)}
    return pair


def judge_class(table: pd.DataFrame, name: str) -> dict:
    """Judge whether mined labels of a class are worth it by the intervals of their purity.

    verdict: "yes" where the lower bound of purity is at least 95 % and at most a tenth of the other class is hit;
    "common" where the class is so common that labels are pure all the same, but more of the other class is hit; "no"
    where no interval reaches 95 %; else "unsure", as without intervals. pure: the thresholds whose lower bound is at
    least 95 %; threshold: the one that tells most; more_blocks and more_labels of the other class: about what "unsure"
    lacks for an interval that ends at 95 %, None if over ten times as many.
    """
    own = table[(table["class"] == name) & (table["source"] == MINED)]
    own = own[(own["coverage"] > 0) & own["purity"].notna()]
    pure = own[own["purity_lo"] >= PURE]
    clean = pure[pure["contamination_by_label"] <= TOLERATED]
    needed = {"more_blocks": None, "more_labels": None}
    if len(clean):
        verdict, telling = "yes", clean.loc[clean["coverage"].idxmax()]
    elif len(pure):
        verdict, telling = "common", pure.loc[pure["contamination_by_label"].idxmin()]
    elif len(own) and (own["purity_hi"] < PURE).all():
        verdict, telling = "no", own.loc[own["purity"].idxmax()]
    else:
        verdict, telling = "unsure", _find_nearest(own)
        needed |= _count_needed(telling)
    return {
        "verdict": verdict,
        "pure": [float(value) for value in pure["threshold"]],
        "threshold": None if telling is None else float(telling["threshold"]),
        **needed,
    }


def _find_nearest(own: pd.DataFrame) -> pd.Series | None:
    """Of the rows that are 95 % pure the one whose interval needs to narrow least to show it; else the purest."""
    if own.empty:
        return None
    likely = own[own["purity"] >= PURE]
    narrowing = _narrow(likely)
    return own.loc[narrowing.idxmin()] if narrowing.notna().any() else own.loc[own["purity"].idxmax()]


def _narrow(rows: pd.DataFrame) -> pd.Series:
    """How many times as many blocks bring an interval's end to 95 %: its width goes by 1 / √blocks."""
    above = rows["purity"] >= PURE
    reach = np.where(above, rows["purity"] - rows["purity_lo"], rows["purity_hi"] - rows["purity"])
    return pd.Series((reach / np.maximum((rows["purity"] - PURE).abs(), 1e-9)) ** 2, rows.index)


def _count_needed(row: pd.Series | None) -> dict:
    factor = np.nan if row is None else float(_narrow(row.to_frame().T.infer_objects()).iloc[0])
    if not factor <= LARGEST_FACTOR:
        return {}
    counts = {"more_blocks": row["other_blocks"], "more_labels": row["other_labels"]}
    return {name: max(math.ceil((factor - 1) * count), 1) for name, count in counts.items()}


def count_shared(labels: pd.DataFrame, path: str | Path) -> dict:
    """Count the human labels among the public ones that a weak map was trained on.

    labels: pieces of labels.parquet; path: a vector file of points or polygons in any CRS. A label is among them if a
    point lies within a piece of it, or if it and a polygon share half of the smaller of the two or more. Gives shared
    and labels. Raises CropmineError as vector files do.
    """
    public = _read_public(path)
    pieces = np.asarray(labels.geometry, dtype=object)
    tree = shapely.STRtree(public)
    own, other = tree.query(pieces, predicate="intersects")
    areas = shapely.area(public[other])
    common = shapely.area(shapely.intersection(pieces[own], public[other]))
    same = (areas == 0) | (common >= SUBSTANTIAL * np.minimum(areas, shapely.area(pieces[own])))
    names = labels["label"].to_numpy()
    return {"shared": len(np.unique(names[own[same]])), "labels": len(np.unique(names))}


def _read_public(path: str | Path) -> np.ndarray:
    """Valid geometries of a vector file in longitude and latitude."""
    frame = read_vector(path)
    parse_crs(path, frame.crs)
    geometries = np.asarray(frame.geometry.to_crs(CRS_LONLAT), dtype=object)
    return shapely.make_valid(geometries[~(shapely.is_missing(geometries) | shapely.is_empty(geometries))])


def summarise_audit(
    audit: Audit, tally: Tally, pieces: pd.DataFrame, survey: Survey, prevalence: float | None, marks: Mapping
) -> dict:
    """Sum up an audit in plain builtins, null where there is nothing to tell.

    prevalence: the stated one, None for the weak map's own; marks: by class the thresholds of the experiments.
    """
    used = survey.weak_share if prevalence is None else prevalence
    weak_map = measure_weak_map(tally, pieces, used)
    judged = {name: judge_class(audit.table, name) for name in CLASS_NAMES[::-1]}
    return {
        "prevalence": None if used is None else round(used, 6),
        "prevalence_assumed": prevalence is None,
        "prevalence_corrected": correct_prevalence(used, weak_map) if prevalence is None else None,
        "labels": dict(zip(CLASS_NAMES, audit.estimates.labels, strict=True)),
        "blocks": dict(zip(CLASS_NAMES, audit.estimates.blocks, strict=True)),
        "tiles_with_labels": tally.tiles,
        "open_ha": round(tally.open_ha, 6),
        "segmented_ha": round(survey.segmented_ha, 6),
        "weak_map": weak_map,
        "omits_whole_labels": _omits_whole_labels(weak_map, audit.estimates.labels[CROPLAND]),
        "marks": {name: list(marks[name]) for name in CLASS_NAMES[::-1]},
        "at_equal_coverage": compare_at_coverage(audit.table, audit.settings, audit.estimates, marks),
        "classes": judged,
    }


def _omits_whole_labels(weak_map: Mapping, labels: int) -> bool:
    """Whether the weak map omits whole cropland labels, and not only edges: a tenth or more, of ten labels or more."""
    return labels >= LEAST_BLOCKS and (weak_map["omitted_whole"]["value"] or 0) >= MANY_WHOLE
