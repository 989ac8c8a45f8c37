"""Which known failures the figures of a region show, and what the report says of them."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from cropmine.reporting.audit_section import DescribedAudit
from cropmine.reporting.comparison import Comparison
from cropmine.reporting.diagnosis import (
    Evidence,
    FewTestBlocks,
    MissingClass,
    OpenThreshold,
    Overfitting,
    diagnose_region,
)
from cropmine.reporting.sections import Distances, Registration, SplitRow, Splits
from cropmine.scoring.audit_summary import ErodedLabels, Estimate
from factories.audits import make_class, make_summary
from factories.reports import say

EXPERIMENT = {"trained": True, "human_fraction": 0.5, "model": "unet", "weak_classes": None, "mined_cropland": None}
EXPERIMENT |= {"mined_noncropland": None, "random": False, "erode_m": None, "weak_map": None}
EXPERIMENTS = {
    "human": {},
    "mined": {"mined_noncropland": 0.2, "weak_map": "global_map"},
    "raw": {"weak_classes": "cropland", "weak_map": "global_map"},
    "weak_only": {"trained": False, "human_fraction": 0, "model": "weak_map", "weak_map": "global_map"},
}
SHIFT = Registration("kmeans10", "global_map", -12.0, 9.0, True, None, -12.0, 9.0, 3.1, 1.2, 4)
NOT_SHOWN = "Mined labels aren\N{RIGHT SINGLE QUOTATION MARK}t shown to help here"


def make_difference(experiment, base, *figures):
    own = {"split": "test", "threshold_choice": "validation", "experiment": experiment, "base": base}
    return SimpleNamespace(**own, **dict(zip(("difference", "lo", "hi"), figures, strict=True)))


@pytest.fixture
def healthy():
    """Evidence of a region in which nothing is wrong: mining helps, and the map beats the weak map."""
    rows = [
        SimpleNamespace(**EXPERIMENT | {"experiment": name, "split": "test", "threshold_choice": "validation"} | own)
        for name, own in EXPERIMENTS.items()
    ]
    differences = [
        make_difference("mined", "human", 0.2, 0.1, 0.3),
        make_difference("raw", "human", 0.05, -0.1, 0.2),
        make_difference("weak_only", "mined", -0.3, -0.4, -0.2),
    ]
    comparison = Comparison(
        rows=rows,
        splits=["test"],
        charts=[],
        choice={"experiment": "mined", "threshold_range": [0.45, 0.6]},
        selected={"test": SimpleNamespace(blocks_cropland=12, blocks_noncropland=14)},
        base="human",
        differences=differences,
        difference_charts=[],
    )
    return Evidence(
        comparison=comparison,
        splits=Splits(False, tuple(SplitRow(name, 20, 9, 9) for name in ("train", "validation", "test"))),
        scores={split: {"f1_cropland": f1} for split, f1 in (("train", 0.8), ("validation", 0.75), ("test", 0.76))},
        distances=Distances(False, 0.5, None, {"50": 310.0}, {"50": 340.0}, None),
    )


def change(evidence, experiment, base, *figures, **sections):
    """The evidence with another difference between two experiments."""
    kept = [row for row in evidence.comparison.differences if {row.experiment, row.base} != {experiment, base}]
    differences = [*kept, make_difference(experiment, base, *figures)]
    return replace(evidence, comparison=replace(evidence.comparison, differences=differences), **sections)


def list_titles(evidence):
    return [say("findings.html.j2", "title", found) for found in diagnose_region(evidence)]


def describe(found):
    return say("findings.html.j2", "describe", found)


def test_a_healthy_region_has_no_finding(healthy):
    assert diagnose_region(healthy) == []


def test_a_region_without_labels_or_experiments_has_no_finding():
    assert diagnose_region(Evidence()) == []


def test_mined_labels_that_do_not_help_are_found_with_what_the_audit_shows_of_the_segments(healthy):
    eroded = ErodedLabels(34.4, 0.95, Estimate(-0.08, -0.12, -0.03))
    better = ErodedLabels(34.4, 0.9, Estimate(0.05, 0.01, 0.1))
    summary = make_summary(classes={"cropland": make_class(eroded=better), "noncropland": make_class(eroded=eroded)})
    audits = [DescribedAudit("kmeans10", "global_map", "data:,", summary)]
    (found,) = diagnose_region(change(healthy, "mined", "human", 0.01, -0.1, 0.12, audits=audits))
    text = describe(found)
    assert text.startswith(NOT_SHOWN)
    assert "mined +0.010 (95 % \N{MINUS SIGN}0.100 to +0.120) against human." in text
    assert "follow the fields well enough for non-cropland" in text
    assert "by 8 points of 100 (for cropland mining is better)." in text
    assert "What helps: Try other segments" in text


def test_mined_labels_that_do_not_help_for_no_known_reason_are_found_too(healthy):
    audits = [DescribedAudit("kmeans10", "global_map", "data:,", make_summary())]
    (found,) = diagnose_region(change(healthy, "mined", "human", 0.01, -0.1, 0.12, audits=audits))
    assert found.reasons == () and "The audit of mined labels shows no reason." in describe(found)


def test_mined_labels_that_all_lower_the_score_are_called_so(healthy):
    changed = change(healthy, "mined", "human", -0.2, -0.3, -0.1)
    assert list_titles(changed) == ["Mined labels lower the score here"]


def test_the_best_difference_of_mined_labels_is_one_that_is_surely_a_gain(healthy):
    assert healthy.comparison.mining.value == 0.2
    more = SimpleNamespace(**vars(healthy.comparison.rows[1]) | {"experiment": "mined_both"})
    differences = [*healthy.comparison.differences, make_difference("mined_both", "human", 0.4, -0.1, 0.9)]
    changed = replace(healthy.comparison, rows=[*healthy.comparison.rows, more], differences=differences)
    assert changed.mining.experiment == "mined"
    assert replace(changed, differences=differences[1:]).mining.experiment == "mined_both"
    assert replace(changed, differences=[]).mining is None


def test_fields_that_the_weak_map_omits_entirely_explain_mining_too(healthy):
    classes = {"cropland": make_class("no"), "noncropland": make_class()}
    summary = make_summary(omitted_whole=Estimate(0.34, None, None), classes=classes)
    audits = [DescribedAudit("slic", "global_map", "data:,", summary)]
    (found,) = diagnose_region(change(healthy, "mined", "human", 0.01, -0.1, 0.12, audits=audits))
    assert "global_map misses 34 % of the cropland labels entirely" in describe(found)
    assert "At no threshold are mined labels of cropland from global_map 95 % pure." in describe(found)


def test_raw_weak_labels_that_lower_the_score_are_found_with_the_metres_of_misalignment(healthy):
    changed = change(healthy, "raw", "human", -0.2, -0.3, -0.1)
    assert "measured, or not with certainty." in describe(diagnose_region(changed)[0])
    first, second = diagnose_region(replace(changed, registrations=[SHIFT]))
    assert describe(first).startswith(
        "Raw weak labels lower the score F1 of cropland on test labels: raw \N{MINUS SIGN}0.200"
    )
    assert (
        "misaligned by 15 m: segments fit it best when it is moved 12 m to the west and 9 m to the north."
        in describe(first)
    )
    assert describe(second).startswith(
        "The weak map global_map was misaligned The weak map global_map is misaligned by"
    )


def test_a_shift_that_is_not_applied_is_no_finding(healthy):
    shift = replace(SHIFT, east=0.0, north=0.0, applied=False)
    changed = change(healthy, "raw", "human", -0.2, -0.3, -0.1, registrations=[shift])
    (found,) = diagnose_region(changed)
    assert "not with certainty" in describe(found)


def test_a_map_that_does_not_beat_the_weak_map_is_found_whichever_way_round_they_were_compared(healthy):
    expected = ["The map isn\N{RIGHT SINGLE QUOTATION MARK}t shown to be better than the weak map"]
    assert list_titles(change(healthy, "weak_only", "mined", -0.1, -0.2, 0.05)) == expected
    (found,) = diagnose_region(change(healthy, "mined", "weak_only", 0.1, -0.05, 0.2))
    assert "mined +0.100 (95 % \N{MINUS SIGN}0.050 to +0.200) against weak_only." in describe(found)
    assert list_titles(change(healthy, "weak_only", "mined", 0.1, 0.05, 0.2)) == ["The weak map itself is better"]


def test_training_labels_that_are_fitted_far_better_than_others_are_overfitting(healthy):
    changed = replace(healthy, scores=healthy.scores | {"train": {"f1_cropland": 0.95}})
    (found,) = diagnose_region(changed)
    assert found == Overfitting(0.95, 0.75, 0.76)
    assert (
        "is overfitted" in describe(found) and "0.950" in describe(found) and "0.750 on validation" in describe(found)
    )
    assert diagnose_region(replace(changed, scores=changed.scores | {"validation": None})) == []


def test_a_class_without_labels_is_found_by_split(healthy):
    rows = (*healthy.splits.rows[:2], SplitRow("test", 20, 9, 0))
    changed = replace(healthy, splits=Splits(False, rows))
    assert diagnose_region(changed) == [MissingClass(("non-cropland",), "test", False)]
    assert list_titles(changed) == ["No non-cropland label in the test blocks"]
    folded = replace(healthy, splits=Splits(True, (SplitRow("2", 20, 0, 0),)))
    (found,) = diagnose_region(folded)
    assert describe(found).startswith("No cropland and no non-cropland label in fold 2 Fold 2 contains no label of")


def test_too_few_test_blocks_an_open_threshold_and_near_test_labels_are_found(healthy):
    comparison = replace(
        healthy.comparison,
        selected={"test": SimpleNamespace(blocks_cropland=4, blocks_noncropland=14)},
        choice={"experiment": "mined", "threshold_range": [0.2, 0.9]},
    )
    area = {"by_threshold": [{"threshold": 0.2, "cropland_ha": 900}, {"threshold": 0.9, "cropland_ha": 100}]}
    distances = Distances(True, 0.5, None, {"50": 300.0}, {"50": 9040.0}, None)
    changed = replace(healthy, comparison=comparison, area=area, distances=distances)
    few, threshold, near = diagnose_region(changed)
    assert few == FewTestBlocks(4, 14) and "4 blocks, other land in 14. With fewer than 10" in describe(few)
    assert threshold == OpenThreshold(0.2, 0.9, 900, 100)
    assert "from 0.2 to 0.9. Over that range, the cropland of the map changes from 100 to 900 ha." in describe(
        threshold
    )
    assert "Half of the test labels are within 300 m of a training label" in describe(near)
    assert "too optimistic for the map (the criterion: a median under 0.5 times" in describe(near)
    unknown = OpenThreshold(0.2, 0.9, None, None)
    assert diagnose_region(replace(changed, area=None))[1] == unknown and "Over that range" not in describe(unknown)
