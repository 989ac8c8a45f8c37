"""Diagnosis of a region: known failures that its figures show. Their text is in templates/findings.html.j2."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from cropmine.classes import CLASS_WORDS
from cropmine.reporting.audit_section import DescribedAudit
from cropmine.reporting.comparison import Comparison, Difference
from cropmine.reporting.sections import Distances, Registration, Splits
from cropmine.scoring.audit_summary import AuditSummary
from cropmine.scoring.metrics import LEAST_BLOCKS

OVERFIT_GAP = 0.15  # in F1 of cropland between training and validation labels, from which on a model is overfitted
WIDE_RANGE = 0.4  # of the threshold, that validation labels leave open


@dataclass(frozen=True)
class Evidence:
    """The figures of a region that a diagnosis uses; None or empty where the region has none.

    scores: scores of the map by split (scores/map.json); area: hectares of the map (map/area.json).
    """

    comparison: Comparison | None = None
    splits: Splits | None = None
    scores: Mapping[str, Any] | None = None
    area: Mapping[str, Any] | None = None
    distances: Distances | None = None
    audits: Sequence[DescribedAudit] = ()
    registrations: Sequence[Registration] = ()


@dataclass(frozen=True)
class MissingClass:
    """A split, or a fold, without any label of some classes (in words)."""

    kind: ClassVar[str] = "missing_class"
    classes: tuple[str, ...]
    split: str
    folded: bool


@dataclass(frozen=True)
class FewTestBlocks:
    """Too few test blocks of a class for an interval."""

    kind: ClassVar[str] = "few_test_blocks"
    cropland: int
    noncropland: int


@dataclass(frozen=True)
class HarmfulWeakLabels:
    """Raw weak labels lower the score, by the differences; `shifts` are measured shifts of their weak maps."""

    kind: ClassVar[str] = "harmful_weak_labels"
    differences: tuple[Difference, ...]
    shifts: tuple[Registration, ...]


@dataclass(frozen=True)
class UselessMining:
    """Mined labels aren't shown to help, by the differences, for the reasons that audits show."""

    kind: ClassVar[str] = "useless_mining"
    differences: tuple[Difference, ...]
    reasons: tuple["MiningFault", ...]

    @property
    def is_harmful(self) -> bool:
        """Whether all of the differences are losses."""
        return all(difference.is_loss for difference in self.differences)


@dataclass(frozen=True)
class MiningFault:
    """A reason why labels mined from a weak map may not help.

    erosion_better: eroded labels of these classes are purer than mined ones, by the points; mining_better: classes for
    which it is the other way round; omitted: share of the cropland labels that the weak map misses entirely; impure:
    classes whose mined labels are pure at no threshold. Classes are in words.
    """

    weak: str
    erosion_better: tuple[tuple[str, float], ...] = ()
    mining_better: tuple[str, ...] = ()
    omitted: float | None = None
    impure: tuple[str, ...] = ()


@dataclass(frozen=True)
class UnbeatenWeakMap:
    """The map isn't shown to be better than the weak map, by the difference of the two."""

    kind: ClassVar[str] = "unbeaten_weak_map"
    difference: Difference


@dataclass(frozen=True)
class OpenThreshold:
    """Validation labels leave a wide range of thresholds; most_ha and least_ha are mapped at its low and high end."""

    kind: ClassVar[str] = "open_threshold"
    low: float
    high: float
    most_ha: float | None
    least_ha: float | None


@dataclass(frozen=True)
class Overfitting:
    """The map's F1 of cropland is far higher on training labels than on validation labels."""

    kind: ClassVar[str] = "overfitting"
    train: float
    validation: float
    test: float | None


@dataclass(frozen=True)
class Misalignment:
    """A weak map was misaligned, and was moved."""

    kind: ClassVar[str] = "misalignment"
    shift: Registration


@dataclass(frozen=True)
class OptimisticScores:
    """Test labels are much nearer to training labels than the map is."""

    kind: ClassVar[str] = "optimistic_scores"
    distances: Distances


Finding = (
    MissingClass
    | FewTestBlocks
    | HarmfulWeakLabels
    | UselessMining
    | UnbeatenWeakMap
    | OpenThreshold
    | Overfitting
    | Misalignment
    | OptimisticScores
)


