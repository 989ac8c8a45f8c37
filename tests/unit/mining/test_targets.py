"""Targets hold what the labels say, and nothing of what is held out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cropmine.classes import CROPLAND, HUMAN, IGNORE, MINED, NONCROPLAND, RANDOM, WEAK
from cropmine.mining.targets import (
    CLOSED,
    HUMAN_ONLY,
    OPEN,
    compose_target,
    draw_random_like,
    look_up,
    mask_training,
    select_weak,
)


def test_human_labels_win_over_mined_over_weak():
    layers = [[1, 255, 255, 255, 0], [0, 0, 255, 255, 1], [0, 1, 1, 255, 1]]
    human, mined, weak = np.array(layers, np.uint8)[:, None]
    mask = np.array([[OPEN, OPEN, OPEN, OPEN, CLOSED]], np.uint8)
    bands = compose_target([(weak, WEAK), (mined, MINED), (human, HUMAN)], mask)
    assert bands.tolist() == [[[1, 0, 1, 255, 255]], [[HUMAN, MINED, WEAK, 0, 0]]] and bands.dtype == np.uint8
    assert compose_target([], mask).tolist() == [[[255] * 5], [[0] * 5]]
    bands = compose_target([(weak, WEAK), (mined, RANDOM)], np.array([[OPEN, OPEN, OPEN, OPEN, OPEN]], np.uint8))
    assert bands[1].tolist() == [[RANDOM, RANDOM, WEAK, 0, RANDOM]]


def test_strips_of_rows_are_composed_alike(monkeypatch):
    rng = np.random.default_rng(0)
    layers = [(rng.choice([0, 1, 255], (300, 5)).astype(np.uint8), source) for source in (WEAK, MINED, HUMAN)]
    mask = rng.choice([CLOSED, HUMAN_ONLY, OPEN], (300, 5)).astype(np.uint8)
    strips = compose_target(layers, mask)
    monkeypatch.setattr("cropmine.mining.targets.STRIP_ROWS", 1000)
    np.testing.assert_array_equal(strips, compose_target(layers, mask))


def test_where_an_exclusion_lies_only_human_labels_train():
    valid, ordinary, held_out = np.array([[[1, 1, 1, 0, 1]], [[1, 0, 1, 1, 0]], [[0, 0, 1, 0, 1]]], bool)
    mask = mask_training(valid, ordinary, held_out)
    assert mask.tolist() == [[OPEN, HUMAN_ONLY, CLOSED, CLOSED, CLOSED]]
    ones = np.ones(mask.shape, np.uint8)
    assert compose_target([(ones, MINED)], mask)[0].tolist() == [[1, 255, 255, 255, 255]]
    assert compose_target([(ones, HUMAN)], mask)[0].tolist() == [[1, 1, 255, 255, 255]]


@given(st.integers(0, 10**6))
def test_random_labels_are_as_many_as_the_mined_and_lie_where_allowed(seed):
    rng = np.random.default_rng(seed)
    mined = rng.choice(np.array([0, 1, 255], np.uint8), (7, 9), p=rng.dirichlet(np.ones(3)))
    allowed = rng.random((7, 9)) < rng.random()
    drawn = draw_random_like(mined, allowed, np.random.default_rng(seed))
    assert (drawn[~allowed] == IGNORE).all() and drawn.dtype == np.uint8
    for cls in (NONCROPLAND, CROPLAND):
        assert (drawn == cls).sum() == ((mined == cls) & allowed).sum()
    assert (drawn == draw_random_like(mined, allowed, np.random.default_rng(seed))).all()


@pytest.mark.parametrize(
    ("names", "expected"),
    [([], [255, 255, 255]), (["cropland"], [255, 1, 255]), (["noncropland", "cropland"], [0, 1, 255])],
)
def test_weak_labels_are_of_the_classes_asked_for(names, expected):
    classes, valid = np.array([[0, 1, 1]], np.uint8), np.array([[True, True, False]])
    assert select_weak(classes, valid, names).tolist() == [expected]
    assert select_weak(classes, valid, names).dtype == np.uint8


def test_segments_are_looked_up_as_by_an_index():
    rng = np.random.default_rng(0)
    lut, ids = rng.integers(0, 256, 40).astype(np.uint8), rng.integers(0, 40, (150, 7)).astype(np.uint32)
    assert (look_up(lut, ids) == lut[ids]).all()
    given = np.zeros(ids.shape, np.uint8)
    assert look_up(lut, ids, out=given) is given and (given == lut[ids]).all()
    with pytest.raises(IndexError, match="segment 39 isn't among the 38"):
        look_up(lut[:39], np.full((1, 1), 39, np.uint32))
