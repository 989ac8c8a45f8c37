"""Edits and the exact jobs that they make stale, by real runs to the end."""

import re
import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio

from workspace import Workspace, valley_config

pytestmark = pytest.mark.slow

# Whether the map is made anew hangs on what was selected.
MAPPING = {"map_tile", "build_mosaic", "score_map", "describe_run", "build_report"}
MAPPING |= {"choose_model", "deliver_map", "draw_project", "write_card", "export_weights", "keep_run"}


@pytest.fixture(scope="module")
def workspace(valley, tmp_path_factory) -> Workspace:
    """A finished run on two tiles of a user's region."""
    folder = tmp_path_factory.mktemp("staleness")
    shutil.copytree(valley, folder / "data", ignore=shutil.ignore_patterns("truth.tif"))
    made = Workspace(folder, valley_config(Path("data")))
    for kind in ("imagery", "masks"):
        (folder / "spare" / kind).mkdir(parents=True)
        (folder / "data" / kind / "r0c2.tif").rename(folder / "spare" / kind / "r0c2.tif")
    made.succeed()
    assert made.succeed().idle
    return made


def jobs_after(workspace: Workspace) -> dict[str, int]:
    """The jobs of the next run, the mapping ones left out; a run after it has nothing to do."""
    jobs = workspace.succeed().jobs
    assert workspace.succeed().idle
    return {rule: count for rule, count in jobs.items() if rule not in MAPPING}


def test_new_imagery_of_a_tile_reruns_that_tile_and_what_the_models_make(workspace):
    path = workspace.folder / "data/imagery/r0c0.tif"
    with rasterio.open(path, "r+") as image:
        image.write(np.roll(image.read(), 3, axis=1))
    outcome = workspace.succeed()
    mining = {rule: n for rule, n in outcome.jobs.items() if rule not in MAPPING}
    assert mining == {
        "check_region": 1,
        "segment_tile": 1,
        "overlap_tile": 1,
        "mine_polygons": 1,
        "mask_tile": 1,
        "burn_target": 2,
        "audit_labels": 1,
        "draw_audit": 1,
        "measure_distances": 1,
        "train_model": 2,
        "score_model": 2,
        "compare_experiments": 1,
    }
    assert not re.search(r"(Segmenting|Overlapping|Marking|Burning|Drawing).* r0c1 ", outcome.text)
    assert outcome.jobs["build_report"] == 1
    assert workspace.succeed().idle


def test_a_new_threshold_reruns_only_its_own_targets_and_going_back_reruns_nothing_of_them(workspace):
    mined = workspace.config["experiments"]["half_human_mined_neg"]["mined"]
    mined["noncropland"] = 0.3
    assert jobs_after(workspace) == {
        "burn_target": 2,
        "mine_polygons": 2,
        "audit_labels": 1,
        "draw_audit": 1,
        "train_model": 1,
        "score_model": 1,
        "compare_experiments": 1,
    }
    mined["noncropland"] = 0.2
    assert jobs_after(workspace) == {"compare_experiments": 1, "audit_labels": 1, "draw_audit": 1}


def test_another_number_of_clusters_segments_anew(workspace):
    workspace.config["segmentations"]["kmeans6"]["clusters"] = 7
    assert jobs_after(workspace) == {
        "segment_tile": 2,
        "overlap_tile": 2,
        "mine_polygons": 2,
        "audit_labels": 1,
        "draw_audit": 1,
        "burn_target": 2,
        "train_model": 1,
        "score_model": 1,
        "compare_experiments": 1,
    }


def test_a_comment_and_a_touched_script_rerun_nothing(workspace):
    library = workspace.folder / "workflow_scripts/cropmine/mining/segments.py"
    library.write_text(library.read_text() + "\n# a remark\n")
    for script in (workspace.folder / "workflow_scripts").glob("*.py"):
        script.touch()
    assert workspace.succeed().idle


