import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cropmine.config.experiments import Mined
from cropmine.mining.overlaps import mine_segments, overlap_segments

BOTH = Mined(cropland=0.8, noncropland=0.2)


def make_overlap(fractions, weak_valid=None):
    fractions = np.array(fractions, dtype=np.float64)
    usable = np.ones(len(fractions)) if weak_valid is None else np.array(weak_valid, dtype=np.float64)
    return {"weak_fraction": fractions, "weak_valid": usable}


@given(st.integers(0, 2**32 - 1), st.booleans(), st.sampled_from(["one", "rows", "pixels"]))
def test_overlaps_are_those_of_brute_force(seed, probabilities, kind):
    rng = np.random.default_rng(seed)
    height, width, n = *rng.integers(1, 20, 2), int(rng.integers(0, 6))
    ids = rng.integers(0, n + 1, (height, width), dtype=np.uint32)
    values = rng.random(ids.shape).astype(np.float32) if probabilities else rng.integers(0, 2, ids.shape, np.uint8)
    valid = rng.random(ids.shape) < 0.6
    areas = {"one": np.full((1, 1), 22.8), "rows": rng.random((height, 1)), "pixels": rng.random(ids.shape)}[kind]
    clusters = np.concatenate([[0], rng.integers(1, 9, n)]).astype(np.uint8)
    overlap = overlap_segments(ids, values, valid, areas, clusters)
    assert overlap["segment"].tolist() == list(range(1, n + 1))
    np.testing.assert_array_equal(overlap["cluster"], clusters[1:])
    for row in range(n):
        inside = ids == row + 1
        weighed = inside & valid
        assert overlap["pixels"][row] == inside.sum()
        np.testing.assert_allclose(overlap["area_ha"][row], np.broadcast_to(areas, ids.shape)[inside].sum() / 1e4)
        assert overlap["weak_valid"][row] == (weighed.sum() / inside.sum() if inside.any() else 0)
        if not weighed.any():
            assert np.isnan(overlap["weak_fraction"][row])
        elif probabilities:
            np.testing.assert_allclose(overlap["weak_fraction"][row], values[weighed].astype(float).mean())
        else:
            assert overlap["weak_fraction"][row] == values[weighed].sum() / weighed.sum()


def test_overlaps_are_summed_across_chunks_of_rows():
    ids = np.ones((1000, 2), dtype=np.uint32)
    values = (np.arange(1000) < 400).astype(np.uint8)[:, None].repeat(2, axis=1)
    overlap = overlap_segments(ids, values, np.ones(ids.shape, dtype=bool), np.full((1, 1), 25.0), np.array([0, 3]))
    assert [overlap[name][0] for name in ("pixels", "area_ha", "cluster", "weak_fraction")] == [2000, 5.0, 3, 0.4]


def test_values_of_invalid_weak_pixels_change_nothing():
    ids = np.array([[1, 1, 1, 2]], dtype=np.uint32)
    valid = np.array([[True, True, False, False]])
    values = np.array([[0.25, 0.75, np.nan, np.inf]], dtype=np.float32)
    overlap = overlap_segments(ids, values, valid, np.ones((1, 1)), np.array([0, 1, 1], dtype=np.uint8))
    np.testing.assert_array_equal(overlap["weak_fraction"], [0.5, np.nan])
    np.testing.assert_array_equal(overlap["weak_valid"], [2 / 3, 0])


def test_a_segment_of_one_pixel_has_its_fraction_and_one_without_any_divides_by_nothing():
    ids = np.array([[1, 2, 3, 5]], dtype=np.uint32)
    values, valid = np.array([[0, 1, 0, 1]], dtype=np.uint8), np.array([[True, True, False, True]])
    with np.errstate(all="raise"):
        overlap = overlap_segments(ids, values, valid, np.ones((1, 1)), np.array([0, 1, 1, 1, 1, 1], dtype=np.uint8))
    np.testing.assert_array_equal(overlap["weak_valid"], [1, 1, 0, 0, 1])
    np.testing.assert_array_equal(overlap["weak_fraction"], [0, 1, np.nan, np.nan, 1])


@pytest.mark.parametrize("pixels", [5, 10, 35, 1005])
def test_a_fraction_that_equals_a_threshold_is_not_mined(pixels):
    ids = np.repeat(np.array([[1, 2]], dtype=np.uint32), pixels, axis=1)
    values = np.concatenate([np.arange(pixels) < pixels * 4 // 5, np.arange(pixels) < pixels // 5]).astype(np.uint8)
    overlap = overlap_segments(
        ids, values[None], np.ones(ids.shape, dtype=bool), np.ones((1, 1)), np.array([0, 1, 1], dtype=np.uint8)
    )
    assert mine_segments(overlap, BOTH, 0.5).tolist() == [255, 255, 255]


def test_segments_beyond_the_thresholds_are_mined():
    overlap = make_overlap([0, 0.19, 0.2, 0.5, 0.8, 0.81, 1])
    assert mine_segments(overlap, BOTH, 0.5).dtype == np.uint8
    assert mine_segments(overlap, BOTH, 0.5).tolist() == [255, 0, 0, 255, 255, 255, 1, 1]
    assert mine_segments(overlap, Mined(noncropland=0.2), 0.5).tolist() == [255, 0, 0, 255, 255, 255, 255, 255]
    assert mine_segments(overlap, Mined(cropland=0.8), 0.5).tolist() == [255, 255, 255, 255, 255, 255, 1, 1]


def test_segments_with_too_few_valid_weak_pixels_are_not_mined():
    overlap = make_overlap([1, 1, 0, np.nan], [0.5, 0.49, 0.49, 0])
    assert mine_segments(overlap, BOTH, 0.5).tolist() == [255, 1, 255, 255, 255]
    assert mine_segments(overlap, BOTH, 0).tolist() == [255, 1, 1, 0, 255]


def test_a_tile_without_segments_has_a_look_up_table_of_none_alone():
    empty = np.zeros((3, 4), dtype=np.uint32)
    overlap = overlap_segments(empty, empty, empty == 0, np.ones((1, 1)), np.zeros(1, dtype=np.uint8))
    assert mine_segments(overlap, BOTH, 0.5).tolist() == [255]
