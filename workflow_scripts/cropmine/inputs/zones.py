"""Zones of a tile: where it is mined and mapped, where it is nodata, and where it is known not to be cropland."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from cropmine.geo.grids import Grid

Excludes = Sequence[tuple[str | Path, Literal["nodata", "noncropland"]]]
ORDINARY, OUTSIDE, KNOWN_NONCROPLAND = 0, 1, 2


def read_zones(grid: Grid, area: str | Path | None, excludes: Excludes) -> np.ndarray:
    """Burn the area and the exclusions of a region onto a grid, by pixel centres.

    `area` is a polygon file or none, `excludes` are polygon files with what the map says there; in any CRS. Gives uint8
    (h, w): ORDINARY, OUTSIDE where a pixel is outside the area or excluded as nodata, else NONCROPLAND where it is
    excluded as non-cropland. Raises CropmineError for a file that can't be read.
    """
    zones = np.full(grid.shape, ORDINARY, np.uint8)
    if area is None and not excludes:
        return zones
    from cropmine.geo.geometries import burn_polygons
    from cropmine.geo.vectors import read_polygons

    for wanted, zone in (("noncropland", KNOWN_NONCROPLAND), ("nodata", OUTSIDE)):
        for path, excluded_as in excludes:
            if excluded_as == wanted:
                zones[burn_polygons(read_polygons(path, grid).polygons, grid)] = zone
    if area is not None:
        zones[~burn_polygons(read_polygons(area, grid).polygons, grid)] = OUTSIDE
    return zones
