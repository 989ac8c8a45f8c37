"""Segmentation of a tile: a method divides it into parts, and the connected pixels of a part become segments.

The methods are in cropmine/mining/methods/, their settings in cropmine/config/segmentations.py. The module of a method
defines `divide_tile` and, if its settings may have `fits_region`, `fit_region`; `Method` says what these do.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from cropmine.config.segmentations import Segmentation
from cropmine.geo.areas import pixel_areas
from cropmine.geo.grids import Grid
from cropmine.inputs.imagery import open_rows
from cropmine.inputs.tile_sources import TileSource
from cropmine.mining.segments import label_segments
from cropmine.mining.superpixels import number_superpixels


@dataclass(frozen=True)
class Tile:
    """A tile to be segmented: its name, files, grid and the names of its bands.

    usable: bool (h, w), false where no pixel may be part of a segment; None for everywhere. fitted: the file that
    fit_region wrote, the trained network of a method with `network_of`, or empty. threads: how many a method may use,
    for what doesn't depend on their number.
    """

    name: str
    source: TileSource
    grid: Grid
    bands: tuple[str, ...]
    usable: np.ndarray | None = None
    fitted: str | Path = ""
    threads: int = 1

    @cached_property
    def read_rows(self) -> Callable[[int, int], tuple[np.ndarray, np.ndarray]]:
        """The function that reads the rows from one to before another: pixels (channels, rows, w), date after date, and
        their validity, bool (rows, w)."""
        return open_rows(self.source, self.usable)


class Method(Protocol):
    """What the module of a method of segmentation defines."""

    def divide_tile(self, tile: Tile, segmentation: Any) -> np.ndarray:
        """Divide a tile into parts, (h, w), 0 where no pixel is valid.

        These are clusters from 1, uint8, of a method that is `clustered`, else superpixels from 1, int32. The values of
        invalid pixels change nothing. Raises CropmineError if a feature needs a band that isn't there.
        """

    def fit_region(self, tiles: Iterable[Tile], segmentation: Any, out: str | Path) -> None:
        """Fit the method to the tiles of a region, each of which is read once, and write what divide_tile reads as
        `fitted`."""


def load_method(segmentation: Segmentation) -> Method:
    """Import the module that implements a segmentation's method."""
    return cast(Method, import_module(segmentation.module))


def divide_tile(tile: Tile, segmentation: Segmentation) -> np.ndarray:
    """Divide a tile into parts by the method of a segmentation, as `Method` says."""
    return load_method(segmentation).divide_tile(tile, segmentation)


def number_segments(parts: np.ndarray, grid: Grid, segmentation: Segmentation) -> tuple[np.ndarray, np.ndarray]:
    """Number the 4-connected pixels of a part, without those under the minimum or over the maximum area.

    parts (h, w) are as divide_tile gives them. Gives ids uint32 (h, w), 0 for none, and the cluster of each id, uint8
    (n + 1,). Clusters are numbered as label_segments does; segments of superpixels are 1 to n by first pixel, and all
    are of cluster 1.
    """
    least, most = segmentation.min_area_m2, segmentation.max_area_m2
    if segmentation.clustered:
        return label_segments(parts, lambda top, bottom: pixel_areas(grid, (top, bottom)), least, most)
    return number_superpixels(parts, pixel_areas(grid), least, most)
