import copy

import pytest

from cropmine.reporting.audit_section import DescribedAudit
from cropmine.reporting.diagnosis import diagnose_region, explain_mining
from cropmine.scoring.audit_summary import ErodedLabels, Estimate
from factories.audits import make_class, make_summary

EXPERIMENT = {"trained": True, "human_fraction": 0.5, "model": "unet", "weak_classes": None, "mined_cropland": None}
EXPERIMENT |= {"mined_noncropland": None, "random": False, "erode_m": None, "weak_map": None}
EXPERIMENTS = {
    "human": {},
    "mined": {"mined_noncropland": 0.2, "weak_map": "global_map"},
    "raw": {"weak_classes": "cropland", "weak_map": "global_map"},
    "weak_only": {"trained": False, "human_fraction": 0, "model": "weak_map", "weak_map": "global_map"},
}


def make_difference(experiment, base, difference, lo, hi):
    own = {"split": "test", "threshold_choice": "validation", "difference": difference, "lo": lo, "hi": hi}
    return own | {"experiment": experiment, "base": base}


@pytest.fixture
def healthy():
    """A region in which nothing is wrong: mining helps, and the map beats the weak one."""
    rows = [
        EXPERIMENT | {"experiment": name, "split": "test", "threshold_choice": "validation"} | own
        for name, own in EXPERIMENTS.items()
    ]
    differences = [
        make_difference("mined", "human", 0.2, 0.1, 0.3),
        make_difference("raw", "human", 0.05, -0.1, 0.2),
        make_difference("weak_only", "mined", -0.3, -0.4, -0.2),
    ]
    choice = {"experiment": "mined", "threshold_range": [0.45, 0.6]}
    chosen = {"test": {"blocks_cropland": 12, "blocks_noncropland": 14}}
    comparison = {"rows": rows, "differences": differences, "choice": choice, "chosen": chosen}
    split = {"blocks": 20, "labels_cropland": 9, "labels_noncropland": 9}
    scores = {split: {"f1_cropland": f1} for split, f1 in (("train", 0.8), ("validation", 0.75), ("test", 0.76))}
    return {
        "comparison": comparison,
        "splits": {"folded": False, "rows": [{"name": name} | split for name in ("train", "validation", "test")]},
        "map_scores": scores,
        "audits": [],
        "registrations": [],
        "distances": {"optimistic": False},
        "area": None,
    }


def change(described, experiment, base, *figures):
    """The region with another difference between two experiments."""
    changed = copy.deepcopy(described)
    rows = changed["comparison"]["differences"]
    rows[:] = [row for row in rows if {row["experiment"], row["base"]} != {experiment, base}]
    rows.append(make_difference(experiment, base, *figures))
    return changed


def tell(described):
    return [found["title"] for found in diagnose_region(described)]


def test_a_healthy_region_has_no_finding(healthy):
    assert tell(healthy) == []


def test_a_region_without_labels_or_experiments_has_no_finding(healthy):
    nothing = dict.fromkeys(("comparison", "splits", "map_scores", "distances", "area"))
    assert tell(healthy | nothing) == []


def test_mined_labels_that_do_not_help_are_told_with_what_the_audit_says_of_the_segments(healthy):
    changed = change(healthy, "mined", "human", 0.01, -0.1, 0.12)
    eroded = ErodedLabels(34.4, 0.95, Estimate(-0.08, -0.12, -0.03))
    summary = make_summary(classes={"cropland": make_class(), "noncropland": make_class(eroded=eroded)})
    changed["audits"] = [DescribedAudit("kmeans10", "global_map", "data:,", summary)]
    (found,) = diagnose_region(changed)
    assert found["title"] == "Mined labels aren't shown to help here"
    assert "mined +0.010" in found["text"] and "against human" in found["text"]
    assert "Segments don't follow the fields well enough for non-cropland" in found["text"]
    assert "by 8 points of 100" in found["text"]


def test_whether_mined_labels_help_is_said_in_a_sentence(healthy):
    helped = explain_mining(healthy["comparison"]).replace("\N{NO-BREAK SPACE}", " ")
    assert helped.startswith("Yes: mined +0.200 (95 % +0.100 to +0.300) against human")
    unsure = explain_mining(change(healthy, "mined", "human", 0.01, -0.1, 0.12)["comparison"])
    assert unsure.startswith("That isn't shown: at best mined +0.010")
    assert explain_mining(None) is None


