"""Headers of files, also of files whose headers are wrong."""

import json

import geopandas
import pyarrow.parquet as pq
import pytest
import shapely

from cropmine.errors import CropmineError
from cropmine.geo.vectors import read_vector_header


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
