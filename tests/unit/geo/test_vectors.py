"""Polygon files of users, read onto a grid."""

import json

import geopandas
import numpy as np
import pyarrow.parquet as pq
import pyproj
import pytest
import shapely
from affine import Affine

from cropmine.errors import CropmineError
from cropmine.geo.grids import Grid
from cropmine.geo.vector_limits import SIMPLE_BYTES
from cropmine.geo.vectors import read_geoparquet, read_polygons, read_vector_header

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


def write_with_bounds(path, bounds):
    """A GeoParquet file of one square, whose header states other bounds."""
    geopandas.GeoDataFrame({"id": [1]}, geometry=[shapely.box(0, 0, 1, 1)], crs=4326).to_parquet(path)
    table = pq.read_table(path)
    geo = json.loads(table.schema.metadata[b"geo"])
    geo["columns"]["geometry"]["bbox"] = bounds
    pq.write_table(table.replace_schema_metadata({**table.schema.metadata, b"geo": json.dumps(geo).encode()}), path)
    return path


@pytest.mark.parametrize("bounds", [[0, 0, 1, 1], [0, 0, -5, 1, 1, 5]])
def test_bounds_with_heights_are_read_as_those_without(tmp_path, bounds):
    assert read_vector_header(write_with_bounds(tmp_path / "square.parquet", bounds)).bounds == (0, 0, 1, 1)


@pytest.mark.parametrize("bounds", [[], [0]])
def test_bounds_that_lack_numbers_are_an_error_that_names_the_file(tmp_path, bounds):
    with pytest.raises(CropmineError, match=r"square\.parquet: not a readable vector file"):
        read_vector_header(write_with_bounds(tmp_path / "square.parquet", bounds))
