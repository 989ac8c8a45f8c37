"""The report: what was mapped, how well it agrees with labels, and what may be concluded, in one HTML file."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pandas as pd

from cropmine.config.schema import Report
from cropmine.files import write_text
from cropmine.geo.grids import read_grid
from cropmine.inputs.checks.verdicts import read_verdict
from cropmine.inputs.label_pieces import read_pieces
from cropmine.mapping.colours import CROPLAND_COLOUR, NONCROPLAND_COLOUR, SPLIT_COLOURS
from cropmine.reporting.audit_section import ComparedMaps, compare_weak_maps, describe_audits
from cropmine.reporting.charts.style import embed_picture
from cropmine.reporting.comparison import describe_comparison, list_rows
from cropmine.reporting.diagnosis import Evidence, Finding, diagnose_region
from cropmine.reporting.pictures import EMPTY_COLOUR
from cropmine.reporting.report_files import ReportRegion, ReportSettings
from cropmine.reporting.sections import (
    Accuracy,
    Calibration,
    RunSummary,
    Threshold,
    describe_accuracy,
    describe_calibration,
    describe_distances,
    describe_registration,
    describe_splits,
    describe_threshold,
    summarise_run,
)
from cropmine.reporting.sweep_section import Sweep, Transfer, describe_sweep, describe_transfer
from cropmine.reporting.views import DrawnView, choose_views, draw_overview, draw_view
from cropmine.reporting.web_map import LIBRARY_VERSION, WebMap, describe_webmap, embed_library
from cropmine.reporting.wording import TEMPLATES, Row, make_environment
from cropmine.tables import read_json
from cropmine.version import VERSION

SCRIPTS = ("report.js", "webmap.js")


@dataclass(frozen=True, kw_only=True)
class DescribedRegion(Evidence):
    """A region as the template shows it; a section is None or empty where the region lacks its files.

    tiles: how many; suspicious: names of tiles that look suspicious, with quicklooks of them; truth: rows of
    truth_check.csv; overview: a still picture of the map, where `webmap` is interactive; test_scorings: how often the
    test labels were scored. Pictures are data URIs.
    """

    name: str
    definition: str | None
    tiles: int
    simulated: bool
    warnings: list[str]
    suspicious: list[str]
    quicklooks: str | None
    calibration: Calibration | None
    accuracy: list[Accuracy]
    threshold: Threshold | None
    truth: list[Row]
    sweeps: list[Sweep]
    compared_audits: list[ComparedMaps]
    webmap: WebMap | None
    overview: str | None
    views: list[DrawnView]
    test_scorings: int | None

    @property
    def diagnosis(self) -> list[Finding]:
        """The known failures that the figures show."""
        return diagnose_region(self)

    @property
    def picture_kinds(self) -> set[str]:
        """The kinds of pictures that the views have."""
        return {picture.kind for view in self.views for picture in view.pictures}


def build_report(path: str | Path, settings: ReportSettings) -> None:
    """Write the report as one HTML file that needs no network.

    A section is left out where there are no files for it. All text that comes from data is escaped.
    """
    run = read_json(settings.run) if settings.run else {}
    known = run.get("regions", {})
    regions = [
        describe_region(region, settings.shown, known.get(region.name, {}).get("test_scorings"))
        for region in settings.regions
    ]
    transfers = [describe_transfer(name, files) for name, files in settings.transfers.items()]
    write_text(path, render_report(regions, transfers, summarise_run(run), settings.shown))


def render_report(
    regions: Sequence[DescribedRegion], transfers: Sequence[Transfer], run: RunSummary | None, shown: Report
) -> str:
    """Render the HTML of regions, transfers and the run."""
    colours = {"cropland": CROPLAND_COLOUR, "noncropland": NONCROPLAND_COLOUR, "empty": EMPTY_COLOUR} | SPLIT_COLOURS
    library = embed_library()
    scripts = [library["script"], *((TEMPLATES / name).read_text(encoding="utf-8") for name in SCRIPTS)]
    if not any(region.webmap for region in regions):
        library["style"], scripts = "", scripts[1:2]
    return (
        make_environment()
        .get_template("report.html.j2")
        .render(
            regions=regions,
            transfers=transfers,
            run=run,
            shown=shown,
            colours=colours,
            version=VERSION,
            library=library | {"version": LIBRARY_VERSION},
            scripts=scripts,
            hashes=" ".join(map(hash_script, scripts)),
        )
    )


def hash_script(script: str) -> str:
    """Give the hash by which a page's content security policy allows an inline script, and no other."""
    return f"'sha256-{base64.b64encode(sha256(script.encode()).digest()).decode()}'"


def describe_region(region: ReportRegion, shown: Report, test_scorings: int | None = None) -> DescribedRegion:
    """Describe a region from its files: tables as rows, charts and pictures as data URIs."""
    files = region.files
    checks = read_verdict(files.checks)
    area, scores = (read_json(path) if path else None for path in (files.area, files.map_scores))
    audits = describe_audits(files.audits)
    labels = read_pieces(files.labels) if files.labels and shown.labels == "shown" else None
    grids = {tile: read_grid(files.images[tile][0]) for tile in region.tiles}
    views = choose_views(grids, labels)
    drawn = [draw_view(view, region, labels, shown.imagery) for view in views]
    return DescribedRegion(
        name=region.name,
        definition=region.definition,
        tiles=len(region.tiles),
        simulated=region.simulated,
        warnings=checks.warnings,
        suspicious=list(checks.suspicious),
        quicklooks=embed_picture(files.quicklooks) if checks.suspicious and shown.imagery != "none" else None,
        comparison=describe_comparison(files),
        splits=describe_splits(files.splits) if files.splits else None,
        area=area,
        scores=scores,
        calibration=describe_calibration(scores),
        accuracy=describe_accuracy(files.accuracy),
        threshold=describe_threshold(read_json(files.selected), area) if files.selected and area else None,
        truth=list_rows(pd.read_csv(files.truth_check)) if files.truth_check else [],
        distances=describe_distances(files.distances) if files.distances else None,
        sweeps=[describe_sweep(name, own) for name, own in files.sweeps.items()],
        audits=audits,
        compared_audits=compare_weak_maps(files.audits, audits),
        registrations=[describe_registration(file) for file in files.shifts],
        webmap=describe_webmap(region, grids, views, labels, shown.imagery),
        overview=draw_overview(files.maps, views) if files.maps else None,
        views=[view for view in drawn if view.pictures],
        test_scorings=test_scorings,
    )
