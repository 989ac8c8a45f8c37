import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cropmine.mining.clusters import (
    assign_clusters,
    fit_codebook,
    sample_pixels,
)
from cropmine.mining.segments import label_segments

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12)
CLUSTERS = hnp.arrays(np.uint8, SHAPES, elements=st.integers(0, 3))


def label_by_scipy(clusters, areas, least, most):
    """What label_segments gives, by scipy and plainly."""
    ids, ends = np.zeros(clusters.shape, dtype=np.uint32), [0]
    areas = np.broadcast_to(areas, clusters.shape)
    for cluster in range(1, int(clusters.max()) + 1):
        components, n = scipy.ndimage.label(clusters == cluster)
        firsts = [np.flatnonzero(components == k)[0] for k in range(1, n + 1)]
        for k in np.argsort(firsts) + 1:
            area = areas[components == k].sum()
            if least <= area <= (np.inf if most is None else most):
                ids[components == k] = len(ends)
                ends.append(cluster)
    return ids, np.array(ends, dtype=np.uint8)


@given(CLUSTERS, st.sampled_from([0, 2, 4]), st.sampled_from([None, 6]), st.sampled_from(["one", "rows", "pixels"]))
def test_segments_are_the_4_connected_pixels_of_a_cluster_within_the_areas(clusters, least, most, kind):
    height, width = clusters.shape
    areas = np.arange(1, height * width + 1).reshape(height, width) / 8
    areas = {"one": np.ones((1, 1)), "rows": areas[:, :1], "pixels": areas}[kind]
    ids, cluster_of_segment = label_segments(clusters, areas, least, most)
    expected_ids, expected_clusters = label_by_scipy(clusters, areas, least, most)
    assert ids.dtype == np.uint32
    np.testing.assert_array_equal(ids, expected_ids)
    np.testing.assert_array_equal(cluster_of_segment, expected_clusters)


@given(CLUSTERS, st.integers(1, 40), st.sampled_from([None, 6]), st.sampled_from([1, 20, 1 << 21]))
def test_bands_of_rows_change_no_segment_nor_do_strips_that_are_summed_at_once(clusters, band_px, most, strip_px):
    areas = np.arange(1, len(clusters) + 1)[:, None] / 4
    whole = label_segments(clusters, areas, 1, most)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cropmine.mining.segments.STRIP_PX", strip_px)
        banded = label_segments(clusters, lambda top, bottom: areas[top:bottom], 1, most, band_px=band_px)
    for one, other in zip(whole, banded, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_segment_whose_parts_meet_far_from_its_end_is_one():
    clusters = np.array([[1, 1, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1], [1, 1, 1]], dtype=np.uint8)
    ids, cluster_of_segment = label_segments(clusters, np.ones((1, 1)), 1, None, band_px=1)
    assert cluster_of_segment.tolist() == [0, 1]
    np.testing.assert_array_equal(ids, clusters)


def test_segments_that_span_the_same_bands_stay_apart():
    clusters = np.array([[1, 2, 1, 3]] * 3, dtype=np.uint8)
    ids, cluster_of_segment = label_segments(clusters, np.ones((1, 1)), 1, None, band_px=4)
    assert ids.tolist() == [[1, 3, 2, 4]] * 3
    assert cluster_of_segment.tolist() == [0, 1, 1, 2, 3]


def test_a_segment_that_spans_many_chunks_of_rows_is_one():
    clusters = np.ones((1000, 3), dtype=np.uint8)
    clusters[::2, 1] = 2
    ids, cluster_of_segment = label_segments(clusters, np.full((1000, 1), 2.0), 3, 5000)
    assert cluster_of_segment.tolist() == [0, 1]
    np.testing.assert_array_equal(ids, clusters == 1)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1)])
def test_tiles_of_a_single_row_or_column_are_segmented(shape):
    pixels, valid = np.full((2, *shape), 7, dtype=np.uint16), np.ones(shape, dtype=bool)
    samples = sample_pixels(pixels, valid, 100, np.random.default_rng(0))
    clusters = assign_clusters(pixels, valid, fit_codebook(samples, 10, 0))
    ids, cluster_of_segment = label_segments(clusters, np.ones((shape[0], 1)), 0, None)
    assert (ids == 1).all()
    assert cluster_of_segment.tolist() == [0, 1]
