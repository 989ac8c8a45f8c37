"""Registration in the workflow: jobs only where it is asked for, and nothing to do in a second run."""

import json
import re
import shutil
from pathlib import Path

import pytest
import rasterio

from workspace import Workspace, valley_config

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def mined(valley, tmp_path_factory) -> Workspace:
    """A region that is only mined, from a weak map as it is and from the same one registered."""
    folder = tmp_path_factory.mktemp("registered")
    shutil.copytree(valley, folder / "data", ignore=shutil.ignore_patterns("truth.tif"))
    config = valley_config(Path("data"))
    region = config["regions"]["valley"]
    del region["labels"]
    (plain,) = region["weak"].values()
    region["weak"] = {"paper": plain, "registered": plain | {"register": "auto"}}
    config["experiments"] = {
        name: {"mined": {"cropland": 0.8, "noncropland": 0.2}, "weak_map": name} for name in region["weak"]
    }
    made = Workspace(folder, config)
    made.first = made.succeed("mine")
    return made


def test_a_shift_is_measured_where_it_is_asked_for_and_kept_in_a_file_of_its_own(mined):
    outcome = mined.first
    assert outcome.jobs["measure_shift"] == 3
    assert outcome.jobs["register_weak"] == 1
    assert outcome.jobs["overlap_tile"] == 6
    assert not re.search(r"shifted.* paper", outcome.text)
    folder = mined.folder / "results/valley/registrations"
    (shift,) = folder.glob("*/registered.json")
    before = json.loads(shift.read_text())
    assert set(before) == {"east", "north"}
    assert mined.succeed("mine").idle


def test_a_changed_tile_is_measured_alone_and_an_unchanged_shift_leaves_the_others_as_they_are(mined, tmp_path):
    workspace = mined.copy_to(tmp_path / "here")
    (shift,) = workspace.folder.glob("results/valley/registrations/*/registered.json")
    before = shift.read_bytes()
    with rasterio.open(workspace.folder / "data/imagery/r0c1.tif", "r+") as image:
        pixels = image.read()
        pixels[:, 20:60, 20:60] = pixels[:, 20:60, 20:60][:, ::-1]
        image.write(pixels)
    outcome = workspace.succeed("mine")
    assert shift.read_bytes() == before
    assert outcome.jobs == {
        "check_region": 1,
        "segment_tile": 1,
        "measure_shift": 1,
        "register_weak": 1,
        "overlap_tile": 2,
        "mine_polygons": 2,
    }
