"""Targets hold what the labels say, and nothing of what is held out."""

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cropmine.classes import CROPLAND, HUMAN, IGNORE, MINED, NONCROPLAND, RANDOM, WEAK
from cropmine.config.regions import Split
from cropmine.geo.grids import GEOD
from cropmine.inputs.blocks import block_bounds, block_of
from cropmine.inputs.held_out import held_out_mask
from cropmine.inputs.label_pieces import draw_labels, split_of
from cropmine.inputs.label_rasters import burn_labels
from cropmine.inputs.splits import split_labels
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
from factories.labels import grids, locate_pixels, scatter_labels

slow = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])


def measure_distances(lon, lat, polygons):
    """Geodesic distance of each point to the nearest polygon, 0 inside; nearest places by a projection about them."""
    around = pyproj.CRS(f"+proj=aeqd +lat_0={lat.mean()} +lon_0={lon.mean()} +ellps=WGS84")
    there = pyproj.Transformer.from_crs(4326, around, always_xy=True)
    bent = shapely.segmentize(polygons, 1e-4)
    nearest = shapely.union_all(shapely.transform(bent, there.transform, interleaved=False))
    lines = shapely.shortest_line(shapely.points(*there.transform(lon, lat)), nearest)
    ends = there.transform(*shapely.get_coordinates(lines)[1::2].T, direction="INVERSE")
    return GEOD.inv(lon, lat, *ends)[2]


def find_held_out(pieces, splits, block_m):
    """Held-out pieces near the grid's labels, and their blocks' rectangles, found anew from inner points."""
    held_out = pieces.geometry.to_numpy()[splits != "train"]
    inside = shapely.get_coordinates(shapely.point_on_surface(held_out))
    return held_out, shapely.box(*block_bounds(*block_of(*inside.T, block_m), block_m))


@slow
@given(grids(), st.sampled_from(["holdout", "kfold", "field"]), st.integers(0, 10**6), st.data())
def test_nothing_trains_in_a_held_out_block_or_within_its_buffer(grid, method, seed, data):
    block_m, buffer_m = data.draw(st.floats(40, 300)), data.draw(st.sampled_from([0.0, 15.0, 60.0, 120.0]))
    rng = np.random.default_rng(seed)
    labels = scatter_labels(grid, rng, data.draw(st.integers(1, 8)))
    field = "part" if method == "field" else None
    split = Split(method=method, field=field, block_m=block_m, buffer_m=buffer_m, seed=seed)
    labels = labels if method == "field" else labels.drop(columns="split")
    pieces, _ = split_labels(labels, split, [0])
    splits = split_of(pieces, 1 if method == "kfold" else None, split.folds)
    human = burn_labels(pieces[draw_labels(pieces, splits, 1, 0)], grid)
    mined, weak = rng.choice(np.array([0, 1, 255], np.uint8), (2, *grid.shape))
    mask = held_out_mask(pieces, splits, grid, buffer_m, block_m)
    layers = [(weak, WEAK), (mined, MINED), (human, HUMAN)]
    target, source = compose_target(layers, mask_training(np.ones_like(mask), np.ones_like(mask), mask))

    held_out, blocks = find_held_out(pieces, splits, block_m)
    if not len(held_out):
        assert not mask.any()
        return
    trains = target != IGNORE
    assert not trains[mask].any() and (trains == (source != 0)).all()
    if not mask.all():
        centres = [part[~mask] for part in locate_pixels(grid)]
        assert (measure_distances(*centres, held_out) > buffer_m).all()
        corners = [locate_pixels(grid, right, down) for right in (0, 1) for down in (0, 1)]
        corners = [np.concatenate([part[~mask] for part in parts]) for parts in zip(*corners, strict=True)]
        assert (measure_distances(*corners, blocks) > buffer_m).all()
    lon, lat = (part[mask] for part in locate_pixels(grid))
    if len(lon):  # and the mask is no larger than it has to be: corners of a zone are square, pixels 10 m wide
        assert (measure_distances(lon, lat, blocks) < buffer_m * 2**0.5 + 30).all()


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
