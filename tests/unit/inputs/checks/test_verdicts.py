import json

import pytest

from cropmine.errors import CropmineError
from cropmine.inputs.checks.verdicts import read_verdict, write_verdict
from factories.verdicts import make_verdict


def test_a_verdict_is_read_back(tmp_path):
    verdict = make_verdict()
    write_verdict(tmp_path / "checks.json", verdict)
    assert read_verdict(tmp_path / "checks.json") == verdict
    assert json.loads((tmp_path / "checks.json").read_text())["locations"]["b"]["width"] == 90


def test_the_largest_tile_counts_for_memory():
    assert make_verdict().largest_px == 7000


def test_a_verdict_of_another_version_is_refused(tmp_path):
    (tmp_path / "checks.json").write_text('{"places": {}}')
    with pytest.raises(CropmineError, match="holds no verdict of this version"):
        read_verdict(tmp_path / "checks.json")
