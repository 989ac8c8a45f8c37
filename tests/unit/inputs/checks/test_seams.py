"""A seam within a tile is found, and what lies on the ground isn't taken for one."""

import numpy as np
import pytest

from cropmine.inputs.checks.seams import find_seam
from factories.land import COLUMNS, LYING, OBLIQUE, ROWS, SIDE, UPRIGHT, make_land


def find(pixels, valid=None):
    return find_seam(pixels, np.ones(pixels.shape[1:], bool) if valid is None else valid)


@pytest.mark.parametrize(("side", "across", "start", "end"), [(UPRIGHT, False, 127.5, 127.5), (LYING, True, 100, 100)])
def test_half_a_tile_that_is_a_little_brighter_has_a_seam(side, across, start, end):
    seam = find(np.where(side, make_land() * 1.15, make_land()))
    assert seam.across == across and seam.side == SIDE
    assert (seam.start, seam.end) == pytest.approx((start, end), abs=2.5)


def test_a_seam_may_be_oblique_and_a_step_of_brightness():
    seam = find(np.where(OBLIQUE, make_land(), make_land() + 250))
    assert (seam.start, seam.end) == pytest.approx((180, 78), abs=3.5)


def test_a_seam_is_found_among_invalid_pixels():
    valid = ROWS - COLUMNS < 150
    pixels = np.where(UPRIGHT, make_land() * 1.3, make_land()) * valid
    assert find(pixels, valid) is not None
    assert find(make_land() * valid, valid) is None


def test_land_without_a_seam_has_none():
    assert [seed for seed in range(12) if find(make_land(seed))] == []
    assert find(np.full((4, SIDE, SIDE), 7, np.uint16)) is None
    assert find(make_land(), np.zeros((SIDE, SIDE), bool)) is None


@pytest.mark.parametrize("side", [UPRIGHT, OBLIQUE])
def test_a_straight_coast_border_or_road_is_no_seam(side):
    land, rng = make_land(), np.random.default_rng(1)
    water = 300 + rng.normal(0, 10, land.shape)
    assert find(np.where(side, water, land)) is None
    assert find(np.where(side, make_land(5, 1900), land)) is None
    road = side ^ np.roll(side, 3, axis=1)
    road[:, :3] = False
    assert find(np.where(road, 2500, land)) is None


def test_a_picture_too_small_to_tell_has_none():
    assert find(np.where(UPRIGHT, make_land() * 1.3, make_land())[:, 64:192, 64:192]) is None


def test_one_step_of_many_parallel_ones_is_no_seam():
    assert find(make_land() * np.where(COLUMNS // 20 % 2, 1.3, 1)) is None


@pytest.mark.parametrize(("step", "found"), [(450, True), (300, False)])
def test_a_step_that_noise_turns_round_in_a_fifth_of_the_rows_is_no_seam(step, found):
    noise = np.random.default_rng(0).normal(3000, 250, (1, SIDE, SIDE))
    assert (find(noise + np.where(UPRIGHT, step, 0)) is not None) == found


def test_a_side_of_another_contrast_is_no_seam():
    land = make_land()
    middle = np.median(land, axis=(1, 2), keepdims=True)
    assert find(np.where(UPRIGHT, middle + 3 * (land - middle) + 600, land)) is None
