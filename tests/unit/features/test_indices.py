import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cropmine.errors import CropmineError
from cropmine.features.indices import add_features

BANDS = ("blue", "green", "red", "nir")
REFLECTANCES = {"blue": 0.05, "green": 0.08, "red": 0.06, "nir": 0.4}
EXPECTED = {
    "ndvi": 0.34 / 0.46,
    "ndwi": -0.32 / 0.48,
    "savi": 1.5 * 0.34 / 0.96,
    "evi": 2.5 * 0.34 / (0.4 + 0.36 - 0.375 + 1),
}


def make_pixels(dtype, one, shape=(3, 4)):
    values = np.array([REFLECTANCES[band] * one for band in BANDS]).round(9)
    return np.broadcast_to(values[:, None, None], (4, *shape)).astype(dtype)


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize(("dtype", "one"), [(np.uint16, 10_000), (np.int16, 10_000), (np.float32, 1), (np.uint8, 100)])
def test_indices_are_those_of_the_papers(name, dtype, one):
    pixels = make_pixels(dtype, one)
    if dtype == np.uint8:
        pixels = (pixels.astype(float) * 2.55).astype(np.float32) / 255
    features = add_features(pixels, np.ones((3, 4), bool), BANDS, [name])
    assert features.dtype == np.float32
    np.testing.assert_allclose(features[4], EXPECTED[name], rtol=1e-5)


def test_a_byte_of_255_is_a_reflectance_of_one():
    pixels = np.full((4, 1, 1), 255, np.uint8)
    pixels[2] = 51
    savi = add_features(pixels, np.ones((1, 1), bool), BANDS, ["savi"])[4]
    assert savi[0, 0] == pytest.approx(1.5 * 0.8 / 1.7)


def test_no_names_give_the_pixels_themselves():
    pixels = make_pixels(np.uint16, 10_000)
    assert add_features(pixels, np.ones((3, 4), bool), BANDS, ()) is pixels


def test_features_follow_the_channels_date_by_date():
    pixels = np.concatenate([make_pixels(np.uint16, 10_000), make_pixels(np.uint16, 10_000)[::-1]])
    features = add_features(pixels, np.ones((3, 4), bool), ["Blue", "GREEN", "red", "NIR"], ["ndvi", "texture", "ndwi"])
    assert features.shape == (8 + 6, 3, 4)
    np.testing.assert_array_equal(features[:8], pixels)
    first, second = features[8:11, 0, 0], features[11:, 0, 0]
    np.testing.assert_allclose(first, [EXPECTED["ndvi"], 0, EXPECTED["ndwi"]], rtol=1e-5)
    np.testing.assert_allclose(second, [(0.05 - 0.08) / 0.13, 0, (0.06 - 0.05) / 0.11], rtol=1e-4)


def test_an_index_is_finite_and_within_bounds_where_its_divisor_vanishes_or_is_negative():
    pixels = np.array([[0, 9000, 300], [0, 5, 7], [0, 100, -400], [0, 200, 400]], np.int16)[:, None]
    features = add_features(pixels, np.ones((1, 3), bool), BANDS, tuple(EXPECTED))[4:]
    assert (np.abs(features) <= 1).all()
    np.testing.assert_array_equal(features[:, 0, 0], 0)


@pytest.mark.parametrize(("name", "missing"), [("ndvi", "nir"), ("ndwi", "green, nir"), ("evi", "blue, nir")])
def test_a_missing_band_is_named_with_a_hint(name, missing):
    with pytest.raises(CropmineError, match=rf"{name} needs the bands .*; red lack {missing}\. Hint: .*`bands`"):
        add_features(np.ones((1, 2, 2)), np.ones((2, 2), bool), ["red"], [name])


@settings(max_examples=30)
@given(st.integers(0, 999), st.sampled_from([(1, 1), (1, 9), (7, 2), (70, 6)]), st.sampled_from([1, 3]))
def test_texture_is_the_deviation_of_brightness_among_the_valid_pixels_around(seed, shape, bands):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 60_000, (bands, *shape), dtype=np.uint16)
    valid = rng.random(shape) < 0.7
    texture = add_features(pixels, valid, ["a", "b", "c"][:bands], ["texture"])[-1]
    for row, column in np.ndindex(shape):
        near = (slice(max(row - 2, 0), row + 3), slice(max(column - 2, 0), column + 3))
        values = pixels.mean(axis=0)[near][valid[near]]
        expected = values.std() if valid[row, column] else 0
        assert texture[row, column] == pytest.approx(expected, rel=1e-4, abs=1)


def test_a_flat_area_has_no_texture_at_all():
    pixels = np.full((3, 40, 30), 0.1, np.float32)
    assert not add_features(pixels, np.ones((40, 30), bool), "abc", ["texture"])[-1].any()


def test_the_values_under_the_mask_change_nothing():
    rng = np.random.default_rng(0)
    pixels, valid = rng.random((4, 30, 20), np.float32), rng.random((30, 20)) < 0.6
    names = ("ndvi", "ndwi", "evi", "savi", "texture")
    one, two = (add_features(np.where(valid, pixels, fill), valid, BANDS, names) for fill in (np.nan, 1e30))
    np.testing.assert_array_equal(one, two)
    assert np.isfinite(one).all()
    assert not one[:, ~valid].any()
