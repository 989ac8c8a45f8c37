import numpy as np
import pytest

from cropmine.config.models import ExtraTrees
from cropmine.errors import CropmineError
from cropmine.geo.rasters import write_raster
from cropmine.inputs.tile_sources import TileSource
from cropmine.inputs.tile_views import surround_tile
from cropmine.training.models.extra_trees import draw_pixels, train_classifier
from cropmine.training.predictors import load_predictor, predict_tile
from factories.contexts import GRID, SIDE, draw_halves, write_context

TREES = ExtraTrees(trees=12, sample_px=400, indices=["ndvi"], neighbourhood_px=[3], segments=True, weak_map=True)


def write_tile(folder, target):
    """A tile whose western half is bright in the last band, its target and its context."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(100, 200, (2, SIDE, SIDE)).astype(np.uint16)
    pixels[1, :, : SIDE // 2] += 150
    write_raster(folder / "t.tif", pixels, GRID)
    write_raster(folder / "target.tif", np.stack([target, (target != 255).astype(np.uint8)]), GRID, nodata=255)
    return TileSource((str(folder / "t.tif"),), 2), write_context(folder, *draw_halves())


def train(folder, source, context, model=TREES, threads=1):
    path = folder / "model.trees"
    options = {"seed": 3, "bands": ["red", "nir"], "dates": 1, "threads": threads, "out_model": path}
    train_classifier({"t": source}, {"t": folder / "target.tif"}, model, contexts={"t": context}, **options)
    return path


def label_halves():
    """A tenth of the pixels, labelled by the half that they are in."""
    target = draw_halves()[0].copy()
    target[np.random.default_rng(1).random(target.shape) > 0.1] = 255
    return target


def test_trees_learn_from_imagery_segments_and_the_weak_map(tmp_path):
    source, context = write_tile(tmp_path, label_halves())
    model = load_predictor(train(tmp_path, source, context), ["red", "nir"], 1, 1)
    codes = predict_tile(model, surround_tile("t", {"t": source}, context=context))
    assert ((codes > 100) == (draw_halves()[0] == 1)).mean() > 0.98


def test_trees_are_the_same_bytes_whatever_the_threads(tmp_path):
    source, context = write_tile(tmp_path, label_halves())
    first = train(tmp_path, source, context).read_bytes()
    assert train(tmp_path, source, context, threads=2).read_bytes() == first


def test_pixels_are_drawn_at_the_share_that_classes_have(tmp_path):
    target = np.full((SIDE, SIDE), 255, np.uint8)
    target[:20] = 0
    target[20:25] = 1
    for name in ("a", "b"):
        write_raster(tmp_path / f"{name}.tif", np.stack([target, target]), GRID, nodata=255)
    drawn = draw_pixels([tmp_path / "a.tif", tmp_path / "b.tif"], 1000, False, 0)
    assert len(drawn.places) == len(np.unique(drawn.places, axis=0)) == 1000
    assert (drawn.classes == 1).mean() == pytest.approx(0.2, abs=0.04)
    assert set(drawn.places[:, 0]) == {0, 1} and (drawn.weights == 1).all()
    assert (target[drawn.places[:, 1], drawn.places[:, 2]] == drawn.classes).all()


def test_each_label_counts_alike_whatever_its_size(tmp_path):
    target = np.full((SIDE, SIDE), 255, np.uint8)
    target[2:4, 2:4], target[10:30, 10:30], target[40:45, 40:50] = 1, 1, 0
    write_raster(tmp_path / "a.tif", np.stack([target, target]), GRID, nodata=255)
    drawn = draw_pixels([tmp_path / "a.tif"], 10_000, True, 0)
    small = (drawn.places[:, 1] < 5).nonzero()[0]
    large = ((drawn.places[:, 1] >= 10) & (drawn.places[:, 1] < 30)).nonzero()[0]
    assert drawn.weights[small].sum() == pytest.approx(drawn.weights[large].sum())
    assert drawn.weights.mean() == pytest.approx(1)


def test_a_class_without_labels_is_named(tmp_path):
    source, context = write_tile(tmp_path, np.where(label_halves() == 1, 1, 255).astype(np.uint8))
    with pytest.raises(CropmineError, match="no pixel with all features is labelled non-cropland"):
        train(tmp_path, source, context)
