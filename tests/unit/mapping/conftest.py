"""Maps of three tiles, and what is delivered of one."""

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from cropmine.geo.grids import Grid
from cropmine.mapping.cropland_polygons import outline_cropland, write_polygons
from cropmine.mapping.map_tiles import write_map
from cropmine.mapping.mosaics import build_mosaics, list_mosaics
from cropmine.mapping.products import write_products
from cropmine.mapping.stac import write_catalog
from cropmine.mapping.tags import name_product
from factories import tiles
from factories.products import STAMP, TAGS, write_tile
from factories.rasters import make_grid


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
    """A delivered folder: products, polygons and catalogue."""
    folder = tmp_path_factory.mktemp("delivery")
    products = write_products(folder, list_mosaics(mosaics[0]), STAMP, TAGS)
    polygons = folder / f"{name_product(STAMP, 'polygons')}.parquet"
    classes = [product.path for product in products if product.kind == "class"]
    write_polygons(polygons, outline_cropland(classes, 500), TAGS)
    write_catalog(folder, products, polygons, STAMP, TAGS)
    return folder


def write(path, grid, classes):
    bands = np.stack([np.where(classes == 255, 255, classes * 200), classes, np.where(classes == 255, 255, 0)])
    write_map(path, bands.astype(np.uint8), grid, {"threshold": 0.4, "definition": "crops"})
    return path


@pytest.fixture
def quilt(tmp_path):
    """Three tiles in a folder: two of one CRS that overlap by 4 columns, the third in another zone."""
    rng = np.random.default_rng(0)
    grids = [tiles.make_grid(20, 16), tiles.make_grid(20, 16).window(16, 0, 20, 16)]
    grids.append(Grid(CRS.from_epsg(32736), Affine(5, 0, 3e5, 0, -5, 8e6), 20, 16))
    classes = [rng.integers(0, 2, (16, 20)) for _ in grids]
    classes[1][:8, :4] = 255
    paths = [tmp_path / f"map/t{number}.tif" for number in range(3)]
    for path, grid, values in zip(paths, grids, classes, strict=True):
        write(path, grid, values)
    return paths, grids, classes
