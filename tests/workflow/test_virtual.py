"""Imagery and weak maps may lie where only GDAL can read them, such as in an archive."""

import zipfile

import pytest

from workspace import Workspace, valley_config

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def workspace(valley, tmp_path_factory) -> Workspace:
    """Two regions of the same files, one on disk, one in an archive; without labels, so that they are mined only."""
    folder = tmp_path_factory.mktemp("virtual")
    with zipfile.ZipFile(folder / "quads.zip", "w") as archive:
        for path in [*valley.glob("imagery/*.tif"), *valley.glob("masks/*.tif"), valley / "weak.tif"]:
            archive.write(path, path.relative_to(valley))
    config = valley_config(valley)
    disk = config["regions"].pop("valley")
    del disk["labels"], disk["split"]
    disk["tiles"] = ["r0c0"]
    inside = f"/vsizip/{folder}/quads.zip"
    packed = disk | {"imagery": f"{inside}/imagery/{{tile}}.tif"}
    packed["mask"] = {"path": f"{inside}/masks/{{tile}}.tif", "bad": [1]}
    packed["weak"] = {"global_map": disk["weak"]["global_map"] | {"path": f"{inside}/weak.tif"}}
    config["regions"] = {"disk": disk, "packed": packed}
    return Workspace(folder, config)


def test_a_region_in_an_archive_is_mined_as_one_on_disk(workspace):
    assert workspace.succeed("mine").jobs["wrap_source"] == 3
    for kind in ("segments", "overlaps", "mined"):
        results = workspace.folder / "results"
        made = sorted(path.relative_to(results / "disk") for path in (results / "disk" / kind).rglob("r0c0.*"))
        assert made
        for path in made:
            assert (results / "packed" / path).read_bytes() == (results / "disk" / path).read_bytes()
    assert workspace.succeed("mine").idle


def test_the_check_of_the_inputs_is_a_target_by_its_own_name(workspace):
    (workspace.folder / "results/disk/checks.json").unlink(missing_ok=True)
    assert workspace.succeed("check_inputs").jobs == {"check_region": 1}
    assert workspace.succeed("check_inputs").idle


def test_an_archive_isnt_searched_for_tiles(workspace):
    del workspace.config["regions"]["packed"]["tiles"]
    outcome = workspace.run("--dry-run")
    assert outcome.code != 0
    assert "Hint: name them in `tiles`: archives and buckets aren't searched" in outcome.text
