"""The audit of a weak map: how pure labels are that are mined or eroded from it, by the human labels that train."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import shapely

from cropmine.classes import CLASS_NAMES, CLASS_VALUES, CROPLAND, NONCROPLAND
from cropmine.features.overlap_files import read_overlap
from cropmine.files import replacing
from cropmine.geo.grids import CRS_LONLAT, read_grid
from cropmine.geo.vectors import parse_crs, read_vector
from cropmine.inputs.label_pieces import TRAIN, split_of
from cropmine.inputs.weak_maps import POLYGON_STEP_M, find_weak_pixel
from cropmine.scoring.audit_rates import Rates, estimate_rates, round_known
from cropmine.scoring.audit_summary import (
    ERODED,
    MINED,
    PURE,
    AuditSummary,
    ClassAudit,
    ErodedLabels,
    Estimate,
    Judgement,
    MinedLabels,
    SharedLabels,
    Verdict,
    WeakMapErrors,
)
from cropmine.scoring.audit_tallies import ReadWeak, Survey, Tally, TileFiles, survey_overlaps, tally_tiles
from cropmine.scoring.bootstrap import find_interval

THRESHOLDS = tuple(step / 100 for step in range(101))
EROSIONS_PX = (0, 1, 2, 3, 4, 6, 8)
TOLERATED = 0.10  # share of the other class's labels that mined labels may cover and still be called worth it
WHOLE = 0.8  # a label of which so much is omitted is omitted whole
LARGEST_FACTOR = 11
SUBSTANTIAL = 0.5


@dataclass(frozen=True)
class AuditSettings:
    """Settings of an audit.

    min_valid: least share of valid weak pixels in a segment that is mined; prevalence: stated share of cropland, None
    for the weak map's own; cropland, noncropland and erode_m: thresholds and distances of the experiments.
    """

    min_valid: float
    prevalence: float | None
    cropland: Sequence[float] = ()
    noncropland: Sequence[float] = ()
    erode_m: Sequence[float] = ()

    @property
    def thresholds(self) -> dict[str, Sequence[float]]:
        """The thresholds of the experiments by class; the paper's for a class that no experiment mines."""
        return {"cropland": self.cropland or (0.8,), "noncropland": self.noncropland or (0.2,)}


def audit_labels(
    labels: geopandas.GeoDataFrame,
    tiles: Sequence[TileFiles],
    read_weak: ReadWeak,
    weak_paths: Sequence[str | Path],
    settings: AuditSettings,
    public: str | Path | None = None,
) -> tuple[pd.DataFrame, AuditSummary]:
    """Audit the mined and eroded labels of a weak map on the training tiles of a region.

    labels: labels.parquet; read_weak(grid): values and validity of the weak map, without a guard; weak_paths: its
    files; public: labels that the weak map was trained on. Returns the table of tabulate_rates and the summary.
    """
    pieces = labels[split_of(labels, None) == TRAIN].reset_index(drop=True)
    thresholds = sorted({*THRESHOLDS}.union(*settings.thresholds.values()))
    weak_pixel_m = find_weak_pixel(weak_paths, read_grid(tiles[0].segments))
    survey = survey_overlaps((read_overlap(tile.overlap) for tile in tiles), thresholds, settings.min_valid)
    tally = Tally(len(pieces), thresholds, settings.min_valid, list_erosions(weak_pixel_m, settings.erode_m))
    tally_tiles(pieces, tiles, read_weak, tally)
    prevalence = survey.weak_share if settings.prevalence is None else settings.prevalence
    rates = estimate_rates(np.concatenate([tally.mined, tally.eroded], axis=2), tally.pixels, pieces, prevalence)
    table = tabulate_rates(rates, tally, survey, weak_pixel_m)
    weak_map = measure_weak_map(tally, pieces, prevalence)
    assumed = settings.prevalence is None
    return table, AuditSummary(
        tiles=len(tiles),
        tiles_with_labels=tally.tiles,
        kfold=bool((labels["fold"] >= 0).any()),
        prevalence=None if prevalence is None else round(prevalence, 6),
        prevalence_assumed=assumed,
        prevalence_corrected=correct_prevalence(prevalence, weak_map) if assumed else None,
        open_ha=round(tally.open_ha, 6),
        segmented_ha=round(survey.segmented_ha, 6),
        weak_pixel_m=weak_pixel_m,
        weak_map=weak_map,
        classes={name: _audit_class(name, table, rates, own) for name, own in settings.thresholds.items()},
        shared_labels=count_shared(labels, public) if public is not None else None,
    )


