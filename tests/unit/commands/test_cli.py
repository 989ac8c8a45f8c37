"""The command `cropmine`: what its subcommands print, and what bad input gives."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
import yaml
from click.testing import CliRunner
from rasterio.transform import from_origin

from cropmine.commands.cli import cropmine
from cropmine.config.validation import validate_config
from factories.runs import keep_two_runs
from workspace import valley_config


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the command in an empty folder: its exit code and all that it prints."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        done = CliRunner().invoke(cropmine, list(map(str, words)), prog_name="cropmine")
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
        return done.exit_code, done.output

    return call


def write_config(**changes):
    """Write config.yaml of the small region with one tile in the working directory."""
    config = valley_config(Path.cwd())
    config["regions"]["valley"] |= {"tiles": ["a"]} | changes
    Path("config.yaml").write_text(yaml.safe_dump(config))


@pytest.mark.parametrize("command", sorted(cropmine.commands))
def test_every_command_explains_itself_with_an_example(run, command):
    code, text = run(command, "--help")
    assert code == 0
    assert f"Usage: cropmine {command}" in text
    assert f"  Example:\n      cropmine {command} " in text


def test_the_command_alone_lists_its_commands(run):
    _, text = run("--help")
    assert all(command in text for command in ("new-region", "check", "plan", "tiles", "prune", "compare"))
    assert run("--version") == (0, "cropmine, version 0.1.0\n")


def test_help_and_completion_import_nothing_heavy():
    code = "import sys; from cropmine.commands import cli; print({'numpy', 'rasterio', 'torch'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


def test_the_shell_completes_commands():
    words = {"_CROPMINE_COMPLETE": "bash_complete", "COMP_WORDS": "cropmine p", "COMP_CWORD": "1"}
    code = "from cropmine.commands.cli import cropmine; cropmine(prog_name='cropmine')"
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | words, capture_output=True, text=True)
    assert done.stdout.split() == ["plain,plan", "plain,prune"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["plan", "--core", "3"], "No such option"),
        (["check", "--core", "3", "config.yaml"], "No such option '--core'. Did you mean '--cores'?"),
        (["new-region", "valley"], "Missing option '--imagery'"),
        (
            ["new-region", "a/b", "--imagery", "imagery"],
            "'a/b' isn't a name. Hint: use letters, digits",
        ),
        (["new-region", "valley", "--imagery", "nowhere"], "nowhere"),
        (["plan", "confg.yaml"], "confg.yaml: no such file. Hint: did you mean 'config.yaml'?"),
        (["plan", "folder"], "folder: a folder. Hint: name a YAML file"),
        (["prune", "folder"], "folder: a folder. Hint: name a YAML file"),
        (["tiles", "none.tif", "tiles"], "none.tif: no such file"),
        (["tiles", "none.tif", "tiles", "--size", "huge"], "'huge' is not a valid integer"),
        (["compare", "before"], "Missing argument 'SECOND'"),
        (["compare", "before", "after"], "no run is kept whose name begins with 'before'"),
        (["mine"], "No such command 'mine'"),
    ],
)
def test_bad_input_gives_usage_one_line_and_exit_code_2(run, words, said):
    write_config()
    Path("folder").mkdir()
    code, text = run(*words)
    assert code == 2
    assert text.startswith("Usage: cropmine ")
    (line,) = (line for line in text.splitlines() if line.startswith("Error: "))
    assert said in line
    assert "Traceback" not in text


def test_a_configuration_is_drafted_once_from_paths_with_spaces(run, valley, tmp_path):
    folder = tmp_path / "my files"
    folder.symlink_to(valley)
    files = "--imagery", folder / "imagery", "--weak", folder / "weak.tif", "--labels", folder / "labels.gpkg"
    code, text = run("new-region", "valley", *files, "--definition", "maize, beans; no pasture")
    assert code == 0
    assert "Written to valley.yaml, which passes the check of inputs." in text
    config = validate_config(yaml.safe_load(Path("valley.yaml").read_text()))
    assert config.regions["valley"].labels.definition == "maize, beans; no pasture"
    code, text = run("new-region", "valley", *files)
    assert code == 2
    assert "valley.yaml: there is such a file already. Hint: remove it, or name another with --out." in text


def test_what_a_draft_leaves_to_its_user_is_printed(run, valley):
    code, text = run("new-region", "v", "--imagery", valley / "imagery", "--labels", valley / "labels.gpkg")
    assert code == 0
    assert "Check: say in labels.definition" in text


def test_a_class_with_a_comma_and_several_label_files_can_be_given(run, valley, tmp_path):
    import geopandas

    labels = geopandas.read_file(valley / "labels.gpkg")
    labels["k"] = labels["class"].map({"cropland": "maize, beans", "other": "B", "unsure": "C"})
    for part in (0, 1):
        labels.drop(columns="class").iloc[part::2].to_file(tmp_path / f"part {part}.gpkg")
    files = "--imagery", valley / "imagery", "--labels", "part 0.gpkg", "--labels", "part 1.gpkg"
    classes = "--class-field", "k", "--cropland", "maize, beans", "--noncropland", "B"
    assert run("new-region", "valley", *files, *classes)[0] == 0
    drafted = yaml.safe_load(Path("valley.yaml").read_text())["regions"]["valley"]["labels"]
    assert drafted["cropland"] == ["maize, beans"] and drafted["ignore"] == ["C"]
    assert drafted["path"] == ["part 0.gpkg", "part 1.gpkg"]


def test_cut_tiles_are_counted_with_the_pattern_to_configure(run):
    values = np.random.default_rng(0).integers(1, 9000, (2, 70, 100)).astype("uint16")
    values[:, :48, :48] = 0
    shape = {"driver": "GTiff", "width": 100, "height": 70, "count": 2, "dtype": "uint16", "nodata": 0}
    with rasterio.open("mosaic.tif", "w", **shape, crs="EPSG:32637", transform=from_origin(4e5, 1e5, 5, 5)) as dataset:
        dataset.write(values)
    said = "5 tiles in tiles; 1 more hold no valid pixel. In a configuration: imagery: tiles/{tile}.tif\n"
    assert run("tiles", "mosaic.tif", "tiles", "--size", 48) == (0, said)


def test_the_plan_lists_regions_and_transfers(run, tmp_path):
    write_config(tiles=["a", "b"])
    config = yaml.safe_load(Path("config.yaml").read_text())
    config["regions"]["hills"] = config["regions"]["valley"]
    config["transfers"] = {"over": {"sources": ["valley"], "targets": ["hills"]}}
    Path("mine.yaml").write_text(yaml.safe_dump(config))
    code, text = run("plan", "mine.yaml")
    assert code == 0
    assert "transfer      transfer_over" in text
    assert "hills         experiments           train_model" in text


def test_files_are_listed_before_they_are_removed(run):
    write_config()
    kept, old = (Path(f"results/valley/segments/kmeans6/{tile}.tif") for tile in "ab")
    kept.parent.mkdir(parents=True)
    for path in (kept, old):
        path.touch()
    code, text = run("prune")
    assert code == 0 and old.exists()
    assert "valley/segments" in text and "Nothing is removed yet. Add --remove to remove them." in text
    assert "1 files removed." in run("prune", "config.yaml", "--remove")[1]
    assert kept.exists() and not old.exists()
    assert run("prune") == (0, "The configuration names every output.\n")


def test_nothing_is_removed_during_a_run(run):
    write_config()
    Path(".snakemake/locks").mkdir(parents=True)
    Path(".snakemake/locks/0.input.lock").touch()
    code, text = run("prune", "--remove")
    assert code == 2 and "a run is under way here" in text


def test_a_comparison_of_kept_runs_says_where_it_is(run, tmp_path):
    folder, first, second = keep_two_runs(tmp_path)
    Path("results").symlink_to(folder)
    said = f"results/comparisons/{first.name}_{second.name}/summary.md\n"
    assert run("compare", "before", "after") == (0, said)


def test_a_check_outside_the_workflow_says_where_to_call_it(run):
    write_config()
    code, text = run("check")
    assert code == 2 and "call it in the folder of cropmine's workflow" in text
