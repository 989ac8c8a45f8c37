"""Limits on vector files."""

import geopandas
import pyproj
import pytest
import shapely

from cropmine.errors import CropmineError
from cropmine.geo.vector_limits import SIMPLE_BYTES
from cropmine.geo.vectors import read_geoparquet

UTM = pyproj.CRS.from_epsg(32637)
MANY = shapely.Point(500_100, 99_900).buffer(40, quad_segs=SIMPLE_BYTES // 32)


def write_parquet(path, geometries, crs=UTM, **columns):
    geopandas.GeoDataFrame(columns, geometry=geometries, crs=crs).to_parquet(path)
    return path


def test_collections_that_lie_in_each_other_too_deeply_are_refused(tmp_path):
    nested = MANY
    for _ in range(9):
        nested = shapely.GeometryCollection([nested])
    with pytest.raises(CropmineError, match=r"nested\.parquet.*8 deep and deeper"):
        read_geoparquet(write_parquet(tmp_path / "nested.parquet", [nested]))
