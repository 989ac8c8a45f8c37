"""Masks of training: where the labels of a tile may train."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cropmine.geo.grids import Grid
from cropmine.inputs.imagery import read_tile
from cropmine.inputs.tile_sources import TileSource
from cropmine.inputs.zones import ORDINARY, ZoneFiles, read_zones
from cropmine.mining.targets import mask_training


def mask_tile(source: TileSource, grid: Grid, zones: ZoneFiles, held_out: Sequence[np.ndarray]) -> np.ndarray:
    """Mask a tile as mask_training does: on valid imagery, by the area and its exclusions, outside held-out ground.

    held_out: masks, bool (h, w), of ground where nothing may train. Gives uint8
    (h, w). Raises CropmineError as read_tile and read_zones do.
    """
    ordinary = read_zones(grid, zones) == ORDINARY
    closed = np.zeros(grid.shape, bool)
    for part in held_out:
        closed |= part
    return mask_training(read_tile(source)[1], ordinary, closed)


def mark_held_out(
    path: str | Path, grid: Grid, fold: int | None, folds: int | None, buffer_m: float, block_m: float
) -> np.ndarray:
    """Mark the blocks of labels.parquet that a run holds out, with their buffers, on a grid: bool (h, w).

    fold, folds: as for split_of; buffer_m, block_m: true metres.
    """
    from cropmine.inputs.held_out import held_out_mask
    from cropmine.inputs.label_pieces import read_pieces, split_of

    labels = read_pieces(path)
    return held_out_mask(labels, split_of(labels, fold, folds), grid, buffer_m, block_m)
