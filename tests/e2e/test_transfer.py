"""A transfer between two tiny made-up regions, through the real Snakefile. It tests the code and says nothing more."""

import json

import pandas as pd
import pytest

from workspace import TINY_MODEL, Workspace

pytestmark = pytest.mark.slow


def make_region(name, seed):
    inputs = f"results/{name}/inputs"
    return {
        "simulate": {"seed": seed, "rows": 1, "columns": 1, "tile_px": 320, "label_sites": 40},
        "imagery": f"{inputs}/imagery/{{tile}}.tif",
        "bands": ["blue", "green", "red", "nir"],
        "mask": {"path": f"{inputs}/masks/{{tile}}.tif", "bad": [1]},
        "weak": {"global_map": {"path": f"{inputs}/weak.tif", "cropland": [1]}},
        "labels": {
            "path": f"{inputs}/labels.gpkg",
            "class_field": "class",
            "cropland": ["cropland"],
            "noncropland": ["other"],
            "ignore": ["unsure"],
            "definition": "fields of annual crops",
        },
        "split": {"method": "holdout", "block_m": 250, "buffer_m": 20, "train": 0.5, "validation": 0.25, "test": 0.25},
    }


@pytest.fixture(scope="module")
def glens(tmp_path_factory):
    """A finished transfer from one region to another."""
    config = {
        "regions": {"glen": make_region("glen", 3), "dale": make_region("dale", 4)},
        "segmentations": {"kmeans6": {"clusters": 6}},
        "models": {"tiny": TINY_MODEL},
        "transfers": {"over": {"sources": ["glen"], "targets": ["dale"], "human": 0.5}},
        "training": {"cpu_threads": 1},
    }
    workspace = Workspace(tmp_path_factory.mktemp("glens"), config)
    workspace.first = workspace.succeed("transfer_over")
    return workspace


def read_table(workspace):
    return pd.read_csv(workspace.folder / "results/transfer/over.csv")


def test_one_command_trains_what_no_region_has_and_scores_all_on_the_same_test_blocks(glens):
    jobs = glens.first.jobs
    assert (jobs["train_model"], jobs["train_transfer"], jobs["score_transfer"], jobs["score_model"]) == (2, 2, 3, 1)
    table = read_table(glens)
    assert list(table["row"].unique()) == ["human_source", "human_source_mined_target", "mined_target", "human_target"]
    assert table["support_cropland"].nunique() == table["support_noncropland"].nunique() == 1
    assert (table["support_cropland"] > 0).all()
    assert (glens.folder / "results/transfer/figures/over.png").stat().st_size > 10_000


def test_a_second_run_has_nothing_to_do(glens):
    assert glens.succeed("transfer_over").idle


def test_the_report_shows_the_transfer_and_counts_its_look_at_the_test_labels(glens):
    glens.config["experiments"] = {}
    outcome = glens.succeed()
    assert outcome.jobs["train_transfer"] == outcome.jobs["train_model"] == 0
    page = (glens.folder / "results/report.html").read_text()
    assert "Transfer between regions" in page
    assert "human labels of glen + mined labels of dale" in page
    run = json.loads((glens.folder / "results/run.json").read_text())
    assert run["regions"]["dale"]["test_scorings"] == 4
    assert run["regions"]["glen"]["test_scorings"] == 0


def test_the_sources_statistics_may_normalise_the_target_and_going_back_reruns_no_training(glens):
    before = read_table(glens)
    glens.config["transfers"]["over"]["normalise"] = "source"
    jobs = glens.succeed("transfer_over").jobs
    assert (jobs["train_model"], jobs["train_transfer"], jobs["score_transfer"]) == (0, 1, 2)
    assert (read_table(glens)["normalise"] == "source").all()
    del glens.config["transfers"]["over"]["normalise"]
    jobs = glens.succeed("transfer_over").jobs
    assert set(jobs) == {"compare_transfer", "draw_transfer"}
    pd.testing.assert_frame_equal(read_table(glens), before)


def test_regions_that_overlap_are_refused(glens):
    glens.config["regions"]["twin"] = make_region("twin", 3)
    glens.config["transfers"]["self"] = {"sources": ["glen"], "targets": ["twin"], "human": 0.5}
    outcome = glens.run("transfer_self")
    assert outcome.code != 0
    assert "training labels of the source are in held-out blocks of the target" in outcome.text
    assert "Hint: transfer between regions that don't overlap" in outcome.text
