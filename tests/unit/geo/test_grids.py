"""Where pixels are and how large they are."""

import numpy as np
import pytest
from affine import Affine
from pyproj import Geod, Transformer
from rasterio.crs import CRS

from cropmine.errors import CropmineError
from cropmine.geo.areas import pixel_areas
from cropmine.geo.grids import Grid, pixel_size_m, read_grid
from factories.rasters import PLACES, make_grid, write_plain


@pytest.mark.parametrize("crs", ["EPSG:3857", "EPSG:4326", "EPSG:32637"])
def test_the_ground_size_of_a_pixel_multiplies_to_its_area(crs):
    x, px = PLACES[crs]
    grid = make_grid(51, 51, crs, x, 50.0 if crs == "EPSG:4326" else 1e6, px, py=2 * px)
    east, north = pixel_size_m(grid)
    assert east * north == pytest.approx(np.broadcast_to(pixel_areas(grid), grid.shape)[25, 25], rel=1e-5)


def test_ten_metres_of_utm_are_a_little_more_on_the_ground_of_its_meridian():
    assert pixel_size_m(make_grid()) == pytest.approx((10 / 0.9996,) * 2, abs=1e-5)


@pytest.mark.parametrize("crs", ["EPSG:3857", "EPSG:4326", "EPSG:32637"])
def test_a_shift_is_in_true_metres_to_the_true_east_and_north(crs):
    x, px = PLACES[crs]
    grid = make_grid(100, 100, crs, x, 20.0 if crs == "EPSG:4326" else 2.5e6, px)
    to_lonlat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform
    before, after = to_lonlat(*grid.centre), to_lonlat(*grid.shifted(300, -400).centre)
    azimuth, _, metres = Geod(ellps="WGS84").inv(*before, *after)
    assert metres == pytest.approx(500, abs=0.01)
    assert azimuth == pytest.approx(np.degrees(np.arctan2(300, -400)), abs=1e-2)
    assert grid.shifted(0, 0) == grid


def test_a_rotated_grid_is_refused():
    with pytest.raises(CropmineError, match="north-up"):
        Grid(CRS.from_epsg(32637), Affine(10, 1, 0, 1, -10, 0), 4, 4)
    with pytest.raises(CropmineError, match="north-up"):
        Grid(CRS.from_epsg(32637), Affine(10, 0, 0, 0, 10, 0), 4, 4)


def test_a_grid_is_read_as_it_was_written(tmp_path):
    grid = make_grid(7, 5, "EPSG:3857", 4e6, 1e6, 4.777)
    assert read_grid(write_plain(tmp_path / "a.tif", np.zeros((5, 7), "u1"), grid)) == grid


def test_a_raster_without_crs_or_that_is_none_is_an_error_that_names_the_file(tmp_path):
    grid = make_grid()
    bare = Grid(CRS(), grid.transform, 32, 24)
    path = write_plain(tmp_path / "bare.tif", np.zeros((24, 32), "u1"), bare)
    with pytest.raises(CropmineError, match=r"bare\.tif: the raster has no CRS"):
        read_grid(path)
    with pytest.raises(CropmineError, match=r"none\.tif: no such file"):
        read_grid(tmp_path / "none.tif")
    (tmp_path / "text.tif").write_text("no raster")
    with pytest.raises(CropmineError, match=r"text\.tif: not a readable raster"):
        read_grid(tmp_path / "text.tif")


def test_a_grid_whose_crs_has_no_place_on_the_earth_is_refused_where_the_place_is_needed():
    local = Grid(CRS.from_wkt('LOCAL_CS["site",UNIT["metre",1]]'), Affine(10, 0, 0, 0, -10, 100), 10, 10)
    for measured in ("geod", "to_lonlat"):
        with pytest.raises(CropmineError, match="'site', has no place on the earth"):
            getattr(local, measured)
