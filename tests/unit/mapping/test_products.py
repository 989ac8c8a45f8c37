"""The map as it is handed on: rasters, polygons, catalogue, QGIS project and card."""

import json
import shutil

import numpy as np
import pytest
import rasterio
import rasterio.warp

from cropmine.errors import CropmineError
from cropmine.mapping.mosaics import build_mosaics
from cropmine.mapping.products import (
    clear_products,
    write_products,
)
from factories.products import STAMP, TAGS, write_tile
from factories.rasters import make_grid


def test_there_is_one_class_and_one_probability_cog_a_crs_named_with_year_and_run(delivery):
    names = sorted(path.name for path in delivery.glob("*.tif"))
    assert names == [
        f"valley_{kind}_2021_first_epsg{epsg}.tif" for kind in ("class", "probability") for epsg in (32637, 32736)
    ]


def test_a_product_has_what_people_need_of_it(delivery):
    with rasterio.open(delivery / "valley_class_2021_first_epsg32637.tif") as dataset:
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert (dataset.width, dataset.height, dataset.nodata) == (113, 50, 255)  # clipped to what has data
        assert dataset.colormap(1)[1] == (0xE6, 0x9F, 0, 255)
        tags = dataset.tags()
        assert tags["map_version"] == "first-0123abcd" and tags["config_digest"] == "0123abcd"
        assert json.loads(tags["inputs"]) == ["a.tif", "b.gpkg"] and tags["software"].startswith("cropmine ")
        assert set(np.unique(dataset.read(1))) == {0, 1}
    with rasterio.open(delivery / "valley_probability_2021_first_epsg32637.tif") as dataset:
        assert (dataset.scales, dataset.offsets) == ((0.005, 0.005), (0, 0))
        assert [text.split()[0] for text in dataset.descriptions] == ["probability", "disagreement"]
        assert set(np.unique(dataset.read(1))) == {20, 160} and set(np.unique(dataset.read(2))) == {0, 20}


def test_a_large_product_has_overviews_and_the_same_bytes_each_time(tmp_path):
    grid = make_grid(1500, 700)
    cropland = np.random.default_rng(0).random(grid.shape) < 0.5
    write_tile(tmp_path / "t.tif", grid, cropland, ~cropland & False)
    mosaics = build_mosaics(tmp_path / "cropland.vrt", [tmp_path / "t.tif"])
    contents = []
    for name in ("one", "two"):
        products = write_products(tmp_path / name, mosaics, STAMP, TAGS)
        contents.append([product.path.read_bytes() for product in products])
    assert contents[0] == contents[1]
    with rasterio.open(products[0].path) as dataset:
        assert dataset.overviews(1) == [2, 4]


def test_a_map_without_data_is_told(tmp_path):
    grid = make_grid(8, 8)
    write_tile(tmp_path / "t.tif", grid, np.zeros((8, 8), bool), np.ones((8, 8), bool))
    with pytest.raises(CropmineError, match="no pixel of the map has data"):
        write_products(tmp_path / "d", build_mosaics(tmp_path / "m.vrt", [tmp_path / "t.tif"]), STAMP, TAGS)


def test_the_manifest_names_every_band_once_with_its_pyramids(delivery):
    manifest = json.loads((delivery / "valley_earthengine_2021_first_epsg32637.json").read_text())
    bands = {
        band["id"]: (band["tilesetId"], band["tilesetBandIndex"], band["pyramidingPolicy"])
        for band in manifest["bands"]
    }
    assert bands == {
        "class": ("class", 0, "MODE"),
        "probability": ("probability", 0, "MEAN"),
        "disagreement": ("probability", 1, "MEAN"),
    }
    uris = [uri for tileset in manifest["tilesets"] for source in tileset["sources"] for uri in source["uris"]]
    assert all((delivery / uri.removeprefix("gs://BUCKET/")).exists() for uri in uris)
    assert manifest["properties"]["map_version"] == "first-0123abcd"


def test_nothing_of_an_earlier_map_is_left_in_the_folder(delivery, tmp_path):
    shutil.copytree(delivery, tmp_path / "delivery")
    clear_products(tmp_path / "delivery")
    assert not list((tmp_path / "delivery").iterdir())
    clear_products(tmp_path / "none yet")
