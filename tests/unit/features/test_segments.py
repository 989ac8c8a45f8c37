import numpy as np
import pytest

from cropmine.features.segments import average_segments, read_fractions, read_ids
from factories.contexts import SIDE, draw_halves, write_context


@pytest.fixture
def context(tmp_path):
    return write_context(tmp_path, *draw_halves())


def test_ids_beyond_the_tile_are_none(context):
    ids = read_ids(context.segments, (SIDE - 30, -5, 40, 10))
    assert ids.shape == (10, 40) and ids.dtype == np.uint32
    assert (ids[:5] == 0).all() and (ids[:, 30:] == 0).all()
    assert (ids[5:, 0:2] == 1).all() and (ids[5:, 6:10] == 2).all()
    assert (read_ids(context.segments, (SIDE, 0, 4, 4)) == 0).all()


def test_fractions_are_those_of_segments_and_none_has_none(context):
    fractions = read_fractions(context.overlap)
    assert np.isnan(fractions[0])
    assert fractions[1:] == pytest.approx([8 / 12, 0])


def test_pixels_get_the_means_of_their_segment_and_keep_their_own_value_without_one(context):
    pixels = np.random.default_rng(0).integers(0, 9000, (2, SIDE, SIDE)).astype(np.float64)

    def read(window):
        column, row, width, height = window
        return pixels[:, row : row + height, column : column + width], np.ones((height, width), bool)

    means = average_segments(context.segments, read)
    window = 20, 10, 30, 8
    seen = means.read(window, read(window)[0])
    assert seen.dtype == np.float32 and seen.shape == (2, 8, 30)
    assert seen[1, 0, 5] == pytest.approx(pixels[1, :, 24:36].mean())
    assert seen[0, 3, 21] == pytest.approx(pixels[0, :, 40:44].mean())
    np.testing.assert_allclose(seen[:, :, 0], pixels[:, 10:18, 20])
