"""The report's section on audits: the summary and figure of each, and weak maps compared at equal coverage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cropmine.reporting.charts.style import embed_picture
from cropmine.reporting.report_files import AuditFiles
from cropmine.scoring.audit_rates import round_known
from cropmine.scoring.audit_summary import ERODED, MINED, AuditSummary, Estimate, read_summary


@dataclass(frozen=True)
class DescribedAudit:
    """An audit as the report shows it; `picture` is the figure as a data URI."""

    segmentation: str
    weak: str
    picture: str
    summary: AuditSummary


@dataclass(frozen=True)
class Purity:
    """Purity of the labels of a weak map, mined or eroded, with its interval."""

    weak: str
    source: str
    purity: Estimate


@dataclass(frozen=True)
class ComparedMaps:
    """Labels of a class (`name`) from several weak maps over one segmentation, at equal coverage."""

    segmentation: str
    name: str
    coverage: float
    rows: tuple[Purity, ...]


def describe_audits(files: Sequence[AuditFiles]) -> list[DescribedAudit]:
    """Describe audits by their summaries and figures."""
    return [
        DescribedAudit(own.segmentation, own.weak, embed_picture(own.figure), read_summary(own.summary))
        for own in files
    ]


def compare_weak_maps(files: Sequence[AuditFiles], audits: Sequence[DescribedAudit]) -> list[ComparedMaps]:
    """Compare the weak maps of each segmentation that several audits share.

    files: of the audits, in the same order.
    """
    compared = []
    for segmentation in dict.fromkeys(audit.segmentation for audit in audits):
        own = [audit for audit in audits if audit.segmentation == segmentation]
        if len(own) > 1:
            tables = {file.weak: pd.read_parquet(file.table) for file in files if file.segmentation == segmentation}
            thresholds = {name: audit.thresholds for name, audit in own[0].summary.classes.items()}
            compared += compare_audits(segmentation, tables, thresholds)
    return compared


def compare_audits(
    segmentation: str, tables: Mapping[str, pd.DataFrame], thresholds: Mapping[str, Sequence[float]]
) -> list[ComparedMaps]:
    """Compare the purity of mined and eroded labels by weak map, at the coverage of the first map's mined labels.

    tables: of audits over the same segments and labels, by weak map; thresholds: of the first map, by class. Purity is
    interpolated between the settings of the nearest coverage, and unknown where no setting of a map covers as much, or
    as little.
    """
    first = next(iter(tables.values()))
    found = []
    for name, own in thresholds.items():
        mined = _select(first, name, MINED)
        for threshold in own:
            coverage = float(mined["coverage"].iloc[(mined["threshold"] - threshold).abs().argmin()])
            rows = [
                Purity(weak, source, _interpolate(_select(table, name, source), coverage))
                for weak, table in tables.items()
                for source in (MINED, ERODED)
            ]
            found.append(ComparedMaps(segmentation, name, coverage, tuple(rows)))
    return found


def _select(table: pd.DataFrame, name: str, source: str) -> pd.DataFrame:
    return table[(table["class"] == name) & (table["source"] == source)]


def _interpolate(curve: pd.DataFrame, coverage: float) -> Estimate:
    curve = curve[curve["coverage"] > 0].sort_values("coverage", kind="stable")
    x = curve["coverage"].to_numpy()
    if not len(x) or not x[0] <= coverage <= x[-1]:
        return Estimate(None, None, None)
    columns = ("purity", "purity_lo", "purity_hi")
    return Estimate(*(round_known(np.interp(coverage, x, curve[name].to_numpy(float))) for name in columns))
