import numpy as np
import pytest

from cropmine.errors import CropmineError
from cropmine.features.pixels import FeatureReader, PixelFeatures
from cropmine.inputs.contexts import TileContext
from factories.contexts import GRID, SIDE, draw_halves, write_context

PIXELS = np.random.default_rng(0).integers(100, 9000, (2, SIDE, SIDE)).astype(np.uint16)


def read(window):
    """Pixels of a window that may leave the tile."""
    column, row, width, height = window
    pixels, valid = np.zeros((2, height, width), np.uint16), np.zeros((height, width), bool)
    rows, columns = np.arange(row, row + height), np.arange(column, column + width)
    inside = np.ix_((rows >= 0) & (rows < SIDE), (columns >= 0) & (columns < SIDE))
    valid[inside] = True
    own = np.ix_(rows[(rows >= 0) & (rows < SIDE)], columns[(columns >= 0) & (columns < SIDE)])
    for channel in (0, 1):
        pixels[channel][inside] = PIXELS[channel][own]
    return pixels, valid


def test_features_come_in_the_order_of_their_description(tmp_path):
    features = PixelFeatures(("red", "nir"), (3,), ("ndvi",), segments=True, weak_map=True)
    context = write_context(tmp_path, *draw_halves())
    values, valid = FeatureReader(features, read, GRID, context).describe((10, 20, 32, 16))
    assert values.shape == (3 + 2 * 3 + 3 + 7, 16, 32) and values.dtype == np.float32 and valid.all()
    np.testing.assert_array_equal(values[:2], PIXELS[:, 20:36, 10:42])
    red, nir = values[:2].astype(float)
    np.testing.assert_allclose(values[2], (nir - red) / (nir + red), rtol=1e-4, atol=1e-7)
    assert values[3, 5, 5] == pytest.approx(PIXELS[0, 24:27, 14:17].mean())
    assert values[9, 5, 20] == pytest.approx(PIXELS[0, :, 24:36].mean())  # the mean of segment 1
    assert (values[12] == draw_halves()[0][20:36, 10:42]).all()


def test_a_pixel_is_the_same_in_every_window(tmp_path):
    features = PixelFeatures(("red", "nir"), (3, 9), segments=True, weak_map=True)
    reader = FeatureReader(features, read, GRID, write_context(tmp_path, *draw_halves()))
    whole, _ = reader.describe((0, 0, SIDE, SIDE))
    part, _ = reader.describe((17, 5, 20, 30))
    np.testing.assert_allclose(part, whole[:, 5:35, 17:37], rtol=1e-6)


def test_pixels_without_imagery_or_weak_map_are_invalid(tmp_path):
    weak, ids = draw_halves()
    known = np.ones(weak.shape, bool)
    known[:4] = False
    reader = FeatureReader(
        PixelFeatures(("red", "nir"), weak_map=True), read, GRID, write_context(tmp_path, weak, ids, known)
    )
    _, valid = reader.describe((-2, 0, 10, 10))
    assert not valid[:4].any() and not valid[:, :2].any() and valid[4:, 2:].all()


def test_segments_that_a_model_reads_must_be_there():
    with pytest.raises(CropmineError, match="the tile has none"):
        FeatureReader(PixelFeatures(("red", "nir"), segments=True), read, GRID, TileContext()).describe((0, 0, 4, 4))
