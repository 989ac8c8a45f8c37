"""Where tiles are, in any CRS."""

import numpy as np

from cropmine.geo.footprints import Footprint, meet, transform_bounds
from factories.rasters import make_grid

NAN = float("nan")


def test_bounds_meet_where_they_share_an_area():
    bounds = np.array([[0, 0, 2, 2], [2, 0, 3, 2], [NAN] * 4])
    assert meet(bounds, [1, 1, 2, 2]).tolist() == [True, False, False]
    assert meet(bounds, bounds).tolist() == [True, True, False]


def test_tiles_of_several_crs_have_bounds_in_one():
    tiles = Footprint(("a", "b"), (make_grid(10, 10), make_grid(10, 10, x=600_000)))
    wkt = tiles.grids[0].crs.to_wkt()
    assert np.allclose(tiles.bounds_in(wkt), [grid.bounds for grid in tiles.grids])
    assert np.allclose(tiles.lonlat, tiles.bounds_in("EPSG:4326"))
    west, south, east, north = tiles.lonlat.T
    assert (west < east).all() and (south < north).all() and east[0] < west[1]


def test_bounds_that_a_crs_cannot_hold_are_nan():
    away = "+proj=ortho +lat_0=0 +lon_0=-141"
    assert np.isnan(transform_bounds([[36, -1, 37, 0]], "EPSG:4326", away)).all()
