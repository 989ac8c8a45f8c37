"""Footprints: bounds of tiles in any CRS, and which bounds overlap."""

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import pyproj
from numpy.typing import ArrayLike

from cropmine.geo.grids import CRS_LONLAT, Grid

_EDGE_POINTS = 9


@dataclass(frozen=True)
class Footprint:
    """Tiles on the ground: their names and grids, in any CRS."""

    tiles: tuple[str, ...]
    grids: tuple[Grid, ...]

    @cached_property
    def lonlat(self) -> np.ndarray:
        """Bounds (n, 4) of each tile in longitude and latitude."""
        return self.bounds_in(CRS_LONLAT)

    def bounds_in(self, crs: str) -> np.ndarray:
        """Bounds (n, 4) of each tile in another CRS, given as text; NaN where that CRS can't hold the tile."""
        groups: dict[str, list[int]] = {}
        for position, grid in enumerate(self.grids):
            groups.setdefault(grid.crs.to_wkt(), []).append(position)
        bounds = np.full((len(self.grids), 4), np.nan)
        for wkt, positions in groups.items():
            bounds[positions] = transform_bounds([self.grids[position].bounds for position in positions], wkt, crs)
        return bounds


def transform_bounds(bounds: ArrayLike, source: str, target: str) -> np.ndarray:
    """Take bounds (n, 4) from one CRS, given as text, to another along their edges; NaN where that fails."""
    west, south, east, north = np.asarray(bounds, dtype=float).reshape(-1, 4).T[:, :, None]
    along = np.linspace(0, 1, _EDGE_POINTS)
    across, up = west + (east - west) * along, south + (north - south) * along
    x = np.concatenate([across, across, west + 0 * along, east + 0 * along], axis=1)
    y = np.concatenate([south + 0 * along, north + 0 * along, up, up], axis=1)
    x, y = _transformer(source, target).transform(x, y)
    corners = np.stack([x.min(axis=1), y.min(axis=1), x.max(axis=1), y.max(axis=1)], axis=1)
    return np.where(np.isfinite(corners).all(axis=1, keepdims=True), corners, np.nan)


@cache
def _transformer(source: str, target: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


def meet(bounds: np.ndarray, other: ArrayLike) -> np.ndarray:
    """Find which of bounds (n, 4) share an area with others, (4,) or (n, 4) one each: bool (n,), false where NaN."""
    others = np.asarray(other, dtype=float)
    return (
        (bounds[:, 0] < others[..., 2])
        & (bounds[:, 2] > others[..., 0])
        & (bounds[:, 1] < others[..., 3])
        & (bounds[:, 3] > others[..., 1])
    )
