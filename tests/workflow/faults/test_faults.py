"""Nothing is lost when a run is killed, its disk is full or its folder can't be written; `make faults` tries more."""

import os
import random
import shutil
import subprocess

import pytest

from workflow.faults.campaign import (
    GROUP,
    JOB,
    TARGETS,
    campaign_config,
    disturb,
    finish_run,
    list_differences,
    run_undisturbed,
)
from workspace import Workspace

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def undisturbed(valley, tmp_path_factory):
    return run_undisturbed(tmp_path_factory.mktemp("faults"), valley)


@pytest.mark.parametrize(
    ("phase", "share", "what"), [("mining", 0.55, GROUP), ("mining", 0.8, JOB), ("training", 0.5, GROUP)]
)
def test_a_killed_run_goes_on_to_the_same_outputs(undisturbed, tmp_path, phase, share, what):
    found = disturb(tmp_path / "here", undisturbed[phase], TARGETS[phase], share, what, random.Random(0))
    assert found == {"killed": True, "partial": [], "different": []}


@pytest.fixture
def small_disk(valley, tmp_path):
    """A workspace whose results lie on a file system of its own."""
    workspace = Workspace(tmp_path / "here", campaign_config(valley))
    results = workspace.folder / "results"
    results.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(results)]
    if not shutil.which("mount") or os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small file system")
    yield workspace
    subprocess.run(["umount", str(results)], check=True)


def remount(workspace: Workspace, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", str(workspace.folder / "results")], check=True)


@pytest.mark.parametrize(
    ("fault", "mended", "told"),
    [("size=200k", "size=200m", "No space left"), ("ro,size=200m", "rw", "Read-only file system")],
)
def test_a_full_disk_and_a_read_only_folder_are_told_and_do_no_harm(small_disk, undisturbed, fault, mended, told):
    remount(small_disk, fault)
    outcome = small_disk.run("mine")
    assert outcome.code != 0
    assert told in outcome.text
    assert list_differences(small_disk.folder, undisturbed["mining"], whole=False) == []
    remount(small_disk, mended)
    finish_run(small_disk.folder, "mine")
    assert list_differences(small_disk.folder, undisturbed["mining"], whole=True) == []
