"""A weak map as probability codes, on the pixels on which a model would predict: it is scored like one."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cropmine.classes import NODATA, encode_probability
from cropmine.config.regions import WeakMap
from cropmine.geo.grids import Grid
from cropmine.inputs.imagery import read_tile
from cropmine.inputs.tile_sources import TileSource
from cropmine.inputs.weak_maps import Consensus, read_weak_map

Weak = tuple[str | Path | Sequence[str | Path], WeakMap | Consensus]


def read_weak_codes(weak: Weak, source: TileSource, grid: Grid, ids: np.ndarray | None = None) -> np.ndarray:
    """Read the codes of a weak map on a tile: uint8 (h, w), 255 where the map or the imagery is invalid.

    weak: as load_weak gives it; grid: that of the tile; ids: int (h, w), of which only the rectangle round those that
    aren't 0 is read. Raises CropmineError as read_weak_map and read_tile do.
    """
    top, left, height, width = 0, 0, *grid.shape
    if ids is not None:
        rows, columns = (np.flatnonzero(ids.any(axis)) for axis in (1, 0))
        top, left = int(rows[0]), int(columns[0])
        height, width = int(rows[-1]) + 1 - top, int(columns[-1]) + 1 - left
    window = (left, top, width, height)
    values, known = read_weak_map(*weak, grid.window(*window))
    codes = np.full(grid.shape, NODATA, np.uint8)
    codes[top : top + height, left : left + width] = encode_probability(values, known & read_tile(source, window)[1])
    return codes
