"""A weak map is read as codes where it and the imagery are valid, and only round the labels that are asked for."""

import numpy as np
import pytest

from cropmine.config.regions import WeakMap
from cropmine.inputs.tile_sources import TileSource
from cropmine.scoring.weak_codes import read_weak_codes
from factories.rasters import make_grid, write_plain

GRID = make_grid(20, 10)


@pytest.fixture
def tile(tmp_path):
    pixels = np.ones((1, 10, 20), np.uint16)
    pixels[:, :2] = 0
    weak = np.zeros((10, 20), np.uint8)
    weak[:, 8:] = 1
    weak[:, 16:] = 255
    path = write_plain(tmp_path / "w.tif", weak, GRID, nodata=255)
    image = write_plain(tmp_path / "i.tif", pixels, GRID, nodata=0)
    return (path, WeakMap(path=str(path))), TileSource((str(image),), 1)


def test_codes_are_0_and_200_and_255_where_map_or_imagery_is_invalid(tile):
    codes = read_weak_codes(*tile, GRID)
    assert (codes[:2] == 255).all()
    assert codes[2:].tolist() == [[0] * 8 + [200] * 8 + [255] * 4] * 8


def test_only_the_rectangle_round_the_labels_is_read(tile):
    ids = np.zeros(GRID.shape, np.int32)
    ids[3, 4], ids[5, 9] = 1, 2
    codes = read_weak_codes(*tile, GRID, ids)
    whole = read_weak_codes(*tile, GRID)
    assert (codes[3:6, 4:10] == whole[3:6, 4:10]).all()
    codes[3:6, 4:10] = 255
    assert (codes == 255).all()