def diagnose_region(evidence: Evidence) -> list[Finding]:
    """Diagnose a region from its figures: the known failures that they show, the most serious first."""
    comparison = evidence.comparison
    found: list[Finding] = [*_find_missing_classes(evidence.splits), *_find_few_blocks(comparison)]
    if comparison:
        found += _find_harmful_weak_labels(comparison, evidence.registrations)
        found += _find_useless_mining(comparison, evidence.audits)
        found += _find_unbeaten_weak_map(comparison)
        found += _find_open_threshold(comparison.choice, evidence.area)
    found += _find_overfitting(evidence.scores)
    found += [Misalignment(shift) for shift in evidence.registrations if shift.applied]
    if evidence.distances and evidence.distances.optimistic:
        found.append(OptimisticScores(evidence.distances))
    return found


def _find_missing_classes(splits: Splits | None) -> Iterator[Finding]:
    if splits is None:
        return
    for row in splits.rows:
        labels = {CLASS_WORDS["cropland"]: row.labels_cropland, CLASS_WORDS["noncropland"]: row.labels_noncropland}
        lacking = tuple(words for words, count in labels.items() if not count)
        if lacking:
            yield MissingClass(lacking, row.name, splits.folded)


def _find_few_blocks(comparison: Comparison | None) -> Iterator[Finding]:
    row = comparison.selected.get("test") if comparison else None
    if row and 0 < min(row.blocks_cropland, row.blocks_noncropland) < LEAST_BLOCKS:
        yield FewTestBlocks(row.blocks_cropland, row.blocks_noncropland)


def _find_harmful_weak_labels(comparison: Comparison, registrations: Sequence[Registration]) -> Iterator[Finding]:
    raw = [(row, own) for row, own in comparison.compare_additions() if row.weak_classes and not row.erode_m]
    harmful = [(row.weak_map, own) for row, own in raw if own.is_loss]
    if harmful:
        maps = {weak for weak, _ in harmful}
        shifts = tuple(shift for shift in registrations if shift.weak in maps and shift.applied and shift.length_m)
        yield HarmfulWeakLabels(tuple(own for _, own in harmful), shifts)


def _find_useless_mining(comparison: Comparison, audits: Sequence[DescribedAudit]) -> Iterator[Finding]:
    differences = comparison.compare_mining()
    if differences and not any(difference.is_gain for difference in differences):
        faults = [_find_mining_fault(audit.weak, audit.summary) for audit in audits]
        yield UselessMining(tuple(differences), tuple(dict.fromkeys(filter(None, faults))))


def _find_mining_fault(weak: str, summary: AuditSummary) -> MiningFault | None:
    """Why mining may not help, as far as an audit shows it."""
    erosion_better, mining_better = [], []
    for name, audit in summary.classes.items():
        for eroded in (mined.eroded for mined in audit.mined if mined.eroded):
            value, low, high = eroded.difference.value, eroded.difference.lo, eroded.difference.hi
            if value is not None and high is not None and high < 0:
                erosion_better.append((CLASS_WORDS[name], -100 * value))
            if low is not None and low > 0:
                mining_better.append(CLASS_WORDS[name])
    omitted = summary.weak_map.omitted_whole.value if summary.omits_whole_labels else None
    impure = tuple(CLASS_WORDS[name] for name, audit in summary.classes.items() if audit.judgement.verdict == "no")
    if not (erosion_better or omitted or impure):
        return None
    return MiningFault(weak, tuple(erosion_better), tuple(mining_better), omitted, impure)


def _find_unbeaten_weak_map(comparison: Comparison) -> Iterator[Finding]:
    for row in comparison.test_rows:
        if not row.trained:
            difference = comparison.find_difference(comparison.choice["experiment"], row.experiment)
            if difference and difference.lo is not None and not difference.is_gain:
                yield UnbeatenWeakMap(difference)


def _find_open_threshold(choice: Mapping[str, Any], area: Mapping[str, Any] | None) -> Iterator[Finding]:
    reach = choice.get("threshold_range")
    if reach and reach[1] - reach[0] >= WIDE_RANGE:
        mapped = {row["threshold"]: row["cropland_ha"] for row in (area or {}).get("by_threshold") or []}
        most, least = (mapped.get(end) for end in reach) if all(end in mapped for end in reach) else (None, None)
        yield OpenThreshold(reach[0], reach[1], most, least)


def _find_overfitting(scores: Mapping[str, Any] | None) -> Iterator[Finding]:
    rows = {split: (scores or {}).get(split) for split in ("train", "validation", "test")}
    f1 = {split: row["f1_cropland"] for split, row in rows.items() if row and row["f1_cropland"] is not None}
    if "train" in f1 and "validation" in f1 and f1["train"] - f1["validation"] >= OVERFIT_GAP:
        yield Overfitting(f1["train"], f1["validation"], f1.get("test"))
