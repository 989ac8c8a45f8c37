"""Inputs that are unusual and right go through; wrong ones stop before any long work, with one message."""

import json
import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely

from workspace import Workspace, valley_config

pytestmark = pytest.mark.slow


@pytest.fixture
def workspace(valley, tmp_path) -> Workspace:
    """A region of a user's with three tiles, not yet run."""
    shutil.copytree(valley, tmp_path / "data", ignore=shutil.ignore_patterns("truth.tif"))
    return Workspace(tmp_path, valley_config(Path("data")))


def test_an_empty_tile_and_folds_that_take_turns_go_the_whole_road(workspace):
    region = workspace.config["regions"]["valley"]
    region["split"] = {"method": "kfold", "folds": 3, "block_m": 250, "buffer_m": 10}
    workspace.config["experiments"] = {"all_human": {"human": 1}}
    path = workspace.folder / "data/imagery/r0c2.tif"
    with rasterio.open(path, "r+") as image:
        image.write(np.zeros_like(image.read()))
    outcome = workspace.succeed()
    assert outcome.jobs["train_model"] == 4  # one a fold, and that of the map on all labels
    results = workspace.folder / "results/valley"
    with rasterio.open(results / "map/r0c2.tif") as raster:
        assert (raster.read() == 255).all()
    labels = gpd.read_parquet(results / "labels/labels.parquet")
    scored = [json.loads(p.read_text())["pieces"] for p in (results / "scores").glob("human1_*/*/*.json")]
    tested = [(piece["label"], piece["block"]) for run in scored for piece in run if piece["split"] == "test"]
    assert len(tested) == len(set(tested)), "a label is tested once"
    assert len(tested) > 0.5 * len(labels)
    table = pd.read_csv(results / "experiments.csv")
    assert (table.runs == 3).all()
    assert json.loads((results / "scores/map.json").read_text())["test"] is None
    assert workspace.succeed().idle


def test_a_region_without_a_weak_map_is_trained_on_its_labels_and_mapped_within_its_area(workspace):
    region = workspace.config["regions"]["valley"]
    del region["weak"]
    grid = rasterio.open(workspace.folder / "data/imagery/r0c0.tif")
    west, south, east, north = grid.bounds
    middle = (west + east) / 2
    east_half = gpd.GeoSeries([shapely.box(middle, south, east, north)], crs=grid.crs)
    east_half.to_file(workspace.folder / "data/area.gpkg")
    region["area"] = "data/area.gpkg"
    workspace.succeed()
    table = pd.read_csv(workspace.folder / "results/valley/experiments.csv")
    assert set(table.experiment) == {"half_human"}
    with rasterio.open(workspace.folder / "results/valley/map/r0c0.tif") as raster:
        cropland = raster.read(2)
    assert (cropland[:, :90] == 255).all()
    assert (cropland[:, 100:] != 255).any()


def spoil_resolution(workspace):
    path = workspace.folder / "data/imagery/r0c1.tif"
    with rasterio.open(path) as image:
        pixels, profile = image.read()[:, ::2, ::2], image.profile
    profile.update(transform=profile["transform"] @ rasterio.Affine.scale(2), height=96, width=96)
    for key in ("blockxsize", "blockysize", "tiled"):
        profile.pop(key, None)
    with rasterio.open(path, "w", **profile) as image:
        image.write(pixels)


def spoil_classes(workspace):
    workspace.config["regions"]["valley"]["labels"]["noncropland"] = ["othr"]


def spoil_bands(workspace):
    workspace.config["regions"]["valley"]["bands"] = ["blue", "green", "red", "swir"]


def spoil_weak_map(workspace):
    path = workspace.folder / "data/weak.tif"
    with rasterio.open(path, "r+") as raster:
        raster.transform = rasterio.Affine.translation(20, 20) @ raster.transform


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_resolution, ["r0c1.tif", "Hint"]),
        (spoil_classes, ["labels.gpkg", "other", "Hint"]),
        (spoil_bands, ["swir", "Hint"]),
        (spoil_weak_map, ["weak.tif", "Hint"]),
    ],
)
def test_a_wrong_input_stops_the_run_before_any_long_work(workspace, spoil, words):
    spoil(workspace)
    outcome = workspace.run()
    assert outcome.code != 0
    assert not outcome.jobs
    (message,) = [line for line in outcome.text.splitlines() if line.startswith("check_region: ")][:1]
    text = outcome.text[outcome.text.index(message) :]
    for word in words:
        assert word in text
    table = pd.read_csv(workspace.folder / "results/valley/logs/check_region.csv")
    assert "fault" in set(table["kind"]), "the table outlives the failed job"
    assert f"check_region: {table[table['kind'] == 'fault']['setting'].iloc[0]}: " in text
