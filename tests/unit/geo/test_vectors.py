"""Polygon files of users, read onto a grid."""

import geopandas
import numpy as np
import pyproj
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS
from rasterio.transform import from_origin

from cropmine.errors import CropmineError
from cropmine.geo.geometries import _near_grid, draw_circles, keep_polygons, place_on_grid
from cropmine.geo.grids import Grid
from cropmine.geo.vector_limits import SIMPLE_BYTES
from cropmine.geo.vectors import read_geoparquet, read_polygons

UTM = pyproj.CRS.from_epsg(32637)
GRID = Grid(UTM, Affine(10, 0, 500_000, 0, -10, 100_000), 20, 20)
FIELD = shapely.box(500_050, 99_850, 500_150, 99_950)
MANY = shapely.Point(500_100, 99_900).buffer(40, quad_segs=SIMPLE_BYTES // 32)


def write_parquet(path, geometries, crs=UTM, **columns):
    geopandas.GeoDataFrame(columns, geometry=geometries, crs=crs).to_parquet(path)
    return path


@pytest.mark.parametrize(
    "mixed",
    [
        shapely.MultiPolygon([MANY, FIELD]),
        shapely.GeometryCollection([shapely.Point(500_000, 99_900), MANY.exterior, MANY]),
        shapely.force_3d(shapely.GeometryCollection([MANY.exterior, shapely.MultiPolygon([MANY])])),
        shapely.GeometryCollection([shapely.GeometryCollection([MANY]), FIELD]),
    ],
)
def test_geometries_of_many_vertices_and_kinds_are_read_as_they_are(mixed, tmp_path):
    path = write_parquet(tmp_path / "mixed.parquet", [mixed, FIELD])
    assert shapely.equals(read_geoparquet(path).geometry.to_numpy(), np.array([mixed, FIELD])).all()


def test_collections_that_lie_in_each_other_too_deeply_are_refused(tmp_path):
    nested = MANY
    for _ in range(9):
        nested = shapely.GeometryCollection([nested])
    with pytest.raises(CropmineError, match=r"nested\.parquet.*8 deep and deeper"):
        read_geoparquet(write_parquet(tmp_path / "nested.parquet", [nested]))


def test_lines_alone_are_no_polygons(tmp_path):
    path = write_parquet(tmp_path / "lines.parquet", [FIELD.exterior])
    with pytest.raises(CropmineError, match=r"lines\.parquet.*holds no polygons"):
        read_polygons(path, GRID)


@pytest.mark.parametrize("suffix", ["gpkg", "parquet"])
def test_a_field_that_isnt_there_is_told_beside_those_that_are(suffix, tmp_path):
    path = tmp_path / f"use.{suffix}"
    table = geopandas.GeoDataFrame({"use": ["arable"]}, geometry=[FIELD], crs=UTM)
    table.to_parquet(path) if suffix == "parquet" else table.to_file(path)
    with pytest.raises(CropmineError, match=r"no field 'class'.*its fields: use"):
        read_polygons(path, GRID, "class")
    layer = read_polygons(path, GRID, "use")
    assert list(layer.values) == ["arable"]
    assert shapely.equals(layer.polygons, [FIELD]).all()


@pytest.mark.parametrize("suffix", ["gpkg", "parquet"])
def test_a_file_without_a_crs_is_refused(suffix, tmp_path):
    path = tmp_path / f"lost.{suffix}"
    table = geopandas.GeoDataFrame(geometry=[FIELD])
    table.to_parquet(path) if suffix == "parquet" else table.to_file(path)
    with pytest.raises(CropmineError, match=r"lost\..*no CRS.*EPSG:4326"):
        read_polygons(path, GRID)


def test_polygons_on_the_other_side_of_the_earth_meet_no_grid(tmp_path):
    """The CRS of the file, orthographic, can't hold the grid at all."""
    away = pyproj.CRS.from_proj4("+proj=ortho +lat_0=0 +lon_0=-141")
    for suffix in ("parquet", "gpkg"):
        path = tmp_path / f"away.{suffix}"
        table = geopandas.GeoDataFrame(geometry=[shapely.box(0, 0, 1000, 1000)], crs=away)
        table.to_parquet(path) if suffix == "parquet" else table.to_file(path)
        assert len(read_polygons(path, GRID).polygons) == 0


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
