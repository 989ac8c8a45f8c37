"""The map as it is handed on: rasters, patches, catalogue, QGIS project and card."""

import json
import shutil
import zipfile
from xml.etree.ElementTree import fromstring

import geopandas
import numpy as np
import pyarrow.parquet
import pyogrio
import pyproj
import pystac
import pytest
import rasterio
import rasterio.warp
import shapely

from cropmine.classes import MINED
from cropmine.errors import CropmineError
from cropmine.geo.areas import pixel_areas
from cropmine.geo.geopackages import write_geopackage
from cropmine.geo.rasters import write_raster
from cropmine.mapping.bands import build_mosaics, list_mosaics
from cropmine.mapping.cropland_patches import outline_patches, write_patches
from cropmine.mapping.map_tiles import compose_map, write_map
from cropmine.mapping.products import (
    clear_products,
    find_products,
    name_product,
    place_patches,
    stamp_tags,
    write_products,
)
from cropmine.mapping.qgis import Canvas, Layer, LegendEntry, OutlineStyle, write_project, write_style
from cropmine.mapping.qgis_layers import (
    ProjectFiles,
    WeakLayer,
    find_canvas,
    gather_layers,
    layer_mined,
    layer_patches,
    style_product,
)
from cropmine.mapping.stac import write_catalog
from factories.products import STAMP
from factories.rasters import make_grid

TAGS = stamp_tags(STAMP, ["a.tif", "b.gpkg"])


def write_tile(path, grid, cropland, nodata):
    """A map tile of two runs."""
    runs = [np.where(cropland, 180, 20).astype(np.uint8), np.where(cropland, 140, 20).astype(np.uint8)]
    for codes in runs:
        codes[nodata] = 255
    write_map(path, compose_map(runs, np.zeros(grid.shape, np.uint8), 0.5), grid, TAGS)


@pytest.fixture(scope="module")
def mosaics(tmp_path_factory):
    """Two tiles side by side, with cropland across their border and nothing in the west, and one in another zone."""
    folder = tmp_path_factory.mktemp("map")
    grid = make_grid(60, 50)
    cropland, nodata = np.zeros((50, 60), bool), np.zeros((50, 60), bool)
    cropland[10:30, 40:], nodata[:, :7] = True, True
    cropland[15:17, 50:52] = False
    write_tile(folder / "t0.tif", grid, cropland, nodata)
    write_tile(folder / "t1.tif", grid.window(60, 0, 60, 50), cropland[:, ::-1] & (np.arange(60) < 10), nodata & False)
    other = make_grid(30, 30, "EPSG:32736", 300_000, 8_000_000)
    write_tile(folder / "t2.tif", other, np.eye(30, dtype=bool), np.zeros((30, 30), bool))
    return build_mosaics(folder / "cropland.vrt", [folder / f"t{number}.tif" for number in range(3)], TAGS)


@pytest.fixture(scope="module")
def delivery(mosaics, tmp_path_factory):
    """A delivered folder: products, patches and catalogue."""
    folder = tmp_path_factory.mktemp("delivery")
    products = write_products(folder, list_mosaics(mosaics[0]), STAMP, TAGS)
    patches = folder / f"{name_product(STAMP, 'patches')}.parquet"
    classes = [product.path for product in products if product.kind == "class"]
    write_patches(patches, outline_patches(classes, 500), TAGS)
    write_catalog(folder, products, patches, STAMP, TAGS)
    return folder


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


def test_the_mosaic_tells_colours_and_scale(mosaics):
    with rasterio.open(mosaics[0]) as dataset:
        assert dataset.colormap(2)[1] == (0xE6, 0x9F, 0, 255)
        assert dataset.scales == (0.005, 1.0, 0.005)
        assert dataset.tags()["map_version"] == "first-0123abcd"


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


