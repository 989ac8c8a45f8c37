"""Label polygons burned into the pixels of a tile."""

import numpy as np
import pandas as pd
import shapely

from cropmine.classes import CROPLAND, IGNORE, NONCROPLAND
from cropmine.geo.geometries import burn_numbers, burn_polygons, place_on_grid
from cropmine.geo.grids import Grid


def burn_labels(labels: pd.DataFrame, grid: Grid) -> np.ndarray:
    """Burn label polygons into the pixels whose centres they hold.

    labels: columns target and geometry (EPSG:4326). Returns uint8 (h, w): 0 non-cropland, 1 cropland, 255 where there
    is no label or where labels contradict each other.
    """
    positions, polygons = place_on_grid(labels.geometry, grid)
    return _burn_classes(labels["target"].to_numpy()[positions], polygons, grid)


def burn_label_ids(labels: pd.DataFrame, grid: Grid) -> np.ndarray:
    """Burn the positions of label polygons, counted from 1, into the pixels whose centres they hold.

    labels: as for burn_labels. Returns int32 (h, w), 0 where there is no label or where labels contradict each other;
    of overlapping labels of one class the later stays.
    """
    positions, polygons = place_on_grid(labels.geometry, grid)
    classes = _burn_classes(labels["target"].to_numpy()[positions], polygons, grid)
    ids = burn_numbers(polygons, positions + 1, grid)
    return np.where(classes == IGNORE, np.int32(0), ids)


def _burn_classes(targets: np.ndarray, polygons: np.ndarray, grid: Grid) -> np.ndarray:
    burnt = np.full(grid.shape, IGNORE, np.uint8)
    rows, columns = _frame(polygons, grid)
    part = grid.window(columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)
    cropland, other = (burn_polygons(polygons[targets == cls], part).view(np.uint8) for cls in (CROPLAND, NONCROPLAND))
    # 1 where only cropland is, 0 where only other land is, else 255; without branches, since arrays may be large
    burnt[rows, columns] = np.uint8(IGNORE) - (cropland ^ other) * (np.uint8(IGNORE - CROPLAND) + other)
    return burnt


def _frame(polygons: np.ndarray, grid: Grid) -> tuple[slice, slice]:
    """The rows and columns of a grid that hold polygons, at least one of each."""
    if not len(polygons):
        return slice(0, 1), slice(0, 1)
    left, bottom, right, top = shapely.total_bounds(polygons)
    inverse = ~grid.transform
    corners = np.array([inverse @ corner for corner in ((left, top), (right, bottom))])
    size = np.array([grid.width, grid.height])
    first = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, size - 1)
    last = np.clip(np.ceil(corners.max(axis=0)).astype(int), first + 1, size)
    return slice(first[1], last[1]), slice(first[0], last[0])
