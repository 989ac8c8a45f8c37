"""Vector files are opened by their first bytes, and no database computes its rows."""

import sqlite3

import geopandas
import pytest
import shapely

from cropmine.errors import CropmineError
from cropmine.geo.vector_formats import check_vector


@pytest.fixture
def geopackage(tmp_path):
    path = tmp_path / "fields.gpkg"
    geopandas.GeoDataFrame({"id": [1]}, geometry=[shapely.box(0, 0, 1, 1)], crs=4326).to_file(path, layer="fields")
    return path


def test_a_file_of_another_format_than_its_suffix_says_is_refused(geopackage):
    check_vector(geopackage)
    with pytest.raises(CropmineError, match=r"fields\.geojson: .*first bytes aren't those of \.geojson"):
        check_vector(geopackage.rename(geopackage.with_suffix(".geojson")))


def test_a_layer_that_is_a_view_is_refused(geopackage):
    with sqlite3.connect(geopackage) as database:
        database.execute("ALTER TABLE fields RENAME TO stored")
        database.execute("CREATE VIEW fields AS SELECT * FROM stored")
    with pytest.raises(CropmineError, match=r"its table 'fields' is computed, not stored"):
        check_vector(geopackage)
