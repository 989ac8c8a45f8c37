"""The quick commands of the docs are run, and all targets of the longer ones are planned."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from workspace import ROOT, Workspace

SNAKEMAKE = re.compile(r"(?:^|`)snakemake ([^`#\n]+)", re.MULTILINE)


def make(*words: str) -> str:
    # The environment is what it is here, whatever the dates of its files say.
    command = ["make", "--no-print-directory", "--old-file=requirements.txt", "--old-file=.venv/.ready", *words]
    outer = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL"}  # the tests may themselves be run by make
    environment = {name: value for name, value in os.environ.items() if name not in outer}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture(scope="module")
def drafted(valley, tmp_path_factory) -> Path:
    """A configuration that make new-region wrote."""
    out = tmp_path_factory.mktemp("drafted") / "valley.yaml"
    files = f"IMAGERY={valley}/imagery", f"WEAK={valley}/weak.tif", f"LABELS={valley}/labels.gpkg"
    told = make("new-region", "NAME=valley", *files, f"OUT={out}", "DEFINITION=annual crops; no pasture")
    assert "which passes the check of inputs" in told
    return out


def test_a_drafted_configuration_is_planned_pruned_and_run(drafted, tmp_path):
    assert "train_model" in make("plan", f"CONFIG={drafted}")
    assert "The configuration names every output." in make("prune", f"CONFIG={drafted}")
    config = yaml.safe_load(drafted.read_text())
    assert config["regions"]["valley"]["labels"]["definition"] == "annual crops; no pasture"
    workspace = Workspace(tmp_path, config)
    assert workspace.succeed("mine").jobs["mine_polygons"] > 0


def test_make_tiles_cuts_a_mosaic(valley, tmp_path):
    told = make("tiles", f"MOSAIC={valley}/imagery/r0c0.tif", f"TILES={tmp_path}/tiles", "SIZE_PX=96")
    assert told == f"4 tiles in {tmp_path}/tiles. In a configuration: imagery: {tmp_path}/tiles/{{tile}}.tif\n"


def test_every_target_of_the_docs_is_planned(tmp_path):
    pages = "\n".join(page.read_text() for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
    known = re.compile(r"check|check_inputs|mine|train|map|report|sample|suggest|sweep_[a-z]+")
    targets = {word for words in SNAKEMAKE.findall(pages) for word in words.split() if known.fullmatch(word)}
    assert {"check", "mine", "map", "sample", "suggest", "sweep_thresholds"} <= targets
    workspace = Workspace(tmp_path, yaml.safe_load((ROOT / "config.yaml").read_text()))
    workspace.succeed("--dry-run", *sorted(targets))
