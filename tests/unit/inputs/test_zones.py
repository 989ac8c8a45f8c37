"""Where a tile is mined and mapped."""

import geopandas
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from cropmine.errors import CropmineError
from cropmine.inputs.zones import KNOWN_NONCROPLAND, ORDINARY, OUTSIDE, ZoneFiles, find_zones, read_zones
from factories.rasters import make_grid, write_polygons

GRID = make_grid(40, 30)
WEST, SOUTH, EAST, NORTH = GRID.bounds


def box(left, top, right, bottom):
    """A box in pixels of the grid."""
    return shapely.box(WEST + 10 * left, NORTH - 10 * bottom, WEST + 10 * right, NORTH - 10 * top)


def pixels(left, top, right, bottom):
    mask = np.zeros(GRID.shape, bool)
    mask[top:bottom, left:right] = True
    return mask


def test_without_files_every_pixel_is_ordinary():
    zones = read_zones(GRID, ZoneFiles())
    assert zones.dtype == np.uint8
    assert (zones == ORDINARY).all()


@pytest.mark.parametrize("suffix", ["gpkg", "geojson", "shp", "parquet"])
def test_a_pixel_is_inside_by_its_centre_in_any_format(tmp_path, suffix):
    crs = "EPSG:4326" if suffix == "geojson" else GRID.crs
    shape = geopandas.GeoSeries([box(3.4, 2.6, 20.6, 11.4)], crs=GRID.crs).to_crs(crs)
    area = write_polygons(tmp_path / f"area.{suffix}", shape, crs, name=["a"])
    assert np.array_equal(read_zones(GRID, ZoneFiles(area)) == ORDINARY, pixels(3, 3, 21, 11))


def test_nodata_goes_before_noncropland_and_the_area_before_both(tmp_path):
    area = write_polygons(tmp_path / "area.gpkg", [box(0, 0, 30, 30)], GRID.crs)
    water = write_polygons(tmp_path / "water.gpkg", [box(10, 10, 40, 20)], GRID.crs)
    cloud = write_polygons(tmp_path / "cloud.gpkg", [box(12, 5, 16, 30)], GRID.crs)
    zones = read_zones(GRID, ZoneFiles(area, ((cloud, "nodata"), (water, "noncropland"))))
    outside = pixels(30, 0, 40, 30) | pixels(12, 5, 16, 30)
    assert np.array_equal(zones == OUTSIDE, outside)
    assert np.array_equal(zones == KNOWN_NONCROPLAND, pixels(10, 10, 30, 20) & ~outside)


def test_an_area_elsewhere_leaves_nothing_and_an_exclusion_elsewhere_takes_nothing(tmp_path):
    elsewhere = write_polygons(tmp_path / "far.gpkg", [shapely.box(-60, -10, -50, 0)], "EPSG:4326")
    beside = write_polygons(tmp_path / "beside.gpkg", [box(100, 0, 140, 30)], GRID.crs)
    assert (read_zones(GRID, ZoneFiles(elsewhere)) == OUTSIDE).all()
    assert (read_zones(GRID, ZoneFiles(beside)) == OUTSIDE).all()
    excluded = ZoneFiles(None, ((elsewhere, "nodata"), (beside, "noncropland")))
    assert (read_zones(GRID, excluded) == ORDINARY).all()


def test_holes_multipolygons_and_broken_polygons_are_burnt_as_they_are_meant(tmp_path):
    ring = box(2, 2, 20, 20) - box(6, 6, 10, 10)
    bowtie = shapely.Polygon([(WEST + 10 * x, NORTH - 10 * y) for x, y in ((22, 2), (30, 12), (30, 2), (22, 12))])
    two = shapely.MultiPolygon([box(32, 1, 34, 3), box(36, 1, 38, 3)])
    area = write_polygons(tmp_path / "area.gpkg", [ring, shapely.MultiPolygon([bowtie]), two, None], GRID.crs)
    inside = read_zones(GRID, ZoneFiles(area)) == ORDINARY
    assert np.array_equal(inside[:, :22], (pixels(2, 2, 20, 20) & ~pixels(6, 6, 10, 10))[:, :22])
    assert inside[6, 22]
    assert not inside[3, 26]
    assert np.array_equal(inside[:, 32:], (pixels(32, 1, 34, 3) | pixels(36, 1, 38, 3))[:, 32:])


