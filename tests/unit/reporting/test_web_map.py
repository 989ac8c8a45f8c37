import base64
import io
import json

import geopandas
import numpy as np
import pytest
import shapely
from PIL import Image

from cropmine.geo.grids import read_grid
from cropmine.geo.rasters import write_raster
from cropmine.inputs.splits import read_pieces
from cropmine.mapping.colours import CROPLAND_COLOUR, NONCROPLAND_COLOUR
from cropmine.mapping.map_tiles import write_map
from cropmine.reporting.map_layers import (
    LAYER_PX,
    compare_maps,
    find_degrees,
    lay_bands,
    lay_grids,
    overlay_imagery,
    stretch,
    thin_grid,
)
from cropmine.reporting.places import choose_places
from cropmine.reporting.web_map import describe_labels, describe_webmap
from factories.rasters import make_grid
from factories.reports import make_region


def decode(uri):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGBA"))


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    return make_region(tmp_path_factory.mktemp("region"))


def describe(region, labels=None, imagery="full"):
    grids = {tile: read_grid(region["files"]["images"][tile][0]) for tile in region["tiles"]}
    return describe_webmap(region, grids, choose_places(grids, labels), labels, imagery)


def hexed(colour):
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


def test_a_grid_has_the_tiles_own_pixels_where_these_lie_in_web_mercator_and_few_enough_are_needed():
    tiles = {f"t{i}": make_grid(100, 80, "EPSG:3857", x=1000 + 400 * i, y=5000, px=4) for i in range(2)}
    (grid,) = lay_grids(tiles, list(tiles))
    assert grid.transform == tiles["t0"].transform and grid.shape == (80, 200)


def test_a_large_region_is_thinned_and_scattered_tiles_have_grids_of_their_own():
    large = {"t": make_grid(9000, 3000, "EPSG:3857", px=4)}
    (grid,) = lay_grids(large, ["t"])
    assert max(grid.shape) == LAYER_PX and grid.transform.a == 9000 * 4 / LAYER_PX
    apart = {f"t{i}": make_grid(100, 100, "EPSG:3857", x=1_000_000 * i, y=0, px=4) for i in range(6)}
    assert len(lay_grids(apart, list(apart))) == 4


def test_pictures_lie_where_their_rasters_do(tmp_path):
    grid = make_grid(400, 300, "EPSG:32637", x=500_000, y=1_000_000)
    classes = np.zeros((3, 300, 400), np.uint8)
    classes[1, 90:120, 200:260] = 1
    write_map(tmp_path / "map.tif", classes, grid, {})
    (web,) = lay_grids({"t": grid}, ["t"])
    laid = lay_bands(web, [str(tmp_path / "map.tif")])[2]
    rows, columns = np.nonzero(laid == 1)
    x, y = web.transform @ (columns.mean() + 0.5, rows.mean() + 0.5)
    expected = geopandas.GeoSeries([shapely.Point(*(grid.transform @ (230, 105)))], crs=32637).to_crs(3857).iloc[0]
    assert np.hypot(x - expected.x, y - expected.y) < web.transform.a
    (south, west), (north, east) = find_degrees(web)
    lonlat = geopandas.GeoSeries([expected], crs=3857).to_crs(4326).iloc[0]
    assert west < lonlat.x < east and south < lonlat.y < north


def test_an_overview_is_four_times_coarser_than_the_files_and_the_full_picture_as_sharp(region):
    files = read_grid(region["files"]["images"]["t0"][0])
    (web,) = lay_grids({"t0": files}, ["t0"])
    sharp, coarse = (overlay_imagery(web, region, mode)[1] for mode in ("full", "overview"))
    assert sharp == web
    assert coarse.transform.a >= 3.99 * web.transform.a
    assert np.allclose(thin_grid(web, 1).bounds, web.bounds)


def test_imagery_without_data_is_transparent(tmp_path, region):
    grid = make_grid(60, 40, "EPSG:3857", px=4)
    pixels = np.full((4, 40, 60), 700, np.uint16)
    pixels[:, :, 30:] = 0
    write_raster(tmp_path / "image.tif", pixels, grid, nodata=0)
    changed = region | {"files": region["files"] | {"images": {"t0": [str(tmp_path / "image.tif")]}}}
    (web,) = lay_grids({"t0": grid}, ["t0"])
    shown, _ = overlay_imagery(web, changed, "full")
    assert (shown[:, :30, 3] == 255).all() and (shown[:, 30:, 3] == 0).all()
    assert np.array_equal(stretch(np.zeros((3, 2, 2)), np.zeros((2, 2), bool)), np.zeros((2, 2, 3)))


def test_layers_show_the_classes_of_their_rasters(region):
    web = describe(region)
    keys = [layer["key"] for layer in web["layers"]]
    assert keys == ["imagery", "weak", "mined", "probability", "difference", "class"]
    assert web["pair"] == ("imagery", "class")
    for key in ("weak", "mined", "class"):
        picture = decode(web["data"]["layers"][key][0]["picture"])
        height, width = picture.shape[:2]
        assert picture[height // 2, width // 4].tolist() == [*hexed(CROPLAND_COLOUR), 255]
        assert picture[height // 2, 3 * width // 4].tolist() == [*hexed(NONCROPLAND_COLOUR), 255]


def test_where_two_maps_differ_is_told_apart():
    classes, weak = np.array([[0, 1, 1, 0, 255]], np.uint8), np.array([[0, 1, 0, 1, 1]], np.uint8)
    assert compare_maps(classes, weak).tolist() == [[0, 1, 2, 3, 255]]


def test_what_a_region_lacks_or_may_not_show_has_no_layer(region):
    bare = region | {"files": region["files"] | {"weak": None, "mined": None, "maps": []}}
    assert describe(bare, imagery="none") is None
    assert [layer["key"] for layer in describe(bare)["layers"]] == ["imagery"]
    assert describe(bare)["pair"] is None
    assert "imagery" not in describe(region, imagery="none")["data"]["layers"]


def test_labels_so_many_that_they_would_hide_the_map_wait_for_their_box(region):
    pieces = read_pieces(region["files"]["labels"])
    assert describe(region, pieces)["labels_shown"]
    assert not describe(region, pieces.iloc[np.zeros(301, int)].reset_index(drop=True))["labels_shown"]


def test_labels_have_their_class_and_split_and_lie_to_a_decimetre(region):
    pieces = read_pieces(region["files"]["labels"])
    described = describe_labels(pieces)
    assert {split: own["count"] for split, own in described.items()} == {"train": 1, "validation": 1, "test": 2}
    assert len({own["dashes"] for own in described.values()}) == 3
    feature = described["train"]["features"]["features"][0]
    assert feature["properties"]["colour"] == CROPLAND_COLOUR
    drawn = shapely.from_geojson(json.dumps(feature["geometry"]))
    assert drawn.hausdorff_distance(pieces.geometry.iloc[0]) < 1e-6
    folded = describe_labels(pieces.assign(fold=2))
    assert list(folded) == ["train"] and folded["train"]["count"] == 4
