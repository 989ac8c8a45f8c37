"""The quick commands of the docs are run, and all targets of the longer ones are planned."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from cropmine.commands.cli import cropmine as command
from workspace import ROOT, Workspace

SNAKEMAKE = re.compile(r"(?:^|`)snakemake ([^`#\n]+)", re.MULTILINE)


def cropmine(*words: str) -> str:
    """Run the command in the folder of the workflow."""
    command = [sys.executable, "-c", "from cropmine.commands.cli import cropmine; cropmine()", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def drafted(valley, tmp_path_factory) -> Path:
    """A configuration that cropmine new-region wrote."""
    out = tmp_path_factory.mktemp("drafted") / "valley.yaml"
    files = "--imagery", f"{valley}/imagery", "--weak", f"{valley}/weak.tif", "--labels", f"{valley}/labels.gpkg"
    said = cropmine("new-region", "valley", *files, "--out", str(out), "--definition", "annual crops; no pasture")
    assert "which passes the check of inputs" in said
    return out


@pytest.mark.slow
def test_a_drafted_configuration_is_planned_pruned_checked_and_run(drafted, tmp_path, monkeypatch):
    assert "train_model" in cropmine("plan", str(drafted))
    assert "The configuration names every output." in cropmine("prune", str(drafted))
    config = yaml.safe_load(drafted.read_text())
    assert config["regions"]["valley"]["labels"]["definition"] == "annual crops; no pasture"
    workspace = Workspace(tmp_path, config)
    workspace.write_config()
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(command, ["check"])
    assert done.exit_code == 0 and (tmp_path / "results/valley/checks.json").exists()
    assert workspace.succeed("mine").jobs["mine_polygons"] > 0


def test_every_target_of_the_docs_is_planned(tmp_path):
    pages = "\n".join(page.read_text() for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
    known = re.compile(r"check|check_inputs|mine|train|map|report|sample|suggest|sweep_[a-z]+")
    targets = {word for words in SNAKEMAKE.findall(pages) for word in words.split() if known.fullmatch(word)}
    assert {"check", "mine", "map", "sample", "suggest", "sweep_thresholds"} <= targets
    workspace = Workspace(tmp_path, yaml.safe_load((ROOT / "config.yaml").read_text()))
    workspace.succeed("--dry-run", *sorted(targets))
