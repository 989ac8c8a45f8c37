"""Burn a label recipe into the training target of a tile."""

import json

import numpy as np

from cropmine.config import Mined, Split, WeakMap
from cropmine.grids import read_grid
from cropmine.imagery import read_tile, source_from_settings
from cropmine.logs import rule_log
from cropmine.mining import mine_segments, read_overlap
from cropmine.rasters import write_raster
from cropmine.segments import read_segments, seed_tile
from cropmine.splits import draw_labels, held_out_mask, split_of
from cropmine.targets import IGNORE, MINED, RANDOM, burn_labels, compose_target, draw_random_like, select_weak
from cropmine.weak import erode_weak_map
from cropmine.zones import ORDINARY, read_zones


def burn_human(path, recipe, grid):
    """The human labels that train, and the held-out pixels."""
    import geopandas

    split = Split(**recipe["split"])
    labels = geopandas.read_parquet(path)
    splits = split_of(labels, recipe["fold"], split.folds)
    drawn = labels[draw_labels(labels, splits, recipe["human"], recipe["draw"])]
    return burn_labels(drawn, grid), held_out_mask(labels, splits, grid, split.buffer_m, split.block_m)


def main(snakemake):
    settings = json.loads(snakemake.params.settings)
    recipe, files = settings["recipe"], snakemake.input
    grid = read_grid(files.images[0])
    source = source_from_settings(list(files.images), list(files.get("masks", [])), settings)
    valid = read_tile(source)[1]
    excludes = zip(files.get("excludes", []), settings["exclude_as"], strict=True)
    ordinary = read_zones(grid, next(iter(files.get("area", [])), None), list(excludes)) == ORDINARY
    human, mined, weak = (np.full(grid.shape, IGNORE, np.uint8) for _ in range(3))
    closed, mined_source = ~valid, MINED
    for path in files.get("labels", []):
        human, held_out = burn_human(path, recipe, grid)
        closed |= held_out
    if recipe["mined"]:
        settings_mined = Mined(**recipe["mined"])
        lut = mine_segments(read_overlap(files.overlap[0]), settings_mined, recipe["min_valid"])
        mined = lut[read_segments(files.segments[0])[0]]
        if settings_mined.random:
            rng = seed_tile(recipe["seed"], settings["tile"])
            mined, mined_source = draw_random_like(mined, ordinary & ~closed, rng), RANDOM
    if recipe["weak_classes"]:
        eroded = erode_weak_map(files.weak[0], WeakMap(**recipe["weak"]), grid, recipe["erode_m"])
        weak = select_weak(*eroded, recipe["weak_classes"])
    mined, weak = (np.where(ordinary, layer, IGNORE) for layer in (mined, weak))
    target, origin = compose_target(human, mined, weak, closed, mined_source)
    bands = np.stack([target, origin])
    write_raster(snakemake.output.target, bands, grid, nodata=IGNORE, descriptions=("target", "source"))


with rule_log(snakemake):
    main(snakemake)
