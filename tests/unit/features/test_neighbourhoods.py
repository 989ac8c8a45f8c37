import numpy as np
import pytest

from cropmine.features.neighbourhoods import average_boxes, describe_neighbourhoods, sum_boxes


def make_pixels(seed=0, shape=(2, 12, 15)):
    rng = np.random.default_rng(seed)
    valid = rng.random(shape[1:]) < 0.8
    return np.where(valid, rng.integers(1, 5000, shape), 0).astype(np.float64), valid


def test_boxes_are_sums_of_all_squares_that_fit():
    pixels, _ = make_pixels()
    sums = sum_boxes(pixels, 3)
    assert sums.shape == (2, 10, 13)
    assert sums[1, 4, 6] == pixels[1, 4:7, 6:9].sum()


def test_averages_are_of_valid_pixels_and_0_without_any():
    pixels, valid = make_pixels()
    valid[:3, :3] = False
    pixels[:, ~valid] = 0
    means, counts = average_boxes(pixels, valid, 3)
    assert counts[0, 0] == 0 and (means[:, 0, 0] == 0).all()
    seen = pixels[0, 5:8, 5:8][valid[5:8, 5:8]]
    assert means[0, 5, 5] == pytest.approx(seen.mean()) and counts[5, 5] == len(seen)


def test_neighbourhoods_of_every_side_are_described_around_the_same_pixels():
    pixels, valid = make_pixels()
    mean3, deviation3, mean5, deviation5 = describe_neighbourhoods(pixels, valid, [3, 5], 2)
    assert {layer.shape for layer in (mean3, deviation3, mean5, deviation5)} == {(2, 8, 11)}
    for mean, deviation, half in ((mean3, deviation3, 1), (mean5, deviation5, 2)):
        around = np.s_[6 - half : 7 + half, 7 - half : 8 + half]
        seen = pixels[1][around][valid[around]]
        assert mean[1, 4, 5] == pytest.approx(seen.mean())
        assert deviation[1, 4, 5] == pytest.approx(seen.std())
