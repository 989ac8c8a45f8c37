"""The Snakefile is light to parse and says what is wrong with a configuration before anything runs."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from workspace import ROOT, Workspace, valley_config

HEAVY = ("numpy", "rasterio", "geopandas", "pandas", "torch", "sklearn", "scipy", "shapely", "matplotlib", "pyarrow")


@pytest.fixture(scope="module")
def workspace(valley, tmp_path_factory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("parsing"), valley_config(valley))


def modules_loaded(folder: Path) -> set[str]:
    """The modules in memory after Snakemake has planned a run there."""
    code = (
        "import sys\nfrom snakemake.cli import main\n"
        "try:\n    main(['--cores', '1', '--dry-run', '--quiet', 'all'])\nexcept SystemExit:\n    pass\n"
        "print('MODULES', ' '.join(sorted({name.split('.')[0] for name in sys.modules})))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    return set(done.stdout.split("MODULES")[1].split())


def test_parsing_loads_nothing_heavy(workspace, tmp_path):
    workspace.run("--dry-run")
    (tmp_path / "Snakefile").write_text("rule all:\n    output: 'x'\n    shell: 'touch x'\n")
    assert not (modules_loaded(workspace.folder) - modules_loaded(tmp_path)) & set(HEAVY)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("regions", "valley", "labls"), {}, "regions.valley.labls: unknown key 'labls'. Hint: did you mean 'labels'?"),
        (("regions", "valley", "imagery"), "nowhere/{tile}.tif", "no file matches nowhere/{tile}.tif"),
        (("experiments", "half_human", "human"), 2, "experiments.half_human.human"),
        (("experiments", "half_human", "model"), "unet", "'unet' isn't a model. Hint: known: tiny, weak_map"),
    ],
)
def test_a_faulty_configuration_is_told_without_a_traceback(workspace, path, value, message):
    good = yaml.safe_dump(workspace.config)
    place = workspace.config
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    outcome = workspace.run("--dry-run")
    workspace.config = yaml.safe_load(good)
    assert outcome.code != 0
    assert message in outcome.text
    assert "Traceback" not in outcome.text


@pytest.mark.slow
def test_the_default_configuration_and_that_of_the_reproduction_are_valid(workspace):
    for name in ("config.yaml", "configs/reproduce.yaml"):
        (workspace.folder / "trial.yaml").write_text((ROOT / name).read_text())
        outcome = workspace.run("--dry-run", "--configfile", "trial.yaml")
        assert outcome.code == 0, outcome.text[-3000:]


def test_a_configfile_of_the_users_replaces_the_default_one(workspace):
    raw = yaml.safe_dump(workspace.config)
    (workspace.folder / "mine.yaml").write_text(raw)
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--dry-run", "--configfile", "mine.yaml"]
    (workspace.folder / "config.yaml").write_text((ROOT / "config.yaml").read_text())
    done = subprocess.run(command, cwd=workspace.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "highlands" not in done.stderr + done.stdout
