"""The delivered map: bands of a tile, the mosaic of all tiles, and areas."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from os.path import relpath
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

import numpy as np
import rasterio
from rasterio.warp import transform_bounds

from cropmine.codes import NODATA, STEPS, threshold_code
from cropmine.files import replacing
from cropmine.grids import Grid, grid_of, open_raster, pixel_areas, read_grid
from cropmine.rasters import warp_nearest, write_cog
from cropmine.targets import CROPLAND, NONCROPLAND
from cropmine.zones import NONCROPLAND as EXCLUDED
from cropmine.zones import OUTSIDE

BANDS = ("probability of cropland x 200", "class: 0 non-cropland, 1 cropland", "disagreement of runs x 200")
CLASS_BAND = 2
AREA_NOTE = "pixel counts: biased as the map errs; a probability sample is needed to estimate area"


def compose_map(runs: Sequence[np.ndarray], zones: np.ndarray, threshold: float) -> np.ndarray:
    """Compose the bands of a map from the codes of one or more runs, each uint8 (h, w).

    zones: as read_zones gives them. Returns uint8 (3, h, w): the mean of the runs' codes; its class, 1 where the mean is
    above the threshold (0 to 1); and the runs' standard deviation. All 255 where there is no data.
    """
    total = np.zeros(zones.shape, np.uint32)
    squares = np.zeros(zones.shape, np.uint32)
    for codes in runs:
        total += codes
        squares += np.square(codes, dtype=np.uint32)
    count = np.uint32(len(runs))
    mean = ((2 * total + count) // (2 * count)).astype(np.uint8)
    spread = np.rint(np.sqrt((count * squares - total * total).astype(np.float32)) / np.float32(count)).astype(np.uint8)
    classes = np.where(mean > threshold_code(threshold), np.uint8(CROPLAND), np.uint8(NONCROPLAND))
    bands = np.stack([mean, classes, spread])
    bands[:, zones == EXCLUDED] = 0
    bands[:, (zones == OUTSIDE) | (runs[0] == NODATA)] = NODATA
    return bands
