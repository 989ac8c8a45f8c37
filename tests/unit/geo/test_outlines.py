"""Outlines of labelled pixels: valid polygons that cover exactly their pixels."""

import numpy as np
import pytest
import rasterio.features
import scipy.ndimage
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio import Affine

from cropmine.geo.outlines import polygonise_labels
from factories.segments import CLUSTERS, TRANSFORM, segment_all


def rasterise(ids, polygons, shape, transform=TRANSFORM):
    if not len(ids):
        return np.zeros(shape, dtype=np.uint32)
    pairs = [(polygon, int(k)) for polygon, k in zip(polygons, ids, strict=True)]
    return rasterio.features.rasterize(pairs, out_shape=shape, transform=transform, dtype="uint32")


@settings(max_examples=300)
@given(CLUSTERS, st.integers(0, 2**32 - 1))
def test_polygons_are_valid_and_cover_exactly_the_pixels_of_their_segment(clusters, seed):
    ids, cluster_of_segment = segment_all(clusters)
    keep = np.random.default_rng(seed).random(len(cluster_of_segment)) < 0.7
    keep[0] = False
    chosen, polygons = polygonise_labels(ids, TRANSFORM, keep)
    np.testing.assert_array_equal(chosen, np.flatnonzero(keep))
    assert shapely.is_valid(polygons).all()
    np.testing.assert_array_equal(rasterise(chosen, polygons, ids.shape), np.where(keep[ids], ids, 0))
    np.testing.assert_allclose(shapely.area(polygons), np.bincount(ids.ravel())[chosen] * 4.777**2, rtol=1e-6)


@given(CLUSTERS)
def test_polygons_are_those_of_gdal(clusters):
    ids, cluster_of_segment = segment_all(clusters)
    chosen, polygons = polygonise_labels(ids, Affine.identity(), np.ones(len(cluster_of_segment), dtype=bool))
    shapes = rasterio.features.shapes(ids.astype(np.int32), mask=ids > 0)
    expected = {int(value): shapely.geometry.shape(geometry) for geometry, value in shapes}
    assert sorted(expected) == chosen.tolist()
    for k, polygon in zip(chosen, polygons, strict=True):
        assert polygon.equals(expected[k])


def test_vertices_stand_only_where_the_outline_turns_and_shells_are_anticlockwise():
    ids = np.ones((7, 9), dtype=np.uint32)
    ids[2:4, 3:5] = 0
    (polygon,) = polygonise_labels(ids, TRANSFORM, [False, True])[1]
    assert len(polygon.exterior.coords) == 5
    assert polygon.exterior.is_ccw
    assert [len(hole.coords) for hole in polygon.interiors] == [5]
    assert not polygon.interiors[0].is_ccw


@pytest.mark.parametrize(
    ("picture", "holes"),
    [
        (["110", "101", "111"], 1),  # the hole touches the outside by a corner
        (["11111", "10111", "11011", "11111"], 2),  # two holes touch by a corner
        (["1111", "1001", "1011", "1101", "1111"], 2),
        (["11111", "10101", "11011", "10101", "11111"], 5),
    ],
)
def test_outlines_that_touch_by_a_corner_are_valid(picture, holes):
    ids = np.array([[int(c) for c in row] for row in picture], dtype=np.uint32)
    assert scipy.ndimage.label(ids)[1] == 1
    (polygon,) = polygonise_labels(ids, TRANSFORM, [False, True])[1]
    assert polygon.is_valid
    assert len(polygon.interiors) == holes
    np.testing.assert_array_equal(rasterise([1], [polygon], ids.shape), ids)


def test_a_grid_from_south_to_north_is_traced_too():
    ids, _ = segment_all(np.array([[1, 1, 2], [1, 2, 2]], dtype=np.uint8))
    transform = Affine(2, 0, 100, 0, 3, 50)
    chosen, polygons = polygonise_labels(ids, transform, np.ones(3, dtype=bool))
    assert shapely.is_valid(polygons).all()
    np.testing.assert_array_equal(rasterise(chosen, polygons, ids.shape, transform), ids)


def test_nothing_kept_gives_no_polygons():
    chosen, polygons = polygonise_labels(np.ones((2, 2), dtype=np.uint32), TRANSFORM, [True, False])
    assert len(chosen) == len(polygons) == 0
