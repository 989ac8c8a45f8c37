import numpy as np
import pandas as pd
import pytest

from cropmine.geo.rasters import write_raster
from cropmine.scoring.truth import count_codes, read_truth, sum_codes, tabulate_truth
from factories.rasters import make_grid


def test_pixels_without_truth_or_prediction_are_not_counted():
    counts = count_codes(np.array([[1, 1, 0, 255, 0]], np.uint8), np.array([[200, 255, 3, 9, 3]], np.uint8))
    assert counts.sum() == 3
    assert (counts[1, 200], counts[0, 3]) == (1, 2)


def test_the_truth_of_a_tile_is_its_part_of_the_whole(tmp_path):
    grid = make_grid(8, 8)
    truth = np.arange(64, dtype=np.uint8).reshape(8, 8) % 2
    write_raster(tmp_path / "truth.tif", truth, grid, nodata=255)
    part = read_truth(tmp_path / "truth.tif", grid.window(4, 4, 6, 4))
    assert (part[:, :4] == truth[4:, 4:]).all()
    assert (part[:, 4:] == 255).all()


def test_scores_on_truth_stand_beside_those_on_labels():
    truth = np.array([[1, 1, 0, 0]], np.uint8)
    counts = sum_codes([(truth, np.array([[150, 90, 110, 0]], np.uint8))] * 2)
    rows = [
        {"experiment": "one", "split": split, "threshold": t, "threshold_choice": c, "f1_cropland": 0.9}
        for split in ("validation", "test")
        for t, c in ((0.5, "default"), (0.4, "validation"))
    ]
    table = tabulate_truth(pd.DataFrame([*rows, rows[3] | {"experiment": "other"}]), {"one": counts})
    assert table["threshold"].tolist() == [0.5, 0.4]
    assert table["f1_cropland_truth"].tolist() == pytest.approx([0.5, 0.8])
    assert table["recall_truth"].tolist() == [0.5, 1]
    assert table["f1_cropland_labels"].tolist() == [0.9, 0.9]