def test_mined_labels_that_all_hurt_are_called_so(healthy):
    assert tell(change(healthy, "mined", "human", -0.2, -0.3, -0.1)) == ["Mined labels hurt here"]


def test_fields_that_the_weak_map_omits_whole_explain_mining_too(healthy):
    changed = change(healthy, "mined", "human", 0.01, -0.1, 0.12)
    classes = {"cropland": make_class("no"), "noncropland": make_class()}
    summary = make_summary(omitted_whole=Estimate(0.34, None, None), classes=classes)
    changed["audits"] = [DescribedAudit("slic", "global_map", "data:,", summary)]
    text = diagnose_region(changed)[0]["text"].replace("\N{NO-BREAK SPACE}", " ")
    assert "global_map misses 34 % of the cropland labels entirely" in text
    assert "At no threshold are mined labels of cropland" in text


def test_raw_weak_labels_that_hurt_are_told_with_the_metres_of_misalignment(healthy):
    changed = change(healthy, "raw", "human", -0.2, -0.3, -0.1)
    assert "wasn't measured" in diagnose_region(changed)[0]["text"]
    shift = {"weak": "global_map", "segmentation": "kmeans10", "east": -12.0, "north": 9.0, "applied": True}
    changed["registrations"] = [shift]
    first, second = diagnose_region(changed)
    text = first["text"].replace("\N{NO-BREAK SPACE}", " ")
    assert first["title"] == "Raw weak labels hurt"
    assert "misaligned by 15 m" in text and "12 m to the west and 9 m to the north" in text
    assert second["title"] == "The weak map global_map was misaligned"


def test_a_shift_that_is_not_believed_is_not_told(healthy):
    shift = {"weak": "global_map", "segmentation": "kmeans10", "east": 0.0, "north": 0.0, "applied": False}
    changed = change(healthy, "raw", "human", -0.2, -0.3, -0.1) | {"registrations": [shift]}
    (found,) = diagnose_region(changed)
    assert "not surely" in found["text"]


def test_a_map_that_does_not_beat_the_weak_map_is_told_whichever_way_round_they_were_compared(healthy):
    expected = ["The map isn't shown to be better than the weak map"]
    assert tell(change(healthy, "weak_only", "mined", -0.1, -0.2, 0.05)) == expected
    assert tell(change(healthy, "mined", "weak_only", 0.1, -0.05, 0.2)) == expected
    assert tell(change(healthy, "mined", "weak_only", -0.1, -0.2, -0.05)) == ["The weak map itself is better"]


def test_training_labels_that_are_fitted_far_better_than_others_are_overfitting(healthy):
    changed = copy.deepcopy(healthy)
    changed["map_scores"]["train"]["f1_cropland"] = 0.95
    (found,) = diagnose_region(changed)
    assert "(overfitting)" in found["title"] and "0.950" in found["text"] and "0.750 on validation" in found["text"]
    changed["map_scores"]["validation"] = None
    assert tell(changed) == []


def test_a_class_without_support_is_told_by_split(healthy):
    changed = copy.deepcopy(healthy)
    changed["splits"]["rows"][2]["labels_noncropland"] = 0
    assert tell(changed) == ["A class without support: no non-cropland label tests"]
    changed["splits"]["folded"] = True
    assert "fold test" in diagnose_region(changed)[0]["text"]


def test_too_few_test_blocks_an_open_threshold_and_near_test_labels_are_told(healthy):
    changed = copy.deepcopy(healthy)
    changed["comparison"]["chosen"]["test"]["blocks_cropland"] = 4
    changed["comparison"]["choice"]["threshold_range"] = [0.2, 0.9]
    changed["area"] = {"by_threshold": [{"threshold": 0.2, "cropland_ha": 900}, {"threshold": 0.9, "cropland_ha": 100}]}
    changed["distances"] = {"optimistic": True, "sentence": "They lie near."}
    few, threshold, near = diagnose_region(changed)
    assert "4 blocks" in few["text"] and "from 100 to 900 ha" in threshold["text"] and near["text"] == "They lie near."
