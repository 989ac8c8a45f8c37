"""Registration in the workflow: jobs only where it is asked for, and an unchanged shift reruns nothing."""

import json
import re
import shutil
from pathlib import Path

import pytest
import rasterio

from workspace import Workspace, valley_config


@pytest.fixture
def workspace(valley, tmp_path) -> Workspace:
    """A region that is only mined, from a weak map as it lies and from the same one registered."""
    shutil.copytree(valley, tmp_path / "data", ignore=shutil.ignore_patterns("truth.tif"))
    config = valley_config(Path("data"))
    region = config["regions"]["valley"]
    del region["labels"]
    (plain,) = region["weak"].values()
    region["weak"] = {"paper": plain, "registered": plain | {"register": "auto"}}
    config["experiments"] = {
        name: {"mined": {"cropland": 0.8, "noncropland": 0.2}, "weak_map": name} for name in region["weak"]
    }
    return Workspace(tmp_path, config)


def test_a_shift_is_measured_where_it_is_asked_for_and_an_unchanged_one_makes_no_other_tile_stale(workspace):
    outcome = workspace.succeed("mine")
    assert outcome.jobs["measure_shift"] == 3
    assert outcome.jobs["register_weak"] == 1
    assert outcome.jobs["overlap_tile"] == 6
    assert not re.search(r"shifted.* paper", outcome.text)
    folder = workspace.folder / "results/valley/registrations"
    (shift,) = folder.glob("*/registered.json")
    before = json.loads(shift.read_text())
    assert set(before) == {"east", "north"}
    assert workspace.succeed("mine").idle

    with rasterio.open(workspace.folder / "data/imagery/r0c0.tif", "r+") as image:
        pixels = image.read()
        pixels[:, :2, :2] += 1
        image.write(pixels)
    outcome = workspace.succeed("mine")
    assert json.loads(shift.read_text()) == before
    assert outcome.jobs["measure_shift"] == outcome.jobs["register_weak"] == 1
    assert outcome.jobs["overlap_tile"] == outcome.jobs["mine_polygons"] == 2
    assert not re.search(r"(Segmenting|Overlapping|Drawing).* r0c1 ", outcome.text)
    assert workspace.succeed("mine").idle
