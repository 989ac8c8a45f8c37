from dataclasses import dataclass

import numpy as np
import pytest
import rasterio
import rasterio.warp
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cropmine.inputs.tile_views import surround_tile
from cropmine.inputs.zones import KNOWN_NONCROPLAND, ORDINARY, OUTSIDE, ZoneFiles, read_zones
from cropmine.mapping.map_tiles import STRIP_ROWS, compose_map, map_strips, write_map
from factories.rasters import write_polygons
from factories.tiles import write_tile

CODES = arrays(np.uint8, (3, 4), elements=st.integers(0, 200))


@dataclass
class Recorded:
    """A model whose codes are known, given in strips of some rows; it tells when it is loaded."""

    codes: np.ndarray
    rows: int

    def predict_strips(self, view, wanted=None):
        for top in range(0, view.grid.height, self.rows):
            yield top, self.codes[top : top + self.rows]


@pytest.fixture
def view(tmp_path):
    return surround_tile("t", {"t": write_tile(tmp_path, "t", size=STRIP_ROWS + 90)[1]})


def test_a_map_in_strips_is_the_map_as_a_whole(view, tmp_path):
    grid, rng = view.grid, np.random.default_rng(0)
    codes = [rng.integers(0, 201, grid.shape, dtype=np.uint8) for _ in range(3)]
    for run in codes:
        run[100:300, 40:50] = 255
    corner = grid.window(20, 30, 400, 550).bounds
    area = write_polygons(tmp_path / "area.gpkg", [shapely.box(*corner)], grid.crs.to_wkt())
    lake = write_polygons(tmp_path / "lake.gpkg", [shapely.Point(grid.centre).buffer(300)], grid.crs.to_wkt())
    zones = ZoneFiles(area, ((lake, "noncropland"),))
    models = (Recorded(run, rows) for run, rows in zip(codes, (7, 512, 1000), strict=True))
    strips = list(map_strips(view, models, 0.45, zones))
    assert [strip.shape[1] for strip in strips] == [STRIP_ROWS, 90]
    whole = compose_map(codes, read_zones(grid, zones), 0.45)
    np.testing.assert_array_equal(np.concatenate(strips, axis=1), whole)
    for name, bands in (("strips.tif", iter(strips)), ("whole.tif", whole)):
        write_map(tmp_path / name, bands, grid, {"threshold": "0.45"})
    assert (tmp_path / "strips.tif").read_bytes() == (tmp_path / "whole.tif").read_bytes()
    with rasterio.open(tmp_path / "strips.tif") as dataset:
        np.testing.assert_array_equal(dataset.read(), whole)
        assert dataset.overviews(1)
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"


def test_strips_that_do_not_fill_the_tile_leave_no_file(view, tmp_path):
    with pytest.raises(ValueError, match="rows don't fill"):
        write_map(tmp_path / "map.tif", iter([np.zeros((3, 20, view.grid.width), np.uint8)]), view.grid, {})
    assert [path.name for path in tmp_path.iterdir() if "map" in path.name] == []


@given(runs=st.lists(CODES, min_size=1, max_size=5), threshold=st.sampled_from([0, 0.35, 0.5, 0.995]))
def test_bands_are_mean_class_and_spread_of_the_runs(runs, threshold):
    probability, classes, spread = compose_map(runs, np.zeros((3, 4), np.uint8), threshold)
    mean = np.mean(runs, axis=0)
    np.testing.assert_array_equal(probability, np.floor(mean + 0.5))
    np.testing.assert_array_equal(classes, probability / 200 > threshold + 1e-9)
    np.testing.assert_allclose(spread, np.std(runs, axis=0), atol=0.501)
    if len(runs) == 1:
        np.testing.assert_array_equal(probability, runs[0])
        assert not spread.any()


def test_zones_rule_the_map():
    codes = np.array([[180, 180, 180, 255, 255]], np.uint8)
    zones = np.array([[ORDINARY, KNOWN_NONCROPLAND, OUTSIDE, ORDINARY, KNOWN_NONCROPLAND]], np.uint8)
    probability, classes, spread = compose_map([codes], zones, 0.5)
    assert probability.tolist() == [[180, 0, 255, 255, 255]]
    assert classes.tolist() == [[1, 0, 255, 255, 255]]
    assert spread.tolist() == [[0, 0, 255, 255, 255]]


def test_a_map_tells_its_bands_threshold_and_definition(quilt):
    with rasterio.open(quilt[0][0]) as dataset:
        assert dataset.nodata == 255
        assert dataset.tags()["definition"] == "crops"
        assert float(dataset.tags()["threshold"]) == 0.4
        assert "probability" in dataset.descriptions[0]
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