def test_an_edit_of_an_algorithm_reruns_the_rules_that_import_it(workspace):
    library = workspace.folder / "workflow_scripts/cropmine/mining/mined_polygons.py"
    library.write_text(library.read_text() + "\nREVISION = 2\n")
    jobs = jobs_after(workspace)
    assert jobs == {"mine_polygons": 2}


@pytest.mark.parametrize(("method", "idle"), [("slic", True), ("kmeans", False)])
def test_an_edit_of_a_method_makes_stale_only_what_is_segmented_by_it(workspace, method, idle):
    library = workspace.folder / f"workflow_scripts/cropmine/mining/methods/{method}.py"
    text = library.read_text()
    library.write_text(text + "\nREVISION = 2\n")
    outcome = workspace.run("--dry-run")
    library.write_text(text)
    assert outcome.idle == idle
    assert bool(re.search(r"Segmenting", outcome.text)) != idle


def test_what_the_report_shows_reruns_the_report_alone(workspace):
    workspace.config["report"] = {"imagery": "none", "labels": "hidden"}
    assert workspace.succeed().jobs == {"build_report": 1}
    del workspace.config["report"]
    assert workspace.succeed().jobs == {"build_report": 1}


def test_another_loss_trains_anew_on_the_same_targets(workspace):
    workspace.config["models"]["tiny"]["class_weights"] = "balanced"
    assert jobs_after(workspace) == {"train_model": 2, "score_model": 2, "compare_experiments": 1}


def test_a_new_buffer_reruns_what_it_holds_out_but_no_split_and_no_score_of_the_weak_map(workspace):
    workspace.config["experiments"]["weak_only"] = {"model": "weak_map"}
    assert jobs_after(workspace) == {"score_weak_map": 1, "compare_experiments": 1}
    workspace.config["regions"]["valley"]["split"]["buffer_m"] = 25
    assert jobs_after(workspace) == {
        "check_region": 1,
        "mask_tile": 2,
        "burn_target": 4,
        "audit_labels": 1,
        "draw_audit": 1,
        "measure_distances": 1,
        "train_model": 2,
        "score_model": 2,
        "compare_experiments": 1,
    }
    del workspace.config["experiments"]["weak_only"]
    assert jobs_after(workspace) == {"compare_experiments": 1}


def test_a_new_least_share_of_valid_weak_pixels_checks_and_overlaps_nothing_again(workspace):
    weak = workspace.config["regions"]["valley"]["weak"]["global_map"]
    weak["min_valid"] = 0.6
    assert jobs_after(workspace) == {
        "burn_target": 2,
        "mine_polygons": 2,
        "audit_labels": 1,
        "draw_audit": 1,
        "train_model": 1,
        "score_model": 1,
        "compare_experiments": 1,
    }


def test_an_added_label_moves_no_block_and_segments_nothing(workspace):
    path = workspace.folder / "data/labels.gpkg"
    before = (workspace.folder / "results/valley/labels/splits.csv").read_text().splitlines()
    labels = gpd.read_file(path)
    shifted = labels.iloc[[0]].assign(geometry=labels.geometry.iloc[[0]].translate(0.0002, 0.0002))
    gpd.pd.concat([labels, shifted]).to_file(path, driver="GPKG")
    assert jobs_after(workspace) == {
        "check_region": 1,
        "split_labels": 1,
        "mask_tile": 2,
        "burn_target": 4,
        "audit_labels": 1,
        "draw_audit": 1,
        "measure_distances": 1,
        "train_model": 2,
        "score_model": 2,
        "compare_experiments": 1,
    }
    after = (workspace.folder / "results/valley/labels/splits.csv").read_text().splitlines()
    names = {line.split(",")[0]: line.split(",")[1] for line in after}
    assert all(names[line.split(",")[0]] == line.split(",")[1] for line in before)


