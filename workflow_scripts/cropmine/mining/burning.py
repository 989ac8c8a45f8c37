"""Burning a label recipe into the training target of a tile: thresholds are a look-up table over segment ids."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from cropmine.classes import HUMAN, MINED, RANDOM, WEAK
from cropmine.config.experiments import Mined
from cropmine.features.overlap_files import read_overlap
from cropmine.features.segment_files import read_segment_strips
from cropmine.geo.grids import Grid
from cropmine.inputs.label_rasters import burn_labels
from cropmine.mining.clusters import seed_tile
from cropmine.mining.overlaps import mine_segments
from cropmine.mining.targets import OPEN, compose_target, draw_random_like, look_up, select_weak
from cropmine.planning.recipes import TargetSettings

Layer = tuple[np.ndarray, int]


def burn_target(
    recipe: TargetSettings, tile: str, grid: Grid, mask: np.ndarray, files: Mapping[str, Sequence[str | Path]]
) -> np.ndarray:
    """Burn a recipe into a tile: its target and source, uint8 (2, h, w).

    mask: where labels may train, as mask_training gives it; files: the paths of `labels` (labels.parquet), `segments`
    and `overlap`, and of the `weak` map and its `registrations`, as far as the recipe needs them.
    """
    layers = []
    if recipe.weak_classes:
        layers.append(_burn_weak(recipe, grid, files["weak"], files["registrations"]))
    if recipe.mined:
        layers.append(_burn_mined(recipe, recipe.mined, tile, mask, files["segments"][0], files["overlap"][0]))
    if recipe.human:
        layers.append(_burn_human(recipe, grid, files["labels"][0]))
    return compose_target(layers, mask)


def _burn_weak(
    recipe: TargetSettings, grid: Grid, paths: Sequence[str | Path], registrations: Sequence[str | Path]
) -> Layer:
    from cropmine.inputs.weak_maps import erode_weak_map, load_weak

    eroded = erode_weak_map(*load_weak(recipe.weak, paths, registrations), grid, recipe.erode_m)
    return select_weak(*eroded, recipe.weak_classes), WEAK


def _burn_mined(
    recipe: TargetSettings, thresholds: Mined, tile: str, mask: np.ndarray, segments: str | Path, overlap: str | Path
) -> Layer:
    lut = mine_segments(read_overlap(overlap), thresholds, recipe.min_valid)
    mined = np.empty(mask.shape, np.uint8)
    top = 0
    for ids in read_segment_strips(segments, 0, len(mask)):
        look_up(lut, ids, out=mined[top : top + len(ids)])
        top += len(ids)
    if not thresholds.random:
        return mined, MINED
    return draw_random_like(mined, mask == OPEN, seed_tile(recipe.seed, tile)), RANDOM


def _burn_human(recipe: TargetSettings, grid: Grid, path: str | Path) -> Layer:
    from cropmine.inputs.label_pieces import draw_labels, read_pieces, split_of

    labels = read_pieces(path)
    splits = split_of(labels, recipe.fold, recipe.folds)
    return burn_labels(labels[draw_labels(labels, splits, recipe.human, recipe.draw)], grid), HUMAN
