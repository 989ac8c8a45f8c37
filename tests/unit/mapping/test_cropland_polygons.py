"""Cropland polygons: outlines across tiles, smoothed by a least area."""

import geopandas
import numpy as np
import pyarrow.parquet
import pytest
import shapely

from cropmine.geo.areas import pixel_areas
from cropmine.mapping.cropland_polygons import outline_cropland
from factories.rasters import make_grid


def test_a_patch_across_tiles_is_one_and_small_holes_and_polygons_are_smoothed_away(delivery):
    path = delivery / "valley_polygons_2021_first.parquet"
    polygons = geopandas.read_parquet(path)
    assert len(polygons) == 1 and polygons.crs.to_epsg() == 4326
    areas = np.broadcast_to(pixel_areas(make_grid(60, 50)), (50, 60)) / 1e4
    # A notch of 4 is mirrored.
    assert polygons["area_ha"].item() == pytest.approx(areas[0, 0] * (20 * 30 - 4), rel=1e-3)
    assert shapely.get_num_interior_rings(polygons.geometry.item()) == 0
    metadata = pyarrow.parquet.read_schema(path).metadata
    assert metadata[b"cropmine:map_version"] == b"first-0123abcd" and b"geo" in metadata


def test_a_hole_above_the_minimum_area_stays(delivery):
    classes = [delivery / "valley_class_2021_first_epsg32637.tif"]
    assert shapely.get_num_interior_rings(outline_cropland(classes, 300).geometry.item()) == 1
    assert len(outline_cropland(classes, 100_000)) == 0