def test_an_added_tile_is_mined_alone(workspace):
    for kind in ("imagery", "masks"):
        shutil.copy(workspace.folder / "spare" / kind / "r0c2.tif", workspace.folder / "data" / kind / "r0c2.tif")
    assert jobs_after(workspace) == {
        "check_region": 1,
        "segment_tile": 1,
        "overlap_tile": 1,
        "mine_polygons": 1,
        "mask_tile": 1,
        "burn_target": 2,
        "audit_labels": 1,
        "draw_audit": 1,
        "measure_distances": 1,
        "train_model": 2,
        "score_model": 2,
        "compare_experiments": 1,
    }


def test_an_added_experiment_trains_alone(workspace):
    workspace.config["experiments"]["half_human_mined_pos"] = {"human": 0.5, "mined": {"cropland": 0.8}}
    assert jobs_after(workspace) == {
        "burn_target": 3,
        "mine_polygons": 3,
        "audit_labels": 1,
        "draw_audit": 1,
        "train_model": 1,
        "score_model": 1,
        "compare_experiments": 1,
    }


def test_a_threshold_that_is_added_to_a_sweep_runs_alone_and_taken_away_or_restored_it_only_sums_up(workspace):
    thresholds = [0.2, 0.25]
    grid = {"mined.noncropland": thresholds}
    workspace.config["sweeps"] = {"thresholds": {"base": "half_human_mined_neg", "grid": grid}}
    summaries = {"compare_sweep": 1, "draw_sweep": 1}
    point = {"burn_target": 3, "train_model": 1, "score_model": 1} | summaries
    assert workspace.succeed("sweep_thresholds").jobs == point
    thresholds.append(0.3)
    assert workspace.succeed("sweep_thresholds").jobs == point
    thresholds.pop()
    assert workspace.succeed("sweep_thresholds").jobs == summaries
    thresholds.append(0.3)
    assert workspace.succeed("sweep_thresholds").jobs == summaries
    assert workspace.succeed("sweep_thresholds").idle
    table = pd.read_csv(workspace.folder / "results/valley/sweeps/thresholds.csv")
    assert set(table["split"]) == {"validation"}
    assert table["mined.noncropland"].tolist() == [0.2, 0.2, 0.25, 0.25, 0.3, 0.3]
    assert table["base"].tolist() == [True] * 2 + [False] * 4
    assert table.loc[~table["base"], "difference"].notna().all()


def test_a_missing_tile_of_a_users_region_is_an_error_and_is_never_made_up(workspace):
    (workspace.folder / "data/imagery/r0c1.tif").rename(workspace.folder / "spare/r0c1.tif")
    workspace.config["regions"]["valley"]["tiles"] = ["r0c0", "r0c1"]
    outcome = workspace.run()
    (workspace.folder / "spare/r0c1.tif").rename(workspace.folder / "data/imagery/r0c1.tif")
    del workspace.config["regions"]["valley"]["tiles"]
    assert outcome.code != 0
    assert "data/imagery/r0c1.tif" in outcome.text
    assert "simulate_region" not in outcome.text


def test_new_imagery_of_a_tile_fits_the_codebook_of_a_region_anew(workspace):
    workspace.config["segmentations"]["kmeans6"]["scope"] = "region"
    workspace.config["experiments"] = {"mined": {"mined": {"cropland": 0.8, "noncropland": 0.2}}}
    workspace.config.pop("sweeps", None)
    workspace.succeed("mine")
    path = workspace.folder / "data/imagery/r0c0.tif"
    with rasterio.open(path, "r+") as image:
        image.write(np.roll(image.read(), 3, axis=2))
    jobs = workspace.succeed("mine").jobs
    tiles = jobs["segment_tile"]
    assert tiles > 1
    assert jobs == {
        "check_region": 1,
        "fit_codebook": 1,
        "segment_tile": tiles,
        "overlap_tile": tiles,
        "mine_polygons": tiles,
    }
    workspace.config["segmentations"]["kmeans6"]["min_area_m2"] = 600
    assert workspace.succeed("mine").jobs == {"segment_tile": tiles, "overlap_tile": tiles, "mine_polygons": tiles}
