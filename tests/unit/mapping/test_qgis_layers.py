"""Layers of the QGIS project: every input and output, styled."""

import geopandas
import numpy as np
import pyogrio
import rasterio
import rasterio.warp
import shapely

from cropmine.classes import MINED
from cropmine.geo.rasters import write_raster
from cropmine.mapping.cropland_polygons import outline_cropland, write_polygons
from cropmine.mapping.products import find_products, place_polygons
from cropmine.mapping.qgis import write_project
from cropmine.mapping.qgis_layers import (
    ProjectFiles,
    WeakLayer,
    find_canvas,
    gather_layers,
    layer_mined,
    layer_polygons,
)
from factories.products import STAMP, TAGS, read_project
from factories.rasters import make_grid


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


def test_the_project_holds_every_layer_from_imagery_to_labels_to_map_with_relative_paths(delivery, tmp_path):
    files = write_project_files(tmp_path)
    weak = WeakLayer("global_map", str(tmp_path / "weak.tif"), 1, [1], probability=False, scale=1.0)
    shown = ProjectFiles(bands=["blue", "green", "red", "nir"], weak=[weak], mined_by="half_human_mined_both", **files)
    products = find_products(delivery, STAMP)
    contents = []
    for _ in range(2):
        groups = gather_layers(tmp_path / "qgis", shown, products, place_polygons(delivery, STAMP))
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


def test_the_project_shows_mined_labels_alone_and_polygons_that_any_qgis_reads(delivery, tmp_path):
    files = write_project_files(tmp_path)
    [layer] = layer_mined(tmp_path, files["mined"], "both")
    with rasterio.open(tmp_path / "target.tif") as dataset, rasterio.open(layer.path) as mined:
        target, source = dataset.read()
        assert (mined.read(1) == np.where(source == MINED, target, 255)).all() and mined.nodata == 255
    assert (source == MINED).any() and not layer.shown and layer_mined(tmp_path, [], None) == []
    layer = layer_polygons(tmp_path, place_polygons(delivery, STAMP))
    assert pyogrio.read_info(layer.path)["layer_metadata"]["cropmine_map_version"] == "first-0123abcd"
    assert len(geopandas.read_file(layer.path)) == 1


def test_a_map_without_cropland_has_a_project_without_polygons_in_it(tmp_path):
    grid = make_grid(8, 8)
    write_raster(tmp_path / "class.tif", np.zeros((8, 8), np.uint8), grid, nodata=255)
    write_polygons(tmp_path / "p.parquet", outline_cropland([tmp_path / "class.tif"], 500), TAGS)
    assert not len(geopandas.read_file(layer_polygons(tmp_path, tmp_path / "p.parquet").path))
