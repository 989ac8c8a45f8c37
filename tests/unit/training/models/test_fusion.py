import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from cropmine.classes import NODATA
from cropmine.config.models import ExtraTrees, RandomForest
from cropmine.errors import CropmineError
from cropmine.geo.rasters import write_raster
from cropmine.inputs.tile_sources import TileSource
from cropmine.inputs.tile_views import surround_tile
from cropmine.training.models import extra_trees, random_forest
from cropmine.training.models.fusion import read_model, write_fusion
from cropmine.training.predictors import load_predictor, predict_tile
from factories.contexts import GRID, SIDE, draw_halves, write_context

BANDS = ["red", "nir"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A tile, its context with a weak map that lacks some rows, and two models of it, as view and paths."""
    folder = tmp_path_factory.mktemp("fusion")
    weak, ids = draw_halves()
    pixels = np.random.default_rng(0).integers(100, 400, (2, SIDE, SIDE)).astype(np.uint16)
    target = np.where(np.random.default_rng(1).random(weak.shape) < 0.3, weak, 255).astype(np.uint8)
    write_raster(folder / "t.tif", pixels, GRID)
    write_raster(folder / "target.tif", np.stack([target, target]), GRID, nodata=255)
    known = np.ones(weak.shape, bool)
    known[:10] = False
    source, context = TileSource((str(folder / "t.tif"),), 2), write_context(folder, weak, ids, known)
    options = {"contexts": {"t": context}, "seed": 0, "bands": BANDS, "dates": 1, "threads": 1}
    tile, labels = {"t": source}, {"t": folder / "target.tif"}
    paths = [folder / "a.npz", folder / "b.trees"]
    random_forest.train_classifier(tile, labels, RandomForest(trees=5), **options, out_model=paths[0])
    extra_trees.train_classifier(tile, labels, ExtraTrees(trees=5, weak_map=True), **options, out_model=paths[1])
    return surround_tile("t", tile, context=context), paths


def predict(view, path, wanted=None):
    return predict_tile(load_predictor(path, BANDS, 1, 1), view, wanted)


def fuse(folder, voices, tree):
    path = folder / "model.fusion"
    write_fusion(path, voices, tree, BANDS, 1)
    return path


def test_a_fusion_is_the_mean_of_its_voices_brackets_first(made, tmp_path):
    view, paths = made
    first, second = (predict(view, path).astype(float) for path in paths)
    smoothed = predict(view, fuse(tmp_path, [{"smooth_m": 70}], [0])).astype(float)
    fused = predict(view, fuse(tmp_path, [*paths, {"smooth_m": 70}], [[0, 1], 2]))
    below = np.s_[10:]
    np.testing.assert_array_equal(fused[below], np.rint(((first + second) / 2 + smoothed)[below] / 2))


def test_where_the_weak_map_is_invalid_the_mean_of_the_others_counts(made, tmp_path):
    view, paths = made
    fused = predict(view, fuse(tmp_path, [*paths, {"smooth_m": 70}], [[0, 1], 2]))
    np.testing.assert_array_equal(fused[:10], predict(view, paths[0])[:10])
    alone = predict(view, fuse(tmp_path, [{"smooth_m": 70}], [0]))
    assert (alone[:10] == NODATA).all() and (alone[10:] != NODATA).all()


def test_only_wanted_pixels_are_predicted(made, tmp_path):
    view, paths = made
    wanted = np.zeros((SIDE, SIDE), bool)
    wanted[30:40, 5:9] = True
    path = fuse(tmp_path, [*paths, {"smooth_m": 70}], [0, 1, 2])
    part, whole = predict(view, path, wanted), predict(view, path)
    assert (part[~wanted] == NODATA).all()
    np.testing.assert_array_equal(part[wanted], whole[wanted])


def test_the_same_models_make_the_same_bytes(made, tmp_path):
    _, paths = made
    first = fuse(tmp_path, paths, [0, 1]).read_bytes()
    assert fuse(tmp_path, paths, [0, 1]).read_bytes() == first


def test_a_broken_fusion_is_named_and_never_trusted(made, tmp_path):
    _, paths = made
    path = fuse(tmp_path, paths, [0, 1])
    whole = path.read_bytes()
    for broken in (whole[: len(whole) // 2], b"", b"PK\x03\x04 nonsense"):
        path.write_bytes(broken)
        with pytest.raises(CropmineError, match="isn't a fusion, or is broken"):
            read_model(path, 1)
    for change in ({"tree": []}, {"tree": [2]}, {"tree": [[]]}, {"voices": ["../a.npz"]}):
        path.write_bytes(whole)
        with zipfile.ZipFile(path) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        files["fusion.json"] = json.dumps(json.loads(files["fusion.json"]) | change).encode()
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        with pytest.raises(CropmineError, match="isn't a fusion"):
            read_model(path, 1)
    with pytest.raises(CropmineError, match="no such file"):
        read_model(Path("none.fusion"), 1)
