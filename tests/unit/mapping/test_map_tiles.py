from dataclasses import dataclass

import numpy as np
import pytest
import rasterio
import shapely

from cropmine.inputs.tile_views import surround_tile
from cropmine.inputs.zones import read_zones
from cropmine.mapping.map_tiles import STRIP_ROWS, compose_map, map_strips, write_map
from factories.rasters import write_polygons
from factories.tiles import write_tile


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
    excludes = [(lake, "noncropland")]
    models = (Recorded(run, rows) for run, rows in zip(codes, (7, 512, 1000), strict=True))
    strips = list(map_strips(view, models, 0.45, area, excludes))
    assert [strip.shape[1] for strip in strips] == [STRIP_ROWS, 90]
    whole = compose_map(codes, read_zones(grid, area, excludes), 0.45)
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
