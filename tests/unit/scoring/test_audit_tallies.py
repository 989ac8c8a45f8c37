"""Tallies of an audit agree with mining and with eroding."""

import numpy as np
import pytest
from scipy import ndimage

from cropmine.config.experiments import Mined
from cropmine.config.regions import WeakMap
from cropmine.geo.grids import pixel_size_m
from cropmine.inputs.weak_maps import erode_weak_map
from cropmine.mining.overlaps import mine_segments
from cropmine.scoring.audit_tallies import measure_depth, place_fractions
from factories.rasters import make_grid, write_plain


def test_thresholds_are_those_of_mining():
    rng = np.random.default_rng(0)
    fraction = np.concatenate([rng.integers(0, 101, 300) / 100, [np.nan]])
    overlap = {"weak_fraction": fraction, "weak_valid": rng.random(301)}
    thresholds = np.arange(101) / 100
    below, above = place_fractions(overlap, thresholds, 0.5)
    for place, threshold in enumerate(thresholds):
        mined = mine_segments(overlap, Mined(cropland=threshold), 0.5)[1:]
        assert np.array_equal(mined == 1, above > place)
        mined = mine_segments(overlap, Mined(noncropland=threshold), 0.5)[1:]
        assert np.array_equal(mined == 0, below <= place)


@pytest.mark.parametrize("py", [10.0, 7.0])
def test_depth_is_that_of_eroding_at_every_distance(tmp_path, py):
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(90, 100)), 3)
    array = (noise > 0).astype("u1")
    array[40:44, 50:52] = 255
    whole = make_grid(100, 90, py=py)
    path, weak = write_plain(tmp_path / "weak.tif", array, whole, nodata=255), WeakMap(path="weak.tif")
    inner = whole.window(25, 25, 50, 40)
    depth = measure_depth(np.where(array == 255, 2, array).astype(np.uint8), pixel_size_m(inner), 90)
    for metres in (5.0, 12.0, 30.0, 33.3, 61.0):
        _, kept = erode_weak_map(path, weak, inner, metres)
        assert np.array_equal((depth + 1e-3 >= metres)[25:65, 25:75] & (array != 255)[25:65, 25:75], kept)


def test_depth_does_not_depend_on_the_rows_that_are_done_at_once(monkeypatch):
    blobs = (ndimage.gaussian_filter(np.random.default_rng(1).normal(size=(80, 60)), 4) > 0).astype(np.uint8)
    whole = measure_depth(blobs, (10, 10), 200)
    monkeypatch.setattr("cropmine.scoring.audit_tallies.DEPTH_ROWS", 16)
    strips = measure_depth(blobs, (10, 10), 50)
    near = whole <= 50
    assert np.array_equal(strips[near], whole[near])
    assert (strips[~near] > 50).all()
