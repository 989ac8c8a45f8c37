"""Blocks: one grid for the whole earth, in true metres from the equator and the meridian of Greenwich.

The block of a point depends only on the point.
"""

import logging
import re
from collections.abc import Iterable

import geopandas
import numpy as np
import shapely
from numpy.typing import ArrayLike

from cropmine.geo.areas import degree_metres, measure_polygons
from cropmine.geo.geometries import keep_polygons
from cropmine.geo.grids import CRS_LONLAT, GEOD

log = logging.getLogger(__name__)
_QUARTER_MERIDIAN_M = GEOD.inv(0, 0, 0, 90)[2]
_SLIVER_M2 = 1.0
_SLACK_M = 0.1  # more than chords and rounding lose at the edge of a held-out zone


def block_of(lon: ArrayLike, lat: ArrayLike, block_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Find the blocks of points.

    lon, lat: degrees, arrays of one shape; returns rows and columns, int64. A row is `block_m` metres of meridian, a
    column `block_m` metres along the parallel through the middle of its row.
    """
    rows = np.floor(_meridian_metres(lat) / block_m).astype(np.int64)
    return rows, np.floor(np.asarray(lon, dtype=float) / _column_degrees(rows, block_m)).astype(np.int64)


def block_bounds(
    rows: ArrayLike, columns: ArrayLike, block_m: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Give the borders of blocks: lon_min, lat_min, lon_max, lat_max in degrees, arrays of the shape of `rows`."""
    rows, columns = np.asarray(rows, dtype=np.int64), np.asarray(columns, dtype=np.int64)
    width = _column_degrees(rows, block_m)
    west, east = (np.clip(width * border, -180, 180) for border in (columns, columns + 1))
    return west, _latitude(rows * block_m), east, _latitude((rows + 1) * block_m)


def name_blocks(rows: Iterable[int], columns: Iterable[int]) -> np.ndarray:
    """Name blocks, such as r-12c345; returns an array of str."""
    return np.array([f"r{row}c{column}" for row, column in zip(rows, columns, strict=True)], dtype=object)


def cut_labels(labels: geopandas.GeoDataFrame, block_m: float) -> geopandas.GeoDataFrame:
    """Cut labels at the borders of blocks.

    labels: as read_labels gives them. Returns one row a piece, ordered by label and block, with the labels' columns
    and piece (int32, from 0 in each label) and block (str). Pieces under 1 m² are dropped.
    """
    whole = np.asarray(labels.geometry, dtype=object)
    _, south, _, north = shapely.bounds(whole).T
    owner, rows = _span(*(block_of(0.0, lat, block_m)[0] for lat in (south, north)))
    _, bottom, _, top = block_bounds(rows, np.zeros_like(rows), block_m)
    strips = _clip(whole[owner], -180, bottom, 180, top, np.bincount(owner)[owner] > 1)
    kept = ~shapely.is_empty(strips)  # a label that only touches a border leaves nothing beyond it
    strips, owner, rows = strips[kept], owner[kept], rows[kept]

    west, _, east, _ = shapely.bounds(strips).T
    width = _column_degrees(rows, block_m)
    strip, columns = _span(*(np.floor(lon / width).astype(np.int64) for lon in (west, east)))
    owner, rows = owner[strip], rows[strip]
    pieces = _clip(strips[strip], *block_bounds(rows, columns, block_m), np.bincount(strip)[strip] > 1)

    large = measure_polygons(pieces) >= _SLIVER_M2
    cut = labels.iloc[owner[large]].reset_index(drop=True).set_geometry(pieces[large], crs=CRS_LONLAT)
    cut["piece"] = cut.groupby("label").cumcount().astype(np.int32)
    cut["block"] = name_blocks(rows[large], columns[large])
    gone = len(labels) - cut["label"].nunique()
    if gone:
        log.warning("%d labels have no piece of %g m² and are dropped", gone, _SLIVER_M2)
    return cut


def zone_blocks(names: Iterable[str], buffer_m: float, block_m: float) -> np.ndarray:
    """Give lon/lat rectangles of all within `buffer_m` of the named blocks; one beyond 180 degrees comes in two."""
    rows, columns = parse_names(names)
    west, south, east, north = block_bounds(rows, columns, block_m)
    margin = buffer_m + _SLACK_M
    south, north = _latitude(_meridian_metres(south) - margin), _latitude(_meridian_metres(north) + margin)
    narrowest = degree_metres(np.maximum(np.abs(south), np.abs(north)))[0]
    degrees = np.minimum(margin / narrowest, 180)
    west, east = west - degrees, east + degrees
    zones = [_boxes(np.maximum(west, -180), south, np.minimum(east, 180), north)]
    zones.append(_boxes(-180, south[east > 180], east[east > 180] - 360, north[east > 180]))
    zones.append(_boxes(west[west < -180] + 360, south[west < -180], 180, north[west < -180]))
    return np.concatenate(zones)


def parse_names(names: Iterable[str]) -> np.ndarray:
    """Take rows and columns, int64 (2, n), from names that name_blocks gave. Raises ValueError for another name."""
    return np.array([_parse_name(name) for name in names], dtype=np.int64).reshape(-1, 2).T


def _parse_name(name: str) -> tuple[int, int]:
    found = re.fullmatch(r"r(-?\d+)c(-?\d+)", name)
    if found is None:
        raise ValueError(f"{name!r} names no block")
    return int(found[1]), int(found[2])


def _span(first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All whole numbers from first to last of each item: the items' positions and the numbers."""
    counts = last - first + 1
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(counts.sum()) - (np.cumsum(counts) - counts)[owner] + first[owner]


def _boxes(west: ArrayLike, south: ArrayLike, east: ArrayLike, north: ArrayLike) -> np.ndarray:
    """Rectangles, (n,); a border that they share may be one number."""
    left, bottom, right, top = np.broadcast_arrays(west, south, east, north)
    return shapely.box(left, bottom, right, top)


def _clip(
    geometries: np.ndarray, west: ArrayLike, south: ArrayLike, east: ArrayLike, north: ArrayLike, needed: np.ndarray
) -> np.ndarray:
    """Polygonal parts within rectangles, cut only where needed."""
    boxes = _boxes(west, south, east, north)
    clipped = geometries.copy()
    clipped[needed] = keep_polygons(shapely.intersection(geometries[needed], boxes[needed]))
    return clipped


def _column_degrees(rows: np.ndarray, block_m: float) -> np.ndarray:
    """Width of a row's columns, degrees of longitude."""
    return block_m / degree_metres(_latitude((np.asarray(rows) + 0.5) * block_m))[0]


def _meridian_metres(lat: ArrayLike) -> np.ndarray:
    """Signed metres of meridian from the equator."""
    degrees = np.asarray(lat, dtype=float)
    zero = np.zeros(degrees.size)
    return np.copysign(GEOD.inv(zero, zero, zero, degrees.ravel())[2], degrees.ravel()).reshape(degrees.shape)


def _latitude(metres: ArrayLike) -> np.ndarray:
    """The latitude at signed metres of meridian from the equator, at most a pole."""
    north = np.clip(np.asarray(metres, dtype=float), -_QUARTER_MERIDIAN_M, _QUARTER_MERIDIAN_M)
    zero = np.zeros(north.size)
    azimuth = np.where(north.ravel() < 0, 180.0, 0.0)
    return np.asarray(GEOD.fwd(zero, zero, azimuth, np.abs(north.ravel()))[1]).reshape(north.shape)
