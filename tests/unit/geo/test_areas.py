"""True areas of pixels, by projection and place."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod, Transformer

from cropmine.geo.areas import pixel_areas
from factories.rasters import PLACES, make_grid


def measure_pixel(grid, col, row):
    """Area of one pixel as a densified polygon on the ellipsoid of WGS 84."""
    step = np.linspace(0, 1, 20)
    cols = np.r_[col + step, col + 1 + 0 * step, col + 1 - step, col + 0 * step]
    rows = np.r_[row + 0 * step, row + step, row + 1 + 0 * step, row + 1 - step]
    x, y = grid.transform.c + cols * grid.transform.a, grid.transform.f + rows * grid.transform.e
    lon, lat = Transformer.from_crs(grid.crs.to_wkt(), "EPSG:4326", always_xy=True).transform(x, y)
    return abs(Geod(ellps="WGS84").polygon_area_perimeter(lon, lat)[0])


@pytest.mark.parametrize("latitude", [-35.0, 0.0, 10.0, 20.0, 52.0])
@pytest.mark.parametrize("crs", ["EPSG:3857", "EPSG:4326", "EPSG:32637"])
def test_areas_are_those_of_the_pixels_as_polygons_on_the_ellipsoid(crs, latitude):
    x, px = PLACES[crs]
    lon = 36.0 if crs == "EPSG:4326" else 37.0
    y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lon, latitude)[1]
    grid = make_grid(120, 90, crs, x, y, px)
    areas = np.broadcast_to(pixel_areas(grid), grid.shape)
    for col, row in ((0, 0), (119, 89), (60, 3)):
        assert areas[row, col] == pytest.approx(measure_pixel(grid, col, row), rel=1e-5)


@pytest.mark.parametrize(("crs", "y"), [("EPSG:3035", 3e6), ("EPSG:2229", 1.8e6)])
def test_areas_are_right_in_other_projections_and_units(crs, y):
    x, px = PLACES[crs]
    grid = make_grid(50, 40, crs, x, y, px)
    assert np.broadcast_to(pixel_areas(grid), grid.shape)[20, 30] == pytest.approx(
        measure_pixel(grid, 30, 20), rel=1e-5
    )


def test_web_mercator_isnt_taken_for_true_area():
    grid = make_grid(4, 4, "EPSG:3857", 4e6, 2.273e6, 4.777)
    assert 4.777**2 / pixel_areas(grid)[0, 0] == pytest.approx(1.138, abs=0.003)
    assert pixel_areas(make_grid(4, 4, "EPSG:3857", 4e6, 10.0, 4.777))[0, 0] == pytest.approx(
        4.777**2 * 0.99331, rel=1e-4
    )


def test_utm_areas_change_across_a_wide_tile():
    grid = make_grid(2000, 8, x=200_000.0, px=100.0)
    areas = pixel_areas(grid)
    assert areas.shape == grid.shape
    for col in (0, 700, 1999):
        assert areas[4, col] == pytest.approx(measure_pixel(grid, col, 4), rel=2e-6)


@given(
    crs=st.sampled_from(["EPSG:3857", "EPSG:4326", "EPSG:32637"]),
    place=st.tuples(*[st.integers(-40, 40)] * 2, *[st.integers(1, 40)] * 2),
)
@settings(max_examples=40)
def test_a_window_has_the_areas_and_the_place_that_its_pixels_have_in_the_whole(crs, place):
    x, px = PLACES[crs]
    grid = make_grid(100, 100, crs, x, 30.0 if crs == "EPSG:4326" else 1e6, px).padded(80)
    col, row, width, height = (place[0] + 80, place[1] + 80, place[2], place[3])
    window = grid.window(col, row, width, height)
    assert window.shape == (height, width)
    assert np.allclose(window.transform @ (0, 0), grid.transform @ (col, row))
    whole = np.broadcast_to(pixel_areas(grid), grid.shape)[row : row + height, col : col + width]
    assert np.allclose(np.broadcast_to(pixel_areas(window), window.shape), whole, rtol=3e-6)
    assert window.padded(3).window(3, 3, width, height).aligns(window)
