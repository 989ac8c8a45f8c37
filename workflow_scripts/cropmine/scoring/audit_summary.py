"""The summary of an audit: how wrong a weak map is, and whether labels mined from it are worth training on."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from cropmine.scoring.metrics import LEAST_BLOCKS
from cropmine.tables import read_json, write_json

MINED, ERODED = "mined", "eroded"  # sources of weak labels in the table of an audit
PURE = 0.95
MANY_OMITTED = 0.10
Verdict = Literal["yes", "common", "no", "unsure"]


@dataclass(frozen=True)
class Estimate:
    """A share and the ends of its 95 % interval, None where they are unknown."""

    value: float | None
    lo: float | None
    hi: float | None


@dataclass(frozen=True)
class WeakMapErrors:
    """Errors of a weak map itself on the human labels that train.

    omission_by_label and omission_by_pixel: share of human cropland that the map calls non-cropland, each label or each
    pixel counted once; omitted_whole: share of the cropland labels of which it omits 80 % or more; false_positive_rate:
    share of human non-cropland that it calls cropland; commission: share of its cropland that is wrong.
    """

    omission_by_label: Estimate
    omission_by_pixel: Estimate
    omitted_whole: Estimate
    false_positive_rate: Estimate
    commission: Estimate


@dataclass(frozen=True)
class ErodedLabels:
    """Weak labels without segments, eroded until they cover as much land as mined labels.

    erode_m and purity are interpolated between two distances; difference: purity of the mined labels less theirs.
    """

    erode_m: float
    purity: float | None
    difference: Estimate


@dataclass(frozen=True)
class MinedLabels:
    """Labels of a class that are mined at a threshold.

    coverage: share of the land that may train; contamination: share of the other class's human labels that they cover,
    each label counted once; eroded: what erosion gives at that coverage, None where no distance gives it.
    """

    threshold: float
    coverage: float | None
    purity: Estimate
    contamination: Estimate
    eroded: ErodedLabels | None


@dataclass(frozen=True)
class Judgement:
    """Whether mined labels of a class are worth training on.

    verdict: "yes", "no", "common" where they are pure only because the class is common, or "unsure"; pure_at: the
    thresholds at which the lower bound of purity is 95 % or more; threshold and purity: where the verdict is decided;
    more_blocks and more_labels: about how many of the other class an unsure verdict needs, None if it isn't unsure or
    needs over ten times as many as there are.
    """

    verdict: Verdict
    pure_at: tuple[float, ...]
    threshold: float | None
    purity: Estimate | None
    more_blocks: int | None
    more_labels: int | None


@dataclass(frozen=True)
class ClassAudit:
    """Audit of one class: its human labels, the blocks with them, and mined labels at the experiments' thresholds."""

    labels: int
    blocks: int
    mined: tuple[MinedLabels, ...]
    judgement: Judgement

    @property
    def thresholds(self) -> list[float]:
        """The thresholds of the experiments."""
        return [labels.threshold for labels in self.mined]


@dataclass(frozen=True)
class SharedLabels:
    """How many of the human labels are among those that the weak map was trained on."""

    shared: int
    labels: int


@dataclass(frozen=True)
class AuditSummary:
    """Summary of an audit of one weak map over one segmentation.

    tiles: training tiles; tiles_with_labels: those with human labels that train, which rates and coverage rest on;
    kfold: whether labels of all folds are used; prevalence: share of cropland that purity assumes, None if unknown;
    prevalence_assumed: whether it is the weak map's own share; prevalence_corrected: that share corrected by the map's
    errors, else None; open_ha: land that may train on tiles with labels; segmented_ha: segments on all training tiles;
    weak_pixel_m: side of a pixel of the weak map, None of polygons; classes: by name of the class.
    """

    tiles: int
    tiles_with_labels: int
    kfold: bool
    prevalence: float | None
    prevalence_assumed: bool
    prevalence_corrected: float | None
    open_ha: float
    segmented_ha: float
    weak_pixel_m: float | None
    weak_map: WeakMapErrors
    classes: dict[str, ClassAudit]
    shared_labels: SharedLabels | None

    @property
    def unlabelled(self) -> list[str]:
        """The classes without a human label on the audited tiles, which leaves purity unknown."""
        return [name for name, audit in self.classes.items() if not audit.labels]

    @property
    def lacking_blocks(self) -> dict[str, int]:
        """How many more blocks an interval needs at least, by each class that has too few."""
        lacking = {name: LEAST_BLOCKS - audit.blocks for name, audit in self.classes.items()}
        return {name: count for name, count in lacking.items() if count > 0}

    @property
    def omits_whole_labels(self) -> bool:
        """Whether the weak map omits whole cropland labels, not only edges: 10 % or more, of ten labels or more."""
        share = self.weak_map.omitted_whole.value
        return share is not None and share >= MANY_OMITTED and self.classes["cropland"].labels >= LEAST_BLOCKS


def write_summary(path: str | Path, summary: AuditSummary) -> None:
    """Write the summary of an audit as JSON."""
    write_json(path, asdict(summary))


def read_summary(path: str | Path) -> AuditSummary:
    """Read the summary of an audit. Raises OSError or ValueError if the file isn't one."""
    return TypeAdapter(AuditSummary).validate_python(read_json(path))
