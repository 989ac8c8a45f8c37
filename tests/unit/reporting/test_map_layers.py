"""Layers of the web map: pictures on grids of their own."""

import geopandas
import numpy as np
import pytest
import shapely

from cropmine.geo.grids import read_grid
from cropmine.geo.rasters import write_raster
from cropmine.mapping.map_tiles import write_map
from cropmine.reporting.map_layers import (
    LAYER_PX,
    coarsen_grid,
    compare_maps,
    find_corners,
    plan_grids,
    stretch,
    warp_bands,
    warp_imagery,
)
from factories.rasters import make_grid
from factories.reports import change_files, make_region


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    return make_region(tmp_path_factory.mktemp("region"))


def test_a_grid_has_the_tiles_own_pixels_where_these_lie_in_web_mercator_and_few_enough_are_needed():
    tiles = {f"t{i}": make_grid(100, 80, "EPSG:3857", x=1000 + 400 * i, y=5000, px=4) for i in range(2)}
    (grid,) = plan_grids(tiles, list(tiles))
    assert grid.transform == tiles["t0"].transform and grid.shape == (80, 200)


def test_a_large_region_is_thinned_and_scattered_tiles_have_grids_of_their_own():
    large = {"t": make_grid(9000, 3000, "EPSG:3857", px=4)}
    (grid,) = plan_grids(large, ["t"])
    assert max(grid.shape) == LAYER_PX and grid.transform.a == 9000 * 4 / LAYER_PX
    apart = {f"t{i}": make_grid(100, 100, "EPSG:3857", x=1_000_000 * i, y=0, px=4) for i in range(6)}
    assert len(plan_grids(apart, list(apart))) == 4


def test_pictures_lie_where_their_rasters_do(tmp_path):
    grid = make_grid(400, 300, "EPSG:32637", x=500_000, y=1_000_000)
    classes = np.zeros((3, 300, 400), np.uint8)
    classes[1, 90:120, 200:260] = 1
    write_map(tmp_path / "map.tif", classes, grid, {})
    (web,) = plan_grids({"t": grid}, ["t"])
    laid = warp_bands(web, [str(tmp_path / "map.tif")])[2]
    rows, columns = np.nonzero(laid == 1)
    x, y = web.transform @ (columns.mean() + 0.5, rows.mean() + 0.5)
    expected = geopandas.GeoSeries([shapely.Point(*(grid.transform @ (230, 105)))], crs=32637).to_crs(3857).iloc[0]
    assert np.hypot(x - expected.x, y - expected.y) < web.transform.a
    (south, west), (north, east) = find_corners(web)
    lonlat = geopandas.GeoSeries([expected], crs=3857).to_crs(4326).iloc[0]
    assert west < lonlat.x < east and south < lonlat.y < north


def test_an_overview_is_four_times_coarser_than_the_files_and_the_full_picture_as_sharp(region):
    files = read_grid(region.files.images["t0"][0])
    (web,) = plan_grids({"t0": files}, ["t0"])
    sharp, coarse = (warp_imagery(web, region, mode)[1] for mode in ("full", "overview"))
    assert sharp == web
    assert coarse.transform.a >= 3.99 * web.transform.a
    assert np.allclose(coarsen_grid(web, 1).bounds, web.bounds)


def test_imagery_without_data_is_transparent(tmp_path, region):
    grid = make_grid(60, 40, "EPSG:3857", px=4)
    pixels = np.full((4, 40, 60), 700, np.uint16)
    pixels[:, :, 30:] = 0
    write_raster(tmp_path / "image.tif", pixels, grid, nodata=0)
    changed = change_files(region, images={"t0": [str(tmp_path / "image.tif")]})
    (web,) = plan_grids({"t0": grid}, ["t0"])
    shown, _ = warp_imagery(web, changed, "full")
    assert (shown[:, :30, 3] == 255).all() and (shown[:, 30:, 3] == 0).all()
    assert np.array_equal(stretch(np.zeros((3, 2, 2)), np.zeros((2, 2), bool)), np.zeros((2, 2, 3)))


def test_where_two_maps_differ_is_told_apart():
    classes, weak = np.array([[0, 1, 1, 0, 255]], np.uint8), np.array([[0, 1, 0, 1, 1]], np.uint8)
    assert compare_maps(classes, weak).tolist() == [[0, 1, 2, 3, 255]]
