"""A model from elsewhere maps a region without labels; a changed tile remaps itself and its neighbours alone."""

import json
from collections import Counter

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
import torch
from affine import Affine
from rasterio.crs import CRS

from cropmine.config.models import Network
from cropmine.geo.grids import Grid
from cropmine.geo.rasters import write_raster
from cropmine.training.checkpoints import save_checkpoint
from cropmine.training.networks import Normalisation, build_network
from workspace import Workspace

pytestmark = pytest.mark.slow

WIDTH, HEIGHT = 1200, 48
BANDS = ["red", "nir"]
TILES = [f"c{column}" for column in range(3)]


def make_grid(column):
    """Pixels of 5 m in UTM; tiles lie side by side by column."""
    return Grid(CRS.from_epsg(32636), Affine(5, 0, 500_000 + column * WIDTH * 5, 0, -5, 100_000), WIDTH, HEIGHT)


def write_image(path, column, seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(500, 3000, (2, HEIGHT, WIDTH), dtype=np.uint16)
    image[:, :5] = 0
    write_raster(path, image, make_grid(column), nodata=0)


@pytest.fixture(scope="module")
def strip(tmp_path_factory) -> Workspace:
    """Three tiles in a row and an untrained network, mapped."""
    folder = tmp_path_factory.mktemp("strip")
    for column, tile in enumerate(TILES):
        write_image(folder / f"data/{tile}.tif", column, column)
    torch.manual_seed(0)
    model = Network(encoder="resnet18", encoder_weights=None, decoder_channels=(16, 8, 8, 8, 8))
    network, norm = build_network(model, 2), Normalisation(np.array([1700.0, 1700.0]), np.array([700.0, 700.0]))
    place = {"bands": BANDS, "dates": 1, "resolution_m": 5.0, "precision": "auto"}
    save_checkpoint(folder / "elsewhere.ckpt", network.state_dict(), model, norm, **place)
    region = {"imagery": "data/{tile}.tif", "bands": BANDS, "model": "elsewhere.ckpt", "threshold": 0.4}
    made = Workspace(folder, {"regions": {"strip": region}, "training": {"cpu_threads": 1}})
    made.first = made.succeed().jobs
    return made


def test_a_region_without_labels_is_mapped_by_a_model_from_elsewhere(strip):
    assert strip.first["map_tile"] == 3
    assert strip.first["check_model"] == strip.first["build_report"] == 1
    assert not {"train_model", "score_map", "segment_tile"} & set(strip.first)
    results = strip.folder / "results/strip"
    assert json.loads((results / "map/area.json").read_text())["total"]["valid_ha"] > 0
    for tile in TILES:
        with rasterio.open(results / f"map/{tile}.tif") as dataset:
            probability, classes, _ = dataset.read()
            assert dataset.tags()["experiment"].endswith("elsewhere.ckpt")
            assert float(dataset.tags()["threshold"]) == 0.4
        assert ((probability == 255) == (np.arange(HEIGHT) < 5)[:, None]).all()
        np.testing.assert_array_equal(classes[5:], probability[5:] > 80)
    assert strip.succeed().idle


def test_a_changed_tile_remaps_itself_and_its_neighbours_alone(strip):
    write_image(strip.folder / "data/c0.tif", 0, 10)
    outcome = strip.succeed()
    assert Counter(tile for tile in TILES if f"Mapping {tile} of strip" in outcome.text) == Counter(["c0", "c1"])
    assert outcome.jobs["map_tile"] == 2
    assert strip.succeed().idle


def test_labels_only_score_the_map(strip):
    grid = make_grid(0)
    boxes = [shapely.box(*grid.window(100 * number, 10, 20, 20).bounds) for number in range(12)]
    classes = ["cropland", "other"] * 6
    geopandas.GeoDataFrame({"class": classes}, geometry=boxes, crs=grid.crs.to_wkt()).to_file(
        strip.folder / "labels.gpkg"
    )
    strip.config["regions"]["strip"]["labels"] = {
        "path": "labels.gpkg",
        "class_field": "class",
        "cropland": ["cropland"],
        "noncropland": ["other"],
        "definition": "fields of annual crops",
    }
    jobs = strip.succeed().jobs
    assert jobs["score_map"] == jobs["split_labels"] == 1
    assert not {"train_model", "score_model"} & set(jobs)
    scores = json.loads((strip.folder / "results/strip/scores/map.json").read_text())
    assert scores["note"] is None
    assert scores["test"]["support_cropland"] == scores["test"]["support_noncropland"] == 6 * 400
