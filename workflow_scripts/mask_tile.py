"""Find where labels of a tile may train: on valid imagery, outside held-out blocks, their buffers and exclusions."""

import json

import numpy as np

from cropmine.config.regions import Split
from cropmine.geo.grids import read_grid
from cropmine.geo.rasters import write_raster
from cropmine.inputs.imagery import read_tile
from cropmine.inputs.probability_samples import mark_sample, read_design
from cropmine.inputs.tile_sources import source_from_settings
from cropmine.inputs.zones import ORDINARY, find_zones, read_zones
from cropmine.logs import rule_log
from cropmine.mining.targets import mask_training


def find_held_out(path, settings, grid):
    from cropmine.inputs.held_out import held_out_mask
    from cropmine.inputs.label_pieces import read_pieces, split_of

    split, labels = Split(**settings["split"]), read_pieces(path)
    splits = split_of(labels, settings["fold"], split.folds)
    return held_out_mask(labels, splits, grid, split.buffer_m, split.block_m)


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    grid = read_grid(files.images[0])
    valid = read_tile(source_from_settings(list(files.images), list(files.get("masks", [])), settings))[1]
    ordinary = read_zones(grid, find_zones(files, settings["exclude_as"])) == ORDINARY
    held_out = np.zeros(grid.shape, bool)
    for path in files.get("labels", []):
        held_out |= find_held_out(path, settings, grid)
    for path in files.get("sample", []):
        held_out |= mark_sample(read_design(path), grid, settings["sample_buffer_m"])
    write_raster(snakemake.output.mask, mask_training(valid, ordinary, held_out), grid, descriptions=["mask"])


with rule_log(snakemake):
    main(snakemake)
