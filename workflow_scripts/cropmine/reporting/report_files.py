"""The files and settings that the report is built from. The Snakefile fills them in, so the imports are light."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

from cropmine.config.schema import Report
from cropmine.planning.plans import MinedPolygons


@dataclass(frozen=True)
class FigureFiles:
    """The table and the figure of a sweep or a transfer, which the report shows if they were made before.

    digest: of the table. The files aren't inputs of the rule, so the digest makes it run again when they change.
    """

    table: str
    figure: str
    digest: str


@dataclass(frozen=True)
class AuditFiles:
    """The files of the audit of a weak map with the segments of a segmentation."""

    segmentation: str
    weak: str
    table: str
    summary: str
    figure: str


@dataclass(frozen=True)
class ShiftFile:
    """The file that describes the shift of a weak map, as measured with the segments of a segmentation."""

    segmentation: str
    weak: str
    path: str


@dataclass(frozen=True)
class WeakFiles:
    """A weak map: its name, and the arguments of weak_maps.load_weak."""

    name: str
    settings: dict[str, Any]
    paths: list[str]
    registrations: list[str]


@dataclass(frozen=True)
class RegionFiles:
    """The files of a region that the report reads; None or empty where the region has no such file.

    images: by tile, one for each date; maps: in the order of the tiles; segments and overlaps: by tile that trains,
    from which labels are mined as `mined` says.
    """

    checks: str
    quicklooks: str
    images: dict[str, list[str]]
    experiments: str | None = None
    differences: str | None = None
    selected: str | None = None
    map_scores: str | None = None
    area: str | None = None
    accuracy: str | None = None
    labels: str | None = None
    splits: str | None = None
    truth_check: str | None = None
    distances: str | None = None
    maps: list[str] = field(default_factory=list)
    segments: dict[str, str] = field(default_factory=dict)
    overlaps: dict[str, str] = field(default_factory=dict)
    mined: MinedPolygons | None = None
    weak: WeakFiles | None = None
    audits: list[AuditFiles] = field(default_factory=list)
    shifts: list[ShiftFile] = field(default_factory=list)
    sweeps: dict[str, FigureFiles] = field(default_factory=dict)

    def list_inputs(self) -> Iterator[str]:
        """List the files that must be there before the report is built: all but those of sweeps."""
        yield from (self.checks, self.quicklooks)
        scores = (self.experiments, self.differences, self.selected, self.map_scores, self.truth_check, self.distances)
        others = (self.area, self.accuracy, self.labels, self.splits)
        yield from (path for path in (*scores, *others) if path)
        for images in self.images.values():
            yield from images
        yield from (*self.maps, *self.segments.values(), *self.overlaps.values())
        if self.weak:
            yield from (*self.weak.paths, *self.weak.registrations)
        for audit in self.audits:
            yield from (audit.table, audit.summary, audit.figure)
        yield from (shift.path for shift in self.shifts)


@dataclass(frozen=True)
class ReportRegion:
    """A region of the report: its name, definition of cropland, tiles and band names, and its files."""

    name: str
    definition: str | None
    tiles: list[str]
    bands: list[str]
    simulated: bool
    files: RegionFiles

    @property
    def last_images(self) -> list[str]:
        """The images of the last date, in the order of the tiles: later ones are drawn over earlier ones."""
        return [self.files.images[tile][-1] for tile in self.tiles]


@dataclass(frozen=True)
class ReportSettings:
    """The settings of the rule build_report.

    transfers: by name; run: the file that describes the run; shown: what may be seen of imagery and labels.
    """

    regions: list[ReportRegion]
    transfers: dict[str, FigureFiles] = field(default_factory=dict)
    run: str | None = None
    shown: Report = field(default_factory=Report)


_SETTINGS = TypeAdapter(ReportSettings)


def dump_settings(settings: ReportSettings) -> dict[str, Any]:
    """Give settings as plain values that can be written as JSON."""
    return _SETTINGS.dump_python(settings, mode="json")


def load_settings(text: str) -> ReportSettings:
    """Read settings from the JSON of what dump_settings gives. Raises ValueError if they are of another form."""
    return _SETTINGS.validate_json(text)