def list_erosions(weak_pixel_m: float | None, marked_m: Sequence[float]) -> list[float]:
    """List the distances of an audit, metres: 0 to 8 weak pixels, and those of the experiments."""
    steps = {round(px * (weak_pixel_m or POLYGON_STEP_M), 3) for px in EROSIONS_PX}
    return sorted({*steps, *map(float, marked_m)})


def tabulate_rates(rates: Rates, tally: Tally, survey: Survey, weak_pixel_m: float | None) -> pd.DataFrame:
    """Make the table of an audit: of each class one row a setting, mined at the thresholds and eroded by the distances.

    Columns: source (mined or eroded), class, threshold (mined) or erode_m and erode_weak_px (eroded), coverage (share
    of the land that may train, on tiles with labels), coverage_ha, region_ha (hectares mined on all training tiles,
    held-out blocks too), the rates each with _lo and _hi, and labels, blocks (of the class), other_labels and
    other_blocks.
    """
    mined, eroded = len(tally.thresholds), len(tally.erosions_m)
    erode_m = np.concatenate([np.full(mined, np.nan), tally.erosions_m])
    hectares = np.concatenate([tally.mined_ha, tally.eroded_ha], axis=1)
    region_ha = np.concatenate([survey.mined_ha, np.full((2, eroded), np.nan)], axis=1)
    parts = []
    for cls in (CROPLAND, NONCROPLAND):
        part = pd.DataFrame(
            {
                "source": [MINED] * mined + [ERODED] * eroded,
                "class": CLASS_NAMES[cls],
                "threshold": np.concatenate([tally.thresholds, np.full(eroded, np.nan)]),
                "erode_m": erode_m,
                "erode_weak_px": erode_m / weak_pixel_m if weak_pixel_m else np.nan,
                "coverage": hectares[cls] / tally.open_ha if tally.open_ha else np.nan,
                "coverage_ha": hectares[cls],
                "region_ha": region_ha[cls],
            }
        )
        for name in ("recall", "contamination_by_label", "contamination_by_pixel", "purity"):
            rate = getattr(rates, name)
            part[name], part[f"{name}_lo"], part[f"{name}_hi"] = rate.value[cls], rate.lo[cls], rate.hi[cls]
        for name, counts in (("labels", rates.labels), ("blocks", rates.blocks)):
            part[name], part[f"other_{name}"] = counts[cls], counts[1 - cls]
        parts.append(part)
    return pd.concat(parts, ignore_index=True).round(6)


def write_audit(path: str | Path, table: pd.DataFrame) -> None:
    """Write the table of an audit as Parquet, the same bytes for the same table."""
    with replacing(path) as temporary:
        table.to_parquet(temporary, index=False, compression="zstd")


def measure_weak_map(tally: Tally, pieces: pd.DataFrame, prevalence: float | None) -> WeakMapErrors:
    """Measure the errors of the weak map itself on the human labels that train, at pixels with a valid weak pixel."""
    pixels, hits = tally.weak_pixels, tally.eroded[:, :, 0]
    whole = np.where(find_omitted(hits[NONCROPLAND], pixels, pieces), pixels, 0)
    rates = estimate_rates(np.stack([hits, [whole, np.zeros_like(whole)]], axis=-1), pixels, pieces, prevalence)
    right = rates.purity.pick(CROPLAND, 0)
    return WeakMapErrors(
        omission_by_label=rates.contamination_by_label.pick(NONCROPLAND, 0),
        omission_by_pixel=rates.contamination_by_pixel.pick(NONCROPLAND, 0),
        omitted_whole=rates.contamination_by_label.pick(NONCROPLAND, 1),
        false_positive_rate=rates.contamination_by_label.pick(CROPLAND, 0),
        commission=Estimate(
            *(None if share is None else round(1 - share, 6) for share in (right.value, right.hi, right.lo))
        ),
    )


