"""Distances from test labels and from the map's pixels to the nearest training label.

A map is predicted farther from training labels than it is tested where labels are in clusters, and its scores are then
too high (Meyer and Pebesma 2022, Nature Communications 13, 2208; Linnenbrink et al. 2024, GMD 17, 5897).
"""

from collections.abc import Mapping

import geopandas
import numpy as np
import shapely
from scipy.spatial import KDTree

from cropmine.config.regions import Split
from cropmine.geo.grids import GEOD, read_grid
from cropmine.inputs.held_out import cut_training
from cropmine.inputs.imagery import read_tile
from cropmine.inputs.label_pieces import TEST, split_of
from cropmine.inputs.tile_sources import TileSource
from cropmine.inputs.zones import OUTSIDE, ZoneFiles, read_zones

MAP_POINTS = 2000
OPTIMISTIC_RATIO = 0.5
QUANTILES = (0, 5, 25, 50, 75, 95, 100)


def sample_map(sources: Mapping[str, TileSource], zones: ZoneFiles, count: int = MAP_POINTS) -> np.ndarray:
    """Sample pixels of the map: those of a square lattice over all tiles that are valid and in the region's area.

    count: nodes of the lattice, about, but at least one a tile. Returns
    longitude and latitude, (n, 2) degrees.
    """
    grids = {tile: read_grid(source.images[0]) for tile, source in sources.items()}
    step = max(round(np.sqrt(sum(grid.width * grid.height for grid in grids.values()) / count)), 1)
    found = []
    for tile, grid in grids.items():
        cols, rows = (np.arange(min(step, size) // 2, size, step) for size in (grid.width, grid.height))
        mapped = read_zones(grid, zones)[np.ix_(rows, cols)] != OUTSIDE
        for row, inside in zip(rows, mapped, strict=True):
            if inside.any():
                inside &= read_tile(sources[tile], (0, int(row), grid.width, 1))[1][0, cols]
        places = np.argwhere(mapped)
        x = grid.transform.c + (cols[places[:, 1]] + 0.5) * grid.transform.a
        y = grid.transform.f + (rows[places[:, 0]] + 0.5) * grid.transform.e
        found.append(np.column_stack(grid.to_lonlat.transform(x, y)))
    return np.concatenate(found)


def find_nearest(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Find the geodesic distances from points to the nearest of others, metres.

    points (n, 2) and others (m, 2), m > 0: longitude and latitude, degrees. The nearest is that by the straight line
    through the earth.
    """
    if not len(points):
        return np.empty(0)
    nearest = KDTree(_place_in_space(others)).query(_place_in_space(points))[1]
    return np.asarray(GEOD.inv(*points.T, *others[nearest].T)[2])


def _place_in_space(points: np.ndarray) -> np.ndarray:
    """Geocentric coordinates (n, 3) of points on the ellipsoid, metres."""
    lon, lat = np.radians(points).T
    radius = GEOD.a / np.sqrt(1 - GEOD.es * np.sin(lat) ** 2)
    across = radius * np.cos(lat)
    return np.column_stack([across * np.cos(lon), across * np.sin(lon), radius * (1 - GEOD.es) * np.sin(lat)])


def measure_distances(labels: geopandas.GeoDataFrame, split: Split, points: np.ndarray) -> dict:
    """Measure how far test labels, and pixels of the map, are from the nearest training label.

    labels: labels.parquet, whose pieces count as a point within what tests or can train; points: as sample_map gives
    them. With k-fold, the test labels of every fold are held against the training labels of that fold, and the map's
    pixels against all labels, which train the map's models. Gives, for `test` and `map`, the count, the quantiles and
    `ecdf`, the distances at 0, 1, ..., 100 %, all in metres; whether the scores are `optimistic`, by `ratio`, that of
    the medians; and a sentence.
    """
    tests = [_measure_run(labels, split, fold) for fold in _list_folds(split)]
    trains = cut_training(labels, split_of(labels, None), split.buffer_m, split.block_m)
    test, mapped = np.concatenate(tests), find_nearest(points, _choose_points(trains))
    ratio = float(np.median(test) / max(np.median(mapped), 1)) if len(test) and len(mapped) else None
    return {
        "test": _describe_distances(test),
        "map": _describe_distances(mapped),
        "folds": split.folds if split.method == "kfold" else None,
        "ratio": None if ratio is None else round(ratio, 4),
        "criterion": OPTIMISTIC_RATIO,
        "optimistic": None if ratio is None else ratio < OPTIMISTIC_RATIO,
    }


def _list_folds(split: Split) -> list[int | None]:
    return list(range(split.folds)) if split.method == "kfold" else [None]


def _measure_run(labels: geopandas.GeoDataFrame, split: Split, fold: int | None) -> np.ndarray:
    splits = split_of(labels, fold, split.folds)
    trains = cut_training(labels, splits, split.buffer_m, split.block_m)
    return find_nearest(_choose_points(labels.geometry[splits == TEST]), _choose_points(trains))


def _choose_points(polygons: np.ndarray | geopandas.GeoSeries) -> np.ndarray:
    """A point in each polygon that isn't empty, (n, 2)."""
    return shapely.get_coordinates(shapely.point_on_surface(np.asarray(polygons, dtype=object)))


def _describe_distances(metres: np.ndarray) -> dict | None:
    if not len(metres):
        return None
    quantiles = np.percentile(metres, QUANTILES).round(1)
    return {
        "count": len(metres),
        "quantiles": dict(zip(map(str, QUANTILES), quantiles.tolist(), strict=True)),
        "ecdf": np.percentile(metres, np.arange(101)).round(1).tolist(),
    }
