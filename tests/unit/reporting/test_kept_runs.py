"""Runs that are kept under their names."""

import numpy as np
import pytest

from cropmine.errors import CropmineError
from cropmine.reporting.kept_runs import find_run, keep_run
from factories.runs import GRID, keep_two_runs, write_results


@pytest.fixture
def kept(tmp_path):
    return keep_two_runs(tmp_path)


def test_a_run_is_kept_under_its_name_and_never_overwritten(kept, tmp_path):
    folder, first, second = kept
    assert first.name.startswith("before-") and second.name.startswith("after-")
    assert keep_run(folder, "after", ["valley"]) == second
    before = {path.name: path.read_bytes() for path in second.rglob("*") if path.is_file()}
    write_results(folder, np.zeros(GRID.shape, np.uint8), {"map": {"run": "after"}, "seeds": [0, 1]})
    third = keep_run(folder, "after", ["valley"])
    assert third != second and third.name.startswith("after-")
    assert {path.name: path.read_bytes() for path in second.rglob("*") if path.is_file()} == before


def test_a_run_is_found_by_how_its_name_begins_and_else_the_names_are_told(kept):
    folder, first, second = kept
    assert find_run(folder, "bef") == first and find_run(folder, second.name) == second
    with pytest.raises(CropmineError, match=f"kept are: {second.name}, {first.name}"):
        find_run(folder, "other")
    with pytest.raises(CropmineError, match="2 kept runs begin with ''"):
        find_run(folder, "")
