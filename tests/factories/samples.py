"""A map of two CRS, and the labels of a probability sample of it."""

import geopandas
import numpy as np
import rasterio

from cropmine.geo.rasters import write_raster
from cropmine.inputs.probability_samples import read_design
from cropmine.mapping.map_tiles import write_map
from cropmine.mapping.sample_designs import keep_design
from factories.products import STAMP
from factories.rasters import make_grid

SETTINGS = {"target_error": 0.02, "expected_cropland": 0.8, "expected_noncropland": 0.9, "least": 50, "seed": 0}
TAGS = {"map_version": "first-0123abcd"}
GRIDS = make_grid(400, 300, "EPSG:3857", 4e6, 2.2e6), make_grid(200, 100, "EPSG:32736", 300_000, 8_000_000)


def make_classes(grid, seed):
    """Cropland in the west, nodata along the lower edge."""
    classes = np.zeros(grid.shape, np.uint8)
    classes[:, : grid.width // 4] = 1
    classes[np.random.default_rng(seed).random(grid.shape) < 0.1] = 1
    classes[-10:] = 255
    return classes


def look_up(paths, frame):
    """The class of the rasters at points."""
    found = np.full(len(frame), 255)
    for path in paths:
        with rasterio.open(path) as dataset:
            points = frame.to_crs(dataset.crs.to_wkt()).geometry
            values = [value[0] for value in dataset.sample(zip(points.x, points.y, strict=True))]
            within = (points.x > dataset.bounds.left) & (points.x < dataset.bounds.right)
            within &= (points.y > dataset.bounds.bottom) & (points.y < dataset.bounds.top)
            found[within] = np.array(values)[within]
    return found


def label(frozen, path, wrong=0.1, seed=0):
    """Label a sample: the truth is the map's class but for some pixels."""
    paths, kept, _ = frozen
    points = geopandas.read_file(kept / "sample.gpkg")
    truth = look_up(paths, points)
    flip = np.random.default_rng(seed).random(len(points)) < wrong
    points["class"] = np.where(truth ^ flip, "cropland", "noncropland")
    points.to_file(path, driver="GPKG")
    return points, truth, flip


def write_tiles(folder, change=False):
    paths = []
    for number, grid in enumerate(GRIDS):
        classes = make_classes(grid, number)
        if change:
            classes[:100][classes[:100] == 1] = 0
        paths.append(folder / f"tile{number}.tif")
        write_map(paths[-1], np.stack([np.where(classes == 255, 255, classes * 200), classes, classes * 0]), grid, {})
    return paths


def freeze_sample(folder):
    """A map of two CRS, its classes, and the design of a sample of it."""
    paths = [folder / f"class_{number}.tif" for number in range(2)]
    for number, (path, grid) in enumerate(zip(paths, GRIDS, strict=True)):
        write_raster(path, make_classes(grid, number), grid, nodata=255)
    kept = keep_design(folder / "samples", paths, SETTINGS, STAMP, TAGS)
    return paths, kept, read_design(kept / "design.json")
