"""Geometries: polygons kept of what a repair leaves, circles about points, places on a grid."""

import numpy as np
import pytest
import shapely
from rasterio.crs import CRS
from rasterio.transform import from_origin

from cropmine.geo.geometries import _near_grid, draw_circles, keep_polygons, place_on_grid
from cropmine.geo.grids import Grid


def test_a_circle_at_the_antimeridian_is_in_one_piece():
    for lon in (-180, -179.9999, 179.9999, 180):
        (circle,) = draw_circles(np.array([shapely.Point(lon, 0)]), 50)
        west, _, east, _ = circle.bounds
        assert (west + east) / 2 == pytest.approx(lon) and (east - west) * 111_319.5 == pytest.approx(100, rel=1e-3)


def test_only_polygons_are_kept_of_what_a_cut_or_a_repair_leaves():
    square, other = shapely.box(0, 0, 1, 1), shapely.box(2, 0, 3, 1)
    line, point = shapely.LineString([(0, 0), (5, 5)]), shapely.Point(9, 9)
    both = shapely.MultiPolygon([square, other])
    mixed = shapely.GeometryCollection([line, square, point])
    nested = shapely.GeometryCollection([both, shapely.MultiPoint([(9, 9), (8, 8)])])
    kept = keep_polygons([square, both, line, point, mixed, nested, shapely.GeometryCollection([line])])
    expected = [square, both, shapely.Polygon(), shapely.Polygon(), square, both, shapely.Polygon()]
    assert kept.dtype == object and shapely.equals(kept, expected).all()
    assert np.isin(shapely.get_type_id(kept), (3, 6, 7)).all() and shapely.get_type_id(kept[2]) == 3


def test_polygons_far_from_a_grid_do_no_harm():
    grid = Grid(CRS.from_epsg(32737), from_origin(250_000, 9_890_000, 10, 10), 100, 80)
    lon = np.array([36.7525, 36.7598, -140, 100, 126.76, 36.77])
    south, north = np.array([[-1.0, -1.0, 1, 89.9, 0, -1.0], [-0.998, -0.998, 2, 90, 1, -0.9]])
    boxes = shapely.box(lon, south, lon + 0.002, north)
    positions, placed = place_on_grid(boxes, grid)
    assert positions.tolist() == [0, 1]
    assert shapely.intersects(placed, shapely.box(*grid.bounds)).all()
    assert [len(part) for part in place_on_grid(boxes[:0], grid)] == [0, 0]


def test_a_polygon_that_only_touches_a_grid_does_not_meet_it():
    grid = Grid(CRS.from_epsg(4326), from_origin(36, 1, 0.125, 0.125), 8, 8)
    beside = shapely.box([35, 37, 36, 36], [0, 0, -1, 1], [36, 38, 37, 37], [1, 1, 0, 2])
    over = shapely.box([35, 36.75, 36, 36], [0, 0, -1, 0.75], [36.25, 38, 37, 37], [1, 1, 0.25, 2])
    positions, placed = place_on_grid([*beside, *over], grid)
    assert positions.tolist() == [4, 5, 6, 7]
    assert shapely.covers(placed, over).all()


def test_only_polygons_near_a_grid_are_taken_into_its_crs():
    grid = Grid(CRS.from_epsg(32737), from_origin(250_000, 9_890_000, 10, 10), 100, 80)
    west = np.array([36.7525, 36.7598, 36.6, 36.77, 36.7575, -140])
    east = np.array([36.7545, 36.7618, 36.9, 36.772, 36.7595, -139])
    south, north = np.array([[-1.0, -1.0, -1.1, -1.0, -0.9, 1], [-0.998, -0.998, -0.9, -0.998, -0.898, 2]])
    assert _near_grid(shapely.box(west, south, east, north), grid).tolist() == [0, 1, 2]
