"""Held-out ground: the blocks of validation and test labels and a buffer round them, where nothing trains."""

from collections.abc import Iterable

import geopandas
import numpy as np
import pandas as pd
import shapely

from cropmine.errors import CropmineError
from cropmine.geo.geometries import burn_polygons, keep_polygons, place_on_grid
from cropmine.geo.grids import Grid, pixel_size_m
from cropmine.inputs.blocks import zone_blocks
from cropmine.inputs.label_pieces import TRAIN, find_held_out, find_trainable, split_of

_SLACK_PX = 0.02  # GDAL leaves out pixels that a zone reaches into by under a hundredth of their width


def held_out_mask(labels: pd.DataFrame, splits: np.ndarray, grid: Grid, buffer_m: float, block_m: float) -> np.ndarray:
    """Mark the pixels that a held-out block touches: nothing may train there, whatever its source.

    A held-out block is one that holds a piece of a validation or test label, widened by `buffer_m` true metres on
    every side. Returns a bool array (h, w).
    """
    margin_m = buffer_m + _SLACK_PX * max(pixel_size_m(grid))
    _, zones = place_on_grid(zone_blocks(find_held_out(labels, splits), margin_m, block_m), grid)
    return burn_polygons(zones, grid, all_touched=True)


def cut_training(labels: pd.DataFrame, splits: np.ndarray, buffer_m: float, block_m: float) -> np.ndarray:
    """Cut the training pieces to what is outside held-out blocks and their buffers.

    splits: as split_of gives them. Returns lon/lat polygons (n,) object, empty where a piece can't train.
    """
    trains = find_trainable(labels, splits)
    cut = np.array(labels.geometry, dtype=object)
    cut[~trains] = shapely.Polygon()
    zones = zone_blocks(find_held_out(labels, splits), buffer_m, block_m)
    pieces, met = shapely.STRtree(zones).query(cut, predicate="intersects")
    rounds = pd.Series(pieces).groupby(pieces).cumcount().to_numpy()
    for number in np.unique(rounds):
        own = rounds == number  # one zone a piece
        cut[pieces[own]] = shapely.difference(cut[pieces[own]], zones[met[own]])
    return keep_polygons(cut)


def check_apart(source: pd.DataFrame, target: pd.DataFrame, buffer_m: float, block_m: float) -> None:
    """Raise CropmineError if training labels of a source are where a target's labels are held out.

    source, target: pieces of labels.parquet of two regions.
    """
    others = source[split_of(source, None) == TRAIN]
    leaks = count_leaks(others, target, split_of(target, None), buffer_m, block_m)
    if leaks:
        what = f"{leaks} training labels of the source are in held-out blocks of the target"
        raise CropmineError("transfers", what, "transfer between regions that don't overlap")


def select_on(labels: geopandas.GeoDataFrame, grids: Iterable[Grid]) -> geopandas.GeoDataFrame:
    """Select the pieces of labels.parquet that meet grids: a file of labels may reach beyond its region."""
    return labels.iloc[np.unique(np.concatenate([place_on_grid(labels.geometry, grid)[0] for grid in grids]))]


def count_leaks(others: pd.DataFrame, labels: pd.DataFrame, splits: np.ndarray, buffer_m: float, block_m: float) -> int:
    """Count the pieces of another region's labels in a held-out block of `labels`, or within its buffer."""
    zones = shapely.STRtree(zone_blocks(find_held_out(labels, splits), buffer_m, block_m))
    return len(np.unique(zones.query(np.asarray(others.geometry, dtype=object), predicate="intersects")[0]))
