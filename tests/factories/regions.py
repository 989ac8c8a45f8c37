"""The inputs of a small sound region, to be spoiled by tests of the preflight."""

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin

from cropmine.config.regions import Region
from cropmine.errors import CropmineError
from cropmine.inputs.checks.regions import check_region

BANDS = ["blue", "green", "red", "nir"]
PX, STEP = 64, 10.0
WEST, NORTH = 400_000.0, 100_000.0  # UTM 37N, near the equator
UTM = "EPSG:32637"


def write_tif(
    path, bands=4, dtype="uint16", column=0, crs=UTM, step=STEP, fill=7, names=None, alpha=False, px=PX, **profile
):
    """A raster of 64 × 64 px; column 0 is the first tile, 1 its neighbour to the east."""
    path.parent.mkdir(parents=True, exist_ok=True)
    transform = from_origin(WEST + column * PX * STEP, NORTH, step, step) if crs == UTM else profile.pop("transform")
    values = np.full((bands, px, px), fill, dtype)
    shape = {"driver": "GTiff", "width": px, "height": px, "count": bands, "dtype": dtype}
    with rasterio.open(path, "w", crs=crs, transform=transform, **shape, **profile) as dataset:
        if names:
            dataset.descriptions = names
        if alpha:
            dataset.colorinterp = [ColorInterp.gray] + [ColorInterp.undefined] * (bands - 2) + [ColorInterp.alpha]
        dataset.write(values)
    return path


def write_polygons(path, classes=("cropland", "other"), column=0.0, crs=UTM, **fields):
    """Two polygons a class, 100 m wide, in the tile of a column; the northern one trains, the southern one tests."""
    corners = [
        (x, y) for x in WEST + column * PX * STEP + 150.0 * np.arange(len(classes)) for y in (NORTH - 300, NORTH - 500)
    ]
    boxes = [shapely.box(x, y, x + 100, y + 100) for x, y in corners]
    columns = {"class": np.repeat(classes, 2), "part": ["train", "test"] * len(classes), **fields}
    frame = geopandas.GeoDataFrame(columns, geometry=boxes, crs=UTM)
    frame = frame.to_crs(crs) if crs else frame.set_crs(None, allow_override=True)
    frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_file(path)
    return path


def make_world(folder):
    """A sound region of two tiles with a mask, a weak map, labels, area and exclusions."""
    for column, tile in enumerate(("a", "b")):
        write_tif(folder / f"imagery/{tile}.tif", column=column, names=BANDS)
        write_tif(folder / f"masks/{tile}.tif", bands=1, dtype="uint8", column=column, fill=0)
    write_tif(folder / "weak.tif", bands=1, dtype="uint8", px=2 * PX, fill=1, nodata=255)
    write_polygons(folder / "labels.gpkg")
    write_polygons(folder / "area.gpkg")
    write_polygons(folder / "water.parquet", column=1)
    return World(folder)


class World:
    """Settings and files of a region, to be spoiled by a test."""

    def __init__(self, folder):
        self.folder, self.tiles = folder, ["a", "b"]
        self.settings = {
            "imagery": f"{folder}/imagery/{{tile}}.tif",
            "bands": BANDS,
            "mask": {"path": f"{folder}/masks/{{tile}}.tif"},
            "area": f"{folder}/area.gpkg",
            "exclude": [{"path": f"{folder}/water.parquet"}],
            "weak": {"world": {"path": f"{folder}/weak.tif", "year": 2021}},
            "labels": {
                "path": f"{folder}/labels.gpkg",
                "class_field": "class",
                "cropland": "cropland",
                "noncropland": "other",
                "definition": "annual crops",
                "year": 2021,
            },
            "split": {"method": "field", "field": "part", "block_m": 50, "buffer_m": 0},
        }

    def check(self):
        region = Region.model_validate(self.settings)
        patterns = list(region.imagery.values()) if isinstance(region.imagery, dict) else [region.imagery]
        masks = [region.mask.path] * len(patterns) if region.mask else []
        files = {
            tile: {
                "images": [p.replace("{tile}", tile) for p in patterns],
                "masks": [p.replace("{tile}", tile) for p in masks],
            }
            for tile in self.tiles
        }
        return check_region(region, files, "regions.r")

    def refuse(self):
        with pytest.raises(CropmineError) as caught:
            self.check()
        return str(caught.value)
