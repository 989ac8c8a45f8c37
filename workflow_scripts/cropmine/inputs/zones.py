"""Zones of a tile: where it is mined and mapped, where it is nodata, and where it is known not to be cropland."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from cropmine.geo.grids import Grid

ExcludeAs = Literal["nodata", "noncropland"]
ORDINARY, OUTSIDE, KNOWN_NONCROPLAND = 0, 1, 2


@dataclass(frozen=True)
class ZoneFiles:
    """The polygon files of a region's area, or none, and of its exclusions, each with what the map says there."""

    area: str | Path | None = None
    excludes: tuple[tuple[str | Path, ExcludeAs], ...] = ()


def find_zones(files: Mapping[str, Sequence[str | Path]], exclude_as: Sequence[ExcludeAs]) -> ZoneFiles:
    """Find the zones' files among those of a job, by the names `area` and `excludes`, which may be missing."""
    excludes = zip(files.get("excludes", ()), exclude_as, strict=True)
    return ZoneFiles(next(iter(files.get("area", ())), None), tuple(excludes))


def read_zones(grid: Grid, files: ZoneFiles) -> np.ndarray:
    """Burn the area and the exclusions of a region, in any CRS, into the pixels of a grid, by their centres.

    Gives uint8 (h, w): ORDINARY, OUTSIDE where a pixel is outside the area or excluded as nodata, else
    KNOWN_NONCROPLAND where it is excluded as non-cropland. Raises CropmineError for a file that can't be read.
    """
    zones = np.full(grid.shape, ORDINARY, np.uint8)
    if files.area is None and not files.excludes:
        return zones
    from cropmine.geo.geometries import burn_polygons
    from cropmine.geo.vectors import read_polygons

    for wanted, zone in (("noncropland", KNOWN_NONCROPLAND), ("nodata", OUTSIDE)):
        for path, excluded_as in files.excludes:
            if excluded_as == wanted:
                zones[burn_polygons(read_polygons(path, grid).polygons, grid)] = zone
    if files.area is not None:
        zones[~burn_polygons(read_polygons(files.area, grid).polygons, grid)] = OUTSIDE
    return zones
