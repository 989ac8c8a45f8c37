"""Burn a label recipe into the training target of a tile."""

import json

from cropmine.config import Mined, Split
from cropmine.grids import read_grid
from cropmine.logs import rule_log
from cropmine.mining import mine_segments, read_overlap
from cropmine.rasters import read_raster, write_raster
from cropmine.segments import read_segments, seed_tile
from cropmine.targets import (
    HUMAN,
    IGNORE,
    MINED,
    OPEN,
    RANDOM,
    WEAK,
    burn_labels,
    compose_target,
    draw_random_like,
    select_weak,
)
from cropmine.weak import erode_weak_map


def burn_human(path, recipe, grid):
    """The human labels that train."""
    import geopandas

    from cropmine.splits import draw_labels, split_of

    labels = geopandas.read_parquet(path)
    splits = split_of(labels, recipe["fold"], Split(**recipe["split"]).folds)
    return burn_labels(labels[draw_labels(labels, splits, recipe["human"], recipe["draw"])], grid)


def burn_mined(files, recipe, mask, tile):
    """The mined labels, or as many random ones, and the code of their source."""
    settings = Mined(**recipe["mined"])
    lut = mine_segments(read_overlap(files.overlap[0]), settings, recipe["min_valid"])
    mined = lut[read_segments(files.segments[0])[0]]
    if not settings.random:
        return mined, MINED
    return draw_random_like(mined, mask == OPEN, seed_tile(recipe["seed"], tile)), RANDOM


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    recipe, grid, mask = settings["recipe"], read_grid(files.mask), read_raster(files.mask)
    layers = []
    if recipe["weak_classes"]:
        eroded = erode_weak_map(files.weak, recipe["weak"], grid, recipe["erode_m"])
        layers.append((select_weak(*eroded, recipe["weak_classes"]), WEAK))
    if recipe["mined"]:
        layers.append(burn_mined(files, recipe, mask, settings["tile"]))
    if recipe["human"]:
        layers.append((burn_human(files.labels[0], recipe, grid), HUMAN))
    bands = compose_target(layers, mask)
    write_raster(snakemake.output.target, bands, grid, nodata=IGNORE, descriptions=("target", "source"))


with rule_log(snakemake):
    main(snakemake)
