"""A map is scored by its classes on held-out labels, and on those that train beside them."""

import numpy as np
import pytest

from cropmine.geo.rasters import write_raster
from cropmine.scoring.map_scores import FOLDED, score_folds, score_map
from cropmine.scoring.score_files import write_scores
from factories.tiles import label_boxes, make_grid

GRID = make_grid(40, 20)
BOXES = [(0, 0, 4, 4, 1, "test"), (10, 0, 4, 4, 0, "test"), (20, 0, 4, 4, 1, "train"), (30, 0, 4, 4, 0, "train")]


@pytest.fixture
def tile(tmp_path):
    """A map that calls the left and the third label cropland, of which the probability of one is below 0.5."""
    classes = np.zeros(GRID.shape, np.uint8)
    classes[:, :8], classes[:, 18:26] = 1, 1
    probability = np.where(classes == 1, np.uint8(90), np.uint8(10))
    write_raster(tmp_path / "map.tif", np.stack([probability, classes, classes]), GRID, nodata=255)
    return tmp_path / "map.tif"


def test_classes_count_whatever_the_probabilities(tile):
    scores = score_map([tile], label_boxes(GRID, BOXES), 2, 1, every_label=False)
    assert scores["note"] is None
    assert scores["test"]["f1_cropland"] == scores["train"]["f1_cropland"] == 1
    assert scores["validation"]["support_cropland"] == 0
    assert scores["calibration"]["pixels"] == 32


def test_every_label_tests_the_map_of_a_model_from_elsewhere(tile):
    scores = score_map([tile], label_boxes(GRID, BOXES), 2, 1, every_label=True)
    assert scores["test"]["support_cropland"] == scores["test"]["support_noncropland"] == 32
    assert scores["train"]["support_cropland"] == 0


def test_with_folds_the_map_has_no_scores_but_the_calibration_of_its_folds(tmp_path):
    piece = {"label": 0, "block": "r0c0", "target": 1, "split": "test", "pixels": 5, "codes": [190], "counts": [5]}
    for fold in range(2):
        write_scores(tmp_path / f"{fold}.json", [piece | {"label": fold}])
    scores = score_folds([tmp_path / "0.json", tmp_path / "1.json"])
    assert scores["note"] == FOLDED
    assert scores["train"] is scores["validation"] is scores["test"] is None
    assert scores["calibration"]["pixels"] == 10
