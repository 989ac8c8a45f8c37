"""A recipe is burnt from the files that it needs, each source over those before it."""

import numpy as np
import pytest

from cropmine.classes import HUMAN, MINED, RANDOM, WEAK
from cropmine.config.regions import WeakMap
from cropmine.features.overlap_files import write_overlap
from cropmine.features.segment_files import write_segments
from cropmine.mining.burning import burn_target
from cropmine.mining.overlaps import overlap_segments
from cropmine.mining.targets import CLOSED, OPEN
from cropmine.planning.recipes import TargetSettings
from factories.rasters import make_grid, write_plain
from factories.tiles import label_boxes

GRID = make_grid(60, 40)


@pytest.fixture
def files(tmp_path):
    """Two segments, left and right; the weak map calls the left cropland but for a strip; labels in a corner."""
    ids = (1 + np.indices(GRID.shape)[1] // 30).astype(np.uint32)
    clusters = np.array([0, 1, 2], np.uint8)
    weak = (ids == 1).astype(np.uint8)
    weak[:4, :30] = 0
    write_segments(tmp_path / "segments.tif", ids, clusters, GRID)
    overlap = overlap_segments(ids, weak, np.ones(GRID.shape, bool), np.ones((1, 1)), clusters)
    write_overlap(tmp_path / "overlap.parquet", overlap)
    labels = label_boxes(GRID, [(0, 30, 5, 5, 0, "train"), (50, 30, 5, 5, 1, "train")]).assign(rank_0=[0, 0])
    labels.to_parquet(tmp_path / "labels.parquet")
    paths = {"segments": "segments.tif", "overlap": "overlap.parquet", "labels": "labels.parquet"}
    return {key: [tmp_path / name] for key, name in paths.items()} | {
        "weak": [write_plain(tmp_path / "w.tif", weak, GRID)]
    }


def recipe(**changes):
    weak = WeakMap(path="w.tif").model_dump(mode="json", exclude={"year", "min_valid", "training_labels"})
    return TargetSettings(**{"weak": {"weak": weak, "members": []}, "min_valid": 0.5} | changes)


def burn(files, mask=None, **changes):
    mask = np.full(GRID.shape, OPEN, np.uint8) if mask is None else mask
    return burn_target(recipe(**changes), "a", GRID, mask, {"registrations": []} | files)


def test_a_recipe_lays_human_over_mined_over_weak_labels(files):
    target, source = burn(files, human=1, mined={"cropland": 0.8}, weak_classes=["noncropland"])
    assert (target[:30, :30] == 1).all() and (source[:30, :30] == MINED).all()
    assert (target[:30, 30:] == 0).all() and (source[:30, 30:] == WEAK).all()
    assert (target[30:35, :5] == 0).all() and (source[30:35, :5] == HUMAN).all()
    assert (target[30:35, 50:55] == 1).all() and (source[30:35, 50:55] == HUMAN).all()
    assert np.count_nonzero(source == HUMAN) == 50


def test_a_recipe_reads_no_file_that_it_does_not_need(files):
    target, source = burn({"labels": files["labels"]}, human=1)
    assert np.count_nonzero(target != 255) == np.count_nonzero(source == HUMAN) == 50


def test_random_labels_are_as_many_as_the_mined_ones_where_labels_may_train(files):
    mask = np.full(GRID.shape, OPEN, np.uint8)
    mask[:, 20:] = CLOSED
    mined = burn(files, mask, mined={"cropland": 0.8, "noncropland": 0.2})
    drawn = burn(files, mask, mined={"cropland": 0.1, "noncropland": 0.05, "random": True})
    assert (mined[1][:, :20] == MINED).all() and (drawn[1][:, :20] == RANDOM).all()
    assert (mined[0][:, 20:] == 255).all() and (drawn[0][:, 20:] == 255).all()


def test_eroded_weak_labels_keep_away_from_the_other_class(files):
    target, source = burn(files, weak_classes=["cropland", "noncropland"], erode_m=60)
    assert (target[:, 25:36] == 255).all() and (target[11:33, 7:23] == 1).all() and (target[7:33, 37:53] == 0).all()
    assert set(np.unique(source)) == {0, WEAK}