def test_the_catalogue_is_valid_stac_and_can_be_moved(delivery, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(delivery, moved)
    collection = pystac.Collection.from_file(str(moved / "collection.json"))
    assert collection.validate_all() == 2
    assert "/" not in collection.to_dict()["assets"]["patches"]["href"].removeprefix("./")
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
    stamp = STAMP | {"year": None}
    made = write_catalog(tmp_path, products, "p.parquet", stamp, stamp_tags(stamp, []))
    content = json.loads(made[0].read_text())
    assert "isn't told" in content["description"]
    assert made[0].with_name("valley_cropland_undated_first_epsg32637.json") in made


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


def test_a_geopackage_tells_its_map_has_the_same_bytes_each_time_and_gets_no_file_beside_it(tmp_path):
    frame = geopandas.GeoDataFrame({"unit": ["a"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=4326)
    for name in ("a.gpkg", "b.gpkg"):
        write_geopackage(tmp_path / name, frame, "units", TAGS)
    assert (tmp_path / "a.gpkg").read_bytes() == (tmp_path / "b.gpkg").read_bytes()
    assert pyogrio.read_info(tmp_path / "a.gpkg")["layer_metadata"]["cropmine_map_version"] == "first-0123abcd"
    assert len(geopandas.read_file(tmp_path / "a.gpkg")) == len(list(tmp_path.glob("a.*"))) == 1


def test_a_style_file_holds_the_renderer_that_qgis_takes(delivery, tmp_path):
    for product in find_products(delivery, STAMP):
        write_style(tmp_path / "style.qml", style_product(product))
        renderer = fromstring((tmp_path / "style.qml").read_text()).find("pipe/rasterrenderer")
        assert renderer.get("type") == {"class": "paletted", "probability": "singlebandpseudocolor"}[product.kind]


def write_project_files(folder):
    """Imagery, a target, a weak map and labels."""
    grid = make_grid(60, 50)
    rng = np.random.default_rng(0)
    write_raster(folder / "image.tif", rng.integers(1, 900, (4, 50, 60)).astype(np.uint16), grid, nodata=0)
    sources = rng.integers(1, 4, (50, 60))
    target = np.where(sources > 2, 255, rng.integers(0, 2, (50, 60)))
    write_raster(folder / "target.tif", np.stack([target, sources]).astype(np.uint8), grid)
    write_raster(folder / "weak.tif", rng.integers(0, 2, (50, 60)).astype(np.uint8), grid)
    box = geopandas.GeoSeries([shapely.box(*grid.bounds)], crs=grid.crs.to_wkt()).to_crs(4326)
    row = {"label": [0], "class": ["cropland"], "block": ["r0c0"], "split": ["train"], "fold": [-1]}
    geopandas.GeoDataFrame(row, geometry=box.to_numpy(), crs=4326).to_parquet(folder / "labels.parquet")
    names = {"images": "image.tif", "targets": "target.tif", "mined": "target.tif", "labels": "labels.parquet"}
    return {key: [folder / name] for key, name in names.items()}


def read_project(path):
    with zipfile.ZipFile(path) as archive:
        return fromstring(archive.read(f"{path.stem}.qgs"))


def test_the_project_holds_every_layer_from_imagery_to_labels_to_map_with_relative_paths(delivery, tmp_path):
    files = write_project_files(tmp_path)
    weak = WeakLayer("global_map", str(tmp_path / "weak.tif"), 1, [1], probability=False, scale=1.0)
    shown = ProjectFiles(bands=["blue", "green", "red", "nir"], weak=[weak], mined_by="half_human_mined_both", **files)
    products = find_products(delivery, STAMP)
    contents = []
    for _ in range(2):
        groups = gather_layers(tmp_path / "qgis", shown, products, place_patches(delivery, STAMP))
        write_project(tmp_path / "qgis/valley.qgz", "Valley", groups, find_canvas(products), TAGS)
        contents.append((tmp_path / "qgis/valley.qgz").read_bytes())
    assert contents[0] == contents[1]
    assert list(groups) == ["Labels", "Training", "Map", "Weak maps", "Imagery"]
    root = read_project(tmp_path / "qgis/valley.qgz")
    layers = {layer.find("id").text: layer for layer in root.iter("maplayer")}
    shown = [node.get("id") for node in root.iter("layer-tree-layer")]
    assert sorted(shown) == sorted(layers) and len(layers) == 12
    for layer in layers.values():
        source = layer.find("datasource").text
        assert not source.startswith("/") and (tmp_path / "qgis" / source).exists()
        assert layer.find("pipe/rasterrenderer") is not None or layer.find("renderer-v2") is not None
        assert layer.find("srs/spatialrefsys/authid").text in ("EPSG:32637", "EPSG:32736", "EPSG:4326")
    colours = [layer for layer in layers.values() if layer.find("layername").text == "Imagery"]
    assert colours[0].find("pipe/rasterrenderer").get("redBand") == "3"
    assert root.find("properties/Paths/Absolute").text == "false"


def test_markup_in_names_is_text_in_the_project(tmp_path):
    evil = "<layer>\"&'</layer>"
    crs = pyproj.CRS.from_epsg(4326)
    style = OutlineStyle(evil, (LegendEntry(evil, "#0102FF", evil),))
    layer = Layer(evil, tmp_path / "a & b.gpkg", crs, style, True)
    write_project(tmp_path / "p.qgz", evil, {evil: [layer]}, Canvas(crs, (0, 1, 2.5, 3)), {"definition": evil})
    root = read_project(tmp_path / "p.qgz")
    assert root.get("projectname") == root.find("title").text == evil
    assert root.find("properties/Variables/variableValues/value").text == evil
    (described,) = root.iter("maplayer")
    assert (described.find("layername").text, described.find("datasource").text) == (evil, "./a & b.gpkg")
    assert described.find("renderer-v2").get("attr") == evil
    assert described.find("renderer-v2/categories/category").attrib.items() >= {"value": evil, "label": evil}.items()
    options = {option.get("name"): option.get("value") for option in described.iter("Option") if option.get("name")}
    assert options["outline_color"] == "1,2,255,255"
    assert [side.text for side in root.find("mapcanvas/extent")] == ["0.0", "1.0", "2.5", "3.0"]


def test_the_project_shows_mined_labels_alone_and_patches_that_any_qgis_reads(delivery, tmp_path):
    files = write_project_files(tmp_path)
    [layer] = layer_mined(tmp_path, files["mined"], "both")
    with rasterio.open(tmp_path / "target.tif") as dataset, rasterio.open(layer.path) as mined:
        target, source = dataset.read()
        assert (mined.read(1) == np.where(source == MINED, target, 255)).all() and mined.nodata == 255
    assert (source == MINED).any() and not layer.shown and layer_mined(tmp_path, [], None) == []
    layer = layer_patches(tmp_path, place_patches(delivery, STAMP))
    assert pyogrio.read_info(layer.path)["layer_metadata"]["cropmine_map_version"] == "first-0123abcd"
    assert len(geopandas.read_file(layer.path)) == 1


def test_a_map_without_cropland_has_a_project_without_patches_in_it(tmp_path):
    grid = make_grid(8, 8)
    write_raster(tmp_path / "class.tif", np.zeros((8, 8), np.uint8), grid, nodata=255)
    write_patches(tmp_path / "p.parquet", outline_patches([tmp_path / "class.tif"], 500), TAGS)
    assert not len(geopandas.read_file(layer_patches(tmp_path, tmp_path / "p.parquet").path))
