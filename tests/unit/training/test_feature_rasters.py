"""Rasters of features take the place of imagery under the same masks."""

import numpy as np
import pytest

from cropmine.errors import CropmineError
from cropmine.geo.rasters import write_raster
from cropmine.inputs.imagery import read_tile
from cropmine.inputs.tile_sources import TileSource
from cropmine.training.feature_rasters import use_rasters
from factories.tiles import make_grid


@pytest.fixture
def sources(tmp_path):
    grid, mask = make_grid(9, 6), np.zeros((6, 9), np.uint8)
    mask[2, 3] = 1
    write_raster(tmp_path / "image.tif", np.ones((2, 6, 9), np.uint16), grid)
    write_raster(tmp_path / "mask.tif", mask, grid)
    return {"a": TileSource((str(tmp_path / "image.tif"),), 2, (str(tmp_path / "mask.tif"),), (1.0,))}


def test_imagery_stays_where_there_are_no_rasters(sources):
    assert use_rasters(sources, []) == sources


def test_a_raster_is_read_with_all_its_bands_under_the_masks_of_the_imagery(sources, tmp_path):
    values = np.random.default_rng(0).normal(size=(5, 6, 9)).astype(np.float32)
    write_raster(tmp_path / "embeddings.tif", values, make_grid(9, 6))
    pixels, valid = read_tile(use_rasters(sources, [tmp_path / "embeddings.tif"])["a"])
    assert not valid[2, 3] and valid.sum() == 53
    np.testing.assert_array_equal(pixels, np.where(valid, values, 0))


def test_a_raster_on_another_grid_is_refused(sources, tmp_path):
    write_raster(tmp_path / "shifted.tif", np.ones((1, 6, 9), np.float32), make_grid(9, 6).window(3, 0, 9, 6))
    with pytest.raises(CropmineError, match="its grid isn't that of the imagery"):
        use_rasters(sources, [tmp_path / "shifted.tif"])