def find_omitted(hits: np.ndarray, pixels: np.ndarray, pieces: pd.DataFrame) -> np.ndarray:
    """Tell which pieces, bool (P,), belong to a label of which 80 % or more of the pixels are hit."""
    _, label = np.unique(pieces["label"].to_numpy(), return_inverse=True)
    hit, held = (np.bincount(label, weights=counts)[label] for counts in (hits, pixels))
    return (held > 0) & (hit >= WHOLE * held)


def correct_prevalence(prevalence: float | None, weak_map: WeakMapErrors) -> float | None:
    """Correct a map's share of cropland by its errors (Rogan and Gladen 1978); None where it can't be."""
    omission, wrong = weak_map.omission_by_label.value, weak_map.false_positive_rate.value
    if prevalence is None or omission is None or wrong is None or 1 - omission - wrong <= 0:
        return None
    return round(min(max((prevalence - wrong) / (1 - omission - wrong), 0.0), 1.0), 6)


def _audit_class(name: str, table: pd.DataFrame, rates: Rates, thresholds: Sequence[float]) -> ClassAudit:
    own, cls = table[table["class"] == name].reset_index(drop=True), CLASS_VALUES[name]
    mined = []
    for threshold in thresholds:
        setting = int(np.nanargmin(np.abs(own["threshold"].to_numpy() - threshold)))
        mined.append(
            MinedLabels(
                threshold=threshold,
                coverage=round_known(own["coverage"].iloc[setting]),
                purity=rates.purity.pick(cls, setting),
                contamination=rates.contamination_by_label.pick(cls, setting),
                eroded=compare_with_erosion(own, rates, cls, setting),
            )
        )
    return ClassAudit(rates.labels[cls], rates.blocks[cls], tuple(mined), judge_class(own))


def compare_with_erosion(own: pd.DataFrame, rates: Rates, cls: int, mined: int) -> ErodedLabels | None:
    """Compare mined labels with eroded ones that cover the same share of the land.

    own: rows of the table for the class, in the order of the settings of `rates`; mined: the setting. The eroded purity
    is interpolated between the two distances of the nearest coverage; the interval of the difference is paired by the
    draws of blocks. None where nothing is mined, or no distance covers as much, or as little.
    """
    eroded = np.flatnonzero(own["source"] == ERODED)
    coverage, at = own["coverage"].to_numpy()[eroded], own["coverage"].iloc[mined]
    if not (at > 0 and coverage.min() <= at <= coverage.max()):
        return None
    weights = np.array([np.interp(at, coverage[::-1], unit[::-1]) for unit in np.eye(len(coverage))])
    used, weights = eroded[weights > 0], weights[weights > 0]
    purity = float(rates.purity.value[cls, used] @ weights)
    draws = rates.purity_draws[cls]
    drawn = draws[:, mined] - draws[:, used] @ weights
    difference = round_known(rates.purity.value[cls, mined] - purity)
    known = difference is not None and np.isfinite(drawn).any()
    low, high = find_interval(drawn) if known else (math.nan, math.nan)
    return ErodedLabels(
        erode_m=round(float(own["erode_m"].to_numpy()[used] @ weights), 6),
        purity=round_known(purity),
        difference=Estimate(difference, round_known(low), round_known(high)),
    )