def test_the_long_edges_of_a_large_polygon_are_straight_in_its_own_crs(tmp_path):
    x, y = Transformer.from_crs("EPSG:4326", "EPSG:32637", always_xy=True).transform(37.0, 50.0)
    grid = make_grid(60, 60, x=x - 600, y=y + 600, px=20.0)
    area = write_polygons(tmp_path / "area.gpkg", [shapely.box(30.0, 40.0, 44.0, 50.0)], "EPSG:4326")
    cols, rows = np.meshgrid(np.arange(60) + 0.5, np.arange(60) + 0.5)
    to_lonlat = Transformer.from_crs("EPSG:32637", "EPSG:4326", always_xy=True).transform
    _, lat = to_lonlat(*(grid.transform @ (cols, rows)))
    assert np.array_equal(read_zones(grid, ZoneFiles(area)) == ORDINARY, lat < 50.0)


@given(st.lists(st.tuples(st.floats(-10, 50), st.floats(-10, 40)), min_size=3, max_size=7))
@settings(max_examples=30)
def test_zones_are_the_pixels_whose_centre_the_polygon_contains(tmp_path_factory, corners):
    shape = shapely.convex_hull(shapely.MultiPoint([(WEST + 10 * x, NORTH - 10 * y) for x, y in corners]))
    if shape.geom_type != "Polygon" or shape.area < 1:
        return
    path = write_polygons(tmp_path_factory.mktemp("area") / "area.gpkg", [shape], GRID.crs)
    cols, rows = np.meshgrid(np.arange(40) + 0.5, np.arange(30) + 0.5)
    x, y = GRID.transform @ (cols, rows)
    inside = read_zones(GRID, ZoneFiles(path)) == ORDINARY
    off_edge = shapely.distance(shape.exterior, shapely.points(x, y)) > 1e-6
    assert np.array_equal(inside[off_edge], shapely.contains_xy(shape, x, y)[off_edge])


def test_files_that_cannot_serve_are_errors_that_name_them(tmp_path):
    with pytest.raises(CropmineError, match=r"none\.gpkg: no such file"):
        read_zones(GRID, ZoneFiles(tmp_path / "none.gpkg"))
    (tmp_path / "text.gpkg").write_text("nothing")
    with pytest.raises(CropmineError, match=r"text\.gpkg: not a readable vector file"):
        read_zones(GRID, ZoneFiles(tmp_path / "text.gpkg"))
    (tmp_path / "text.parquet").write_text("nothing")
    with pytest.raises(CropmineError, match=r"text\.parquet: not a readable vector file"):
        read_zones(GRID, ZoneFiles(tmp_path / "text.parquet"))
    points = write_polygons(tmp_path / "points.gpkg", [shapely.Point(WEST + 50, NORTH - 50)], GRID.crs)
    with pytest.raises(CropmineError, match=r"points\.gpkg: holds no polygons"):
        read_zones(GRID, ZoneFiles(None, ((points, "nodata"),)))
    for suffix in ("shp", "parquet"):
        bare = write_polygons(tmp_path / f"bare.{suffix}", [box(0, 0, 9, 9)], None, name=["a"])
        with pytest.raises(CropmineError, match="has no CRS"):
            read_zones(GRID, ZoneFiles(bare))


def test_zones_are_found_among_the_files_of_a_job():
    assert find_zones({}, []) == ZoneFiles()
    files = {"area": ["area.gpkg"], "excludes": ["water.gpkg", "cloud.gpkg"]}
    excludes = ("water.gpkg", "noncropland"), ("cloud.gpkg", "nodata")
    assert find_zones(files, ["noncropland", "nodata"]) == ZoneFiles("area.gpkg", excludes)
