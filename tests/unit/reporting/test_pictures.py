"""Colours and scale bars of pictures."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb

from cropmine.mapping.colours import CROPLAND_COLOUR, NONCROPLAND_COLOUR
from cropmine.reporting.pictures import EMPTY_COLOUR, choose_bar, colour_classes, colour_codes, stretch_colours


def test_classes_have_their_colours_and_all_else_is_empty():
    shown = colour_classes(np.array([[0, 1, 255, 7]], np.uint8))
    expected = [NONCROPLAND_COLOUR, CROPLAND_COLOUR, EMPTY_COLOUR, EMPTY_COLOUR]
    assert shown[0].tolist() == [list(to_rgb(colour)) for colour in expected]


def test_probability_without_data_is_empty():
    assert colour_codes(np.array([[255]], np.uint8))[0, 0].tolist() == list(to_rgb(EMPTY_COLOUR))


def test_true_colour_takes_the_bands_by_name_in_any_order():
    pixels = np.stack([np.full((2, 2), value) for value in (1, 2, 3, 4)]).astype(np.uint16)
    pixels[:, 0, 0] = 0
    pixels[2, 1, 1] = 9  # red
    shown = stretch_colours(pixels, np.ones((2, 2), bool), ["nir", "Blue", "Red", "green"])
    assert shown[1, 1].argmax() == 0
    assert shown.shape == (2, 2, 3)


def test_invalid_imagery_is_empty_and_has_no_part_in_the_stretch():
    pixels = np.tile(np.arange(16, dtype=np.float32).reshape(4, 4), (3, 1, 1))
    valid = np.ones((4, 4), bool)
    valid[0, 0] = False
    other = pixels.copy()
    other[:, 0, 0] = 1e6
    first, second = (stretch_colours(array, valid, ["red", "green", "blue"]) for array in (pixels, other))
    assert (first == second).all()
    assert np.allclose(first[0, 0], to_rgb(EMPTY_COLOUR))


def test_imagery_without_a_valid_pixel_or_with_one_band_is_shown():
    assert np.allclose(stretch_colours(np.zeros((1, 2, 2)), np.zeros((2, 2), bool), ["sar"]), to_rgb(EMPTY_COLOUR))


@given(st.floats(1, 1e7))
def test_a_scale_bar_is_round_and_fits(width):
    bar = choose_bar(width)
    assert width / 12 <= bar <= width / 4 * (1 + 1e-6)
    assert round(bar / 10 ** math.floor(math.log10(bar) + 1e-9), 6) in (1, 2, 5)
