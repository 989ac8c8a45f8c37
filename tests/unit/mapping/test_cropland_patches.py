"""Patches of cropland: outlines across tiles, smoothed by a least area."""

import geopandas
import numpy as np
import pyarrow.parquet
import pytest
import shapely

from cropmine.geo.areas import pixel_areas
from cropmine.mapping.cropland_patches import outline_patches
from factories.rasters import make_grid


def test_a_patch_across_tiles_is_one_and_small_holes_and_patches_are_smoothed_away(delivery):
    path = delivery / "valley_patches_2021_first.parquet"
    patches = geopandas.read_parquet(path)
    assert len(patches) == 1 and patches.crs.to_epsg() == 4326
    areas = np.broadcast_to(pixel_areas(make_grid(60, 50)), (50, 60)) / 1e4
    assert patches["area_ha"].item() == pytest.approx(areas[0, 0] * (20 * 30 - 4), rel=1e-3)  # a notch of 4 is mirrored
    assert shapely.get_num_interior_rings(patches.geometry.item()) == 0
    metadata = pyarrow.parquet.read_schema(path).metadata
    assert metadata[b"cropmine:map_version"] == b"first-0123abcd" and b"geo" in metadata


def test_a_hole_above_the_minimum_area_stays(delivery):
    classes = [delivery / "valley_class_2021_first_epsg32637.tif"]
    assert shapely.get_num_interior_rings(outline_patches(classes, 300).geometry.item()) == 1
    assert len(outline_patches(classes, 100_000)) == 0