def judge_class(own: pd.DataFrame) -> Judgement:
    """Judge by the intervals of their purity whether mined labels of a class are worth training on.

    own: rows of the table for the class. The verdict is "yes" where at a threshold the lower bound of purity is at
    least 95 % and at most a tenth of the other class is covered; "common" where there is such a bound, but more of the
    other class is covered everywhere; "no" where no interval reaches 95 %; else "unsure", as without intervals. It is
    decided at the threshold with the most coverage; with the least contamination; with the highest purity; or, of those
    whose interval holds 95 %, where it needs to narrow least.
    """
    own = own[(own["source"] == MINED) & (own["coverage"] > 0) & own["purity"].notna()]
    pure = own[own["purity_lo"] >= PURE]
    clean = pure[pure["contamination_by_label"] <= TOLERATED]
    pure_at = tuple(pure["threshold"].tolist())
    if len(clean):
        return _decide("yes", pure_at, clean.iloc[clean["coverage"].argmax()])
    if len(pure):
        return _decide("common", pure_at, pure.iloc[pure["contamination_by_label"].argmin()])
    if own.empty:
        return Judgement("unsure", (), None, None, None, None)
    undecided = own[~(own["purity_hi"] < PURE)]
    if undecided.empty:
        return _decide("no", (), own.iloc[own["purity"].argmax()])
    factors = _count_times(undecided)
    likely = np.where(undecided["purity"] >= PURE, factors, np.nan)
    place = undecided["purity"].argmax() if np.isnan(likely).all() else np.nanargmin(likely)
    return _decide("unsure", (), undecided.iloc[place], float(factors[place]))


def _decide(verdict: Verdict, pure_at: tuple[float, ...], row: pd.Series, factor: float = math.nan) -> Judgement:
    """A judgement by a row of the table; factor: how many times as many blocks it needs."""
    blocks, labels = (
        max(math.ceil((factor - 1) * row[name]), 1) if factor <= LARGEST_FACTOR else None
        for name in ("other_blocks", "other_labels")
    )
    purity = Estimate(*(round_known(row[name]) for name in ("purity", "purity_lo", "purity_hi")))
    return Judgement(verdict, pure_at, float(row["threshold"]), purity, blocks, labels)


def _count_times(rows: pd.DataFrame) -> np.ndarray:
    """How many times as many blocks bring an end of an interval to 95 %: its width is proportional to 1 / √blocks."""
    above = rows["purity"] >= PURE
    reach = np.where(above, rows["purity"] - rows["purity_lo"], rows["purity_hi"] - rows["purity"])
    return (reach / np.maximum((rows["purity"] - PURE).abs().to_numpy(), 1e-9)) ** 2


def count_shared(labels: pd.DataFrame, path: str | Path) -> SharedLabels:
    """Count the human labels among the public ones that a weak map was trained on.

    labels: pieces of labels.parquet; path: a vector file of points or polygons in any CRS. A label is among them if a
    point is within a piece of it, or if it and a polygon share half of the smaller of the two or more. Raises
    CropmineError as vector files do.
    """
    public = _read_public(path)
    pieces = np.asarray(labels.geometry, dtype=object)
    tree = shapely.STRtree(public)
    own, other = tree.query(pieces, predicate="intersects")
    areas = shapely.area(public[other])
    common = shapely.area(shapely.intersection(pieces[own], public[other]))
    same = (areas == 0) | (common >= SUBSTANTIAL * np.minimum(areas, shapely.area(pieces[own])))
    names = labels["label"].to_numpy()
    return SharedLabels(len(np.unique(names[own[same]])), len(np.unique(names)))


def _read_public(path: str | Path) -> np.ndarray:
    """Valid geometries of a vector file in longitude and latitude."""
    frame = read_vector(path)
    parse_crs(path, frame.crs)
    geometries = np.asarray(frame.geometry.to_crs(CRS_LONLAT), dtype=object)
    return shapely.make_valid(geometries[~(shapely.is_missing(geometries) | shapely.is_empty(geometries))])
