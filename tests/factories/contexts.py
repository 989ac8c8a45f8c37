"""A tile with a weak map and segments, for models that read more than imagery."""

import numpy as np

from cropmine.config.regions import WeakMap
from cropmine.features.overlap_files import write_overlap
from cropmine.features.segment_files import write_segments
from cropmine.inputs.contexts import TileContext
from cropmine.mining.overlaps import overlap_segments
from factories.rasters import make_grid, write_plain

SIDE = 64
GRID = make_grid(SIDE, SIDE)


def write_context(folder, weak, ids, valid=None) -> TileContext:
    """Write a weak map (h, w) of 0 and 1 and segments, uint32 (h, w), on the grid of the tile, with their overlap."""
    valid = np.ones(weak.shape, bool) if valid is None else valid
    path = write_plain(folder / "weak.tif", np.where(valid, weak, 255).astype(np.uint8), GRID, nodata=255)
    clusters = np.ones(int(ids.max()) + 1, np.uint8)
    clusters[0] = 0
    write_segments(folder / "segments.tif", ids, clusters, GRID)
    write_overlap(folder / "overlap.parquet", overlap_segments(ids, weak, valid, np.full((1, 1), 100.0), clusters))
    map_ = WeakMap(path=path, cropland=[1])
    return TileContext((path, map_), str(folder / "segments.tif"), str(folder / "overlap.parquet"))


def draw_halves():
    """A weak map whose western half is cropland, and segments: two columns that cross the border, the rest none."""
    weak = np.zeros((SIDE, SIDE), np.uint8)
    weak[:, : SIDE // 2] = 1
    ids = np.zeros((SIDE, SIDE), np.uint32)
    ids[:, 24:36] = 1  # 8 of 12 columns are cropland
    ids[:, 40:44] = 2
    return weak, ids
