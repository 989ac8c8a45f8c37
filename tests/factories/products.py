"""The stamp of a map."""

import zipfile
from xml.etree.ElementTree import fromstring

import numpy as np

from cropmine.mapping.map_tiles import compose_map, write_map
from cropmine.mapping.tags import stamp_tags
from cropmine.planning.map_stamps import MapStamp

STAMP = MapStamp(
    region="valley",
    run="first",
    year=2021,
    experiment="plain",
    definition="annual crops",
    config_digest="0123abcd",
    version="first-0123abcd",
    threshold=0.5,
)
TAGS = stamp_tags(STAMP, ["a.tif", "b.gpkg"])


def write_tile(path, grid, cropland, nodata):
    """A map tile of two runs."""
    runs = [np.where(cropland, 180, 20).astype(np.uint8), np.where(cropland, 140, 20).astype(np.uint8)]
    for codes in runs:
        codes[nodata] = 255
    write_map(path, compose_map(runs, np.zeros(grid.shape, np.uint8), 0.5), grid, TAGS)


def read_project(path):
    with zipfile.ZipFile(path) as archive:
        return fromstring(archive.read(f"{path.stem}.qgs"))
