"""Mark where labels of a tile may train: on valid imagery, outside held-out blocks, their buffers and exclusions."""

import json

from cropmine.geo.grids import read_grid
from cropmine.geo.rasters import write_raster
from cropmine.inputs.probability_samples import mark_sample, read_design
from cropmine.inputs.tile_sources import source_from_settings
from cropmine.inputs.zones import find_zones
from cropmine.logs import rule_log
from cropmine.mining.masks import mark_held_out, mask_tile


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    grid = read_grid(files.images[0])
    source = source_from_settings(files.images, files.masks, settings)
    held_out = [mark_held_out(path, grid, **settings["held_out"]) for path in files.labels]
    held_out += [mark_sample(read_design(path), grid, settings["sample_buffer_m"]) for path in files.sample]
    zones = find_zones(files, settings["exclude_as"])
    write_raster(snakemake.output.mask, mask_tile(source, grid, zones, held_out), grid, descriptions=["mask"])


with rule_log(snakemake):
    main(snakemake)
