"""Headers of rasters tell what a file holds, and whether it is whole."""

import numpy as np
import pytest

from cropmine.errors import CropmineError
from cropmine.geo import headers
from cropmine.geo.headers import read_raster_header
from cropmine.geo.rasters import write_raster
from factories.rasters import make_grid


def test_a_header_states_grid_bands_and_the_true_size_of_a_pixel(tmp_path):
    grid = make_grid(30, 20)
    write_raster(tmp_path / "a.tif", np.zeros((2, *grid.shape), np.uint16), grid, descriptions=["red", "nir"])
    header = read_raster_header(tmp_path / "a.tif")
    assert (header.grid, header.count, header.dtypes, header.alpha) == (grid, 2, ("uint16", "uint16"), False)
    assert header.descriptions == ("red", "nir")
    assert np.allclose(header.pixel_m, grid.transform.a, rtol=1e-3)


def test_a_file_without_its_last_block_is_refused(tmp_path):
    path = tmp_path / "short.tif"
    write_raster(path, np.random.default_rng(0).integers(0, 255, (600, 600)).astype("u1"), make_grid(600, 600))
    path.write_bytes(path.read_bytes()[:-50_000])
    with pytest.raises(CropmineError, match=r"short\.tif: .*(cut short or damaged|readable raster)"):
        read_raster_header(path)


def test_blocks_that_are_too_large_to_read_are_refused(tmp_path, monkeypatch):
    write_raster(tmp_path / "a.tif", np.zeros((256, 256), np.uint8), make_grid(256, 256))
    monkeypatch.setattr(headers, "MOST_BLOCK_BYTES", 256 * 256 - 1)
    with pytest.raises(CropmineError, match=r"a\.tif: its blocks are of 256 by 256 pixels"):
        read_raster_header(tmp_path / "a.tif")
