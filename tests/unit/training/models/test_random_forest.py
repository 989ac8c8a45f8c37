import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from cropmine.classes import NODATA
from cropmine.config.models import RandomForest
from cropmine.errors import CropmineError
from cropmine.geo.grids import Grid
from cropmine.geo.rasters import write_raster
from cropmine.inputs.tile_sources import TileSource
from cropmine.inputs.tile_views import surround_tile
from cropmine.training.feature_rasters import use_rasters
from cropmine.training.models.random_forest import read_model, train_classifier
from cropmine.training.predictors import load_predictor, predict_tile

SIDE = 96
GRID = Grid(CRS.from_epsg(32737), Affine(10, 0, 250_000, 0, -10, 9_890_000), SIDE, SIDE)
FOREST = RandomForest(trees=12, sample_px=300, neighbourhood_px=[3, 5])
BANDS = ["red", "nir"]


def write_tile(folder, bands=2, dtype="uint16", hidden=7):
    """A tile whose western half is bright in the last band, half of its pixels labelled; a corner is masked."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(100, 200, (bands, SIDE, SIDE)).astype(dtype)
    pixels[-1, :, : SIDE // 2] += 150
    truth = np.zeros((SIDE, SIDE), np.uint8)
    truth[:, : SIDE // 2] = 1
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[:20, :20] = 1
    pixels[:, mask == 1] = hidden
    target = np.where((rng.random(truth.shape) < 0.5) & (mask == 0), truth, 255).astype(np.uint8)
    write_raster(folder / "t.tif", pixels, GRID)
    write_raster(folder / "m.tif", mask, GRID)
    write_raster(folder / "target.tif", np.stack([target, (target != 255).astype(np.uint8)]), GRID, nodata=255)
    source = TileSource((str(folder / "t.tif"),), bands, (str(folder / "m.tif"),), (1.0,))
    return source, truth, mask == 1


def train(folder, source, forest=FOREST, threads=1, name="forest.npz"):
    targets = {"t": folder / "target.tif"}
    options = {"seed": 3, "bands": BANDS, "dates": 1, "threads": threads, "out_model": folder / name}
    train_classifier({"t": source}, targets, forest, **options)
    return folder / name


def predict(path, source, features=None):
    sources = use_rasters({"t": source}, [features] if features else [])
    return predict_tile(load_predictor(path, BANDS, 1, 1), surround_tile("t", sources))


def test_a_separable_landscape_is_learned_and_masked_pixels_have_no_data(tmp_path):
    source, truth, hidden = write_tile(tmp_path)
    codes = predict(train(tmp_path, source), source)
    assert (codes[hidden] == NODATA).all() and (codes[~hidden] != NODATA).all()
    assert ((codes > 100) == (truth == 1))[~hidden].mean() > 0.98


def test_values_under_the_mask_and_threads_change_nothing(tmp_path):
    (tmp_path / "other").mkdir()
    source, *_ = write_tile(tmp_path)
    other, *_ = write_tile(tmp_path / "other", hidden=60_000)
    first, second = train(tmp_path, source), train(tmp_path / "other", other, threads=2)
    assert first.read_bytes() == second.read_bytes()
    assert (predict(first, source) == predict(second, other)).all()


def test_feature_rasters_stand_for_the_bands(tmp_path):
    source, truth, hidden = write_tile(tmp_path)
    embeddings = np.random.default_rng(1).normal(size=(64, SIDE, SIDE)).astype(np.float32)
    embeddings[63] += 8 * truth
    write_raster(tmp_path / "e.tif", embeddings, GRID)
    forest = RandomForest(trees=12, sample_px=300, neighbourhood_px=[], features="embeddings", max_depth=6)
    raster = str(tmp_path / "e.tif")
    path = train(tmp_path, use_rasters({"t": source}, [raster])["t"], forest)
    codes = predict(path, source, features=raster)
    assert ((codes > 100) == (truth == 1))[~hidden].mean() > 0.98


def test_a_broken_forest_is_told_and_never_trusted(tmp_path):
    source, *_ = write_tile(tmp_path)
    path = train(tmp_path, source)
    whole = path.read_bytes()
    for broken in (whole[: len(whole) // 2], b"", b"PK\x03\x04 nonsense"):
        path.write_bytes(broken)
        with pytest.raises(CropmineError, match="isn't a forest, or is broken"):
            read_model(path, 1)
    path.write_bytes(whole)
    content = dict(np.load(path))
    for key, value in (("left", 10**6), ("feature", 99), ("right", 0)):
        spoiled = content[key].copy()
        spoiled[np.argmax(content["left"] != -1)] = value
        np.savez(path, **content | {key: spoiled})
        with pytest.raises(CropmineError, match="don't make a tree"):
            read_model(path, 1)


def test_another_region_is_refused_and_a_class_without_labels_too(tmp_path):
    source, *_ = write_tile(tmp_path)
    path = train(tmp_path, source)
    with pytest.raises(CropmineError, match="was trained on the bands"):
        load_predictor(path, ["blue", "nir"], 1, 1)
    write_raster(tmp_path / "target.tif", np.stack([np.ones(GRID.shape, np.uint8)] * 2), GRID, nodata=255)
    with pytest.raises(CropmineError, match="no pixel is labelled non-cropland"):
        train(tmp_path, source)
