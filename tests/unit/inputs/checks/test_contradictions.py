"""Labels that claim the same ground for both classes, and machines too small for a run."""

import numpy as np
import shapely

from cropmine.inputs.checks.findings import Findings
from cropmine.inputs.checks.layers import check_contradictions, find_contradictions
from cropmine.inputs.checks.regions import check_capacity


def boxes(*lefts):
    return np.array([shapely.box(left, 0, left + 10, 10) for left in lefts], dtype=object)


def test_labels_of_both_classes_over_the_same_ground_are_named_by_their_rows():
    findings = Findings()
    check_contradictions(boxes(0, 5, 20), np.array([1, 0, 1]), np.array([4, 7, 9]), "r.labels.path", findings)
    (warning,) = findings.warnings
    assert "1 pairs of a cropland and another label lie over the same ground: rows 5 and 8" in warning


def test_a_common_border_and_an_overlap_of_one_class_are_no_contradiction():
    assert find_contradictions(boxes(0, 9.5), np.array([1, 0])) == []
    assert find_contradictions(boxes(0, 5), np.array([1, 1])) == []
    assert find_contradictions(boxes(0, 10), np.array([1, 0])) == []
    assert find_contradictions(boxes(), np.array([])) == []


def test_a_small_label_inside_a_large_one_of_the_other_class_is_a_contradiction():
    shapes = np.array([shapely.box(0, 0, 1000, 1000), shapely.box(5, 5, 15, 15)], dtype=object)
    assert find_contradictions(shapes, np.array([0, 1])) == [(1, 0)]


def test_a_run_that_no_disk_holds_and_a_tile_that_no_memory_holds_are_told(tmp_path):
    findings = Findings()
    check_capacity([10**15], 4, tmp_path, "regions.r", findings)
    disk, memory = findings.warnings
    assert "outputs will take about 4000000.0 GB" in disk
    assert "MB, and this machine has" in memory
    findings = Findings()
    check_capacity([10**4], 4, tmp_path, "regions.r", findings)
    assert findings.warnings == []
