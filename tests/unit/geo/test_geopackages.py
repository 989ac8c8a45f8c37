"""GeoPackages that describe their data."""

import geopandas
import pyogrio
import shapely

from cropmine.geo.geopackages import write_geopackage
from factories.products import TAGS


def test_a_geopackage_tells_its_map_has_the_same_bytes_each_time_and_gets_no_file_beside_it(tmp_path):
    frame = geopandas.GeoDataFrame({"unit": ["a"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=4326)
    for name in ("a.gpkg", "b.gpkg"):
        write_geopackage(tmp_path / name, frame, "units", TAGS)
    assert (tmp_path / "a.gpkg").read_bytes() == (tmp_path / "b.gpkg").read_bytes()
    assert pyogrio.read_info(tmp_path / "a.gpkg")["layer_metadata"]["cropmine_map_version"] == "first-0123abcd"
    assert len(geopandas.read_file(tmp_path / "a.gpkg")) == len(list(tmp_path.glob("a.*"))) == 1
