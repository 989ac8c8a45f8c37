"""The catalogue of a map is valid STAC."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pystac
import rasterio
import rasterio.warp

from cropmine.mapping.products import find_products
from cropmine.mapping.stac import write_catalog
from cropmine.mapping.tags import stamp_tags
from factories.products import STAMP


def test_the_catalogue_is_valid_stac_and_can_be_moved(delivery, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(delivery, moved)
    collection = pystac.Collection.from_file(str(moved / "collection.json"))
    assert collection.validate_all() == 2
    assert "/" not in collection.to_dict()["assets"]["polygons"]["href"].removeprefix("./")
    for item in collection.get_items():
        assert item.properties["cropmine:config_digest"] == "0123abcd"
        assert item.properties["cropmine:inputs"] == ["a.tif", "b.gpkg"]
        assert item.properties["start_datetime"].startswith("2021-01-01")
        for asset in item.assets.values():
            with rasterio.open(asset.get_absolute_href()) as dataset:
                box = rasterio.warp.transform_bounds(dataset.crs, "EPSG:4326", *dataset.bounds)
                np.testing.assert_allclose(item.bbox, box, atol=1e-4)


def test_a_map_of_an_untold_year_is_valid_stac_too(delivery, tmp_path):
    products = find_products(delivery, STAMP)
    assert {product.crs for product in products} == {"epsg32637", "epsg32736"}
    stamp = replace(STAMP, year=None)
    made = write_catalog(tmp_path, products, "p.parquet", stamp, stamp_tags(stamp, []))
    content = json.loads(made[0].read_text())
    assert "isn't known" in content["description"]
    assert made[0].with_name("valley_cropland_undated_first_epsg32637.json") in made
