"""Small tiles with imagery that a network can learn, their targets, and labels on them."""

import geopandas
import numpy as np
import shapely
from affine import Affine
from rasterio.crs import CRS

from cropmine.geo.grids import Grid
from cropmine.geo.rasters import write_raster
from cropmine.inputs.tile_sources import TileSource

UTM = CRS.from_epsg(32636)
PIXEL_M = 5


def make_grid(width, height, column=0, row=0):
    """A grid of 5 m pixels in UTM; tiles of one size lie side by side by column and row."""
    west, north = 500_000 + column * width * PIXEL_M, 100_000 - row * height * PIXEL_M
    return Grid(UTM, Affine(PIXEL_M, 0, west, 0, -PIXEL_M, north), width, height)


def write_tile(folder, name, size=64, column=0, seed=0, sources=(1,), nodata_columns=0):
    """Write imagery of two bands, bright where there is cropland, and its target; the right side has no labels.

    Returns the grid, the source, the path of the target and the truth.
    """
    rng = np.random.default_rng(seed)
    grid = make_grid(size, size, column)
    truth = (np.arange(size) // 8 % 2 == 0)[:, None] & np.ones(size, bool)
    image = rng.integers(500, 900, (2, size, size), dtype=np.uint16)
    image[:, truth] += 2000
    if nodata_columns:
        image[:, :, :nodata_columns] = 0
    write_raster(folder / f"{name}.tif", image, grid, nodata=0)
    target = truth.astype(np.uint8)
    target[:, size // 2 :] = 255
    target[:, :nodata_columns] = 255
    source = rng.choice(np.array(sources, np.uint8), (size, size))
    path = folder / f"{name}_target.tif"
    write_raster(path, np.stack([target, np.where(target == 255, 0, source).astype(np.uint8)]), grid, nodata=255)
    return grid, TileSource((str(folder / f"{name}.tif"),), 2), str(path), truth


def label_boxes(grid, boxes):
    """Labels as in labels.parquet: boxes (column, row, width, height, target, split) of pixels of a grid."""
    corners = [grid.window(*box[:4]).bounds for box in boxes]
    polygons = geopandas.GeoSeries([shapely.box(*corner) for corner in corners], crs=grid.crs.to_wkt()).to_crs(4326)
    columns = {"label": range(len(boxes)), "target": [box[4] for box in boxes], "split": [box[5] for box in boxes]}
    constant = {"piece": 0, "block": "r0c0", "fold": -1}
    return geopandas.GeoDataFrame(columns | constant, geometry=polygons.to_numpy(), crs=4326)
