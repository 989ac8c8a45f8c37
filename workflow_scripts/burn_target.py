"""Burn a label recipe into the training target of a tile."""

import json

from cropmine.classes import IGNORE
from cropmine.geo.grids import read_grid
from cropmine.geo.rasters import read_raster, write_raster
from cropmine.logs import rule_log
from cropmine.mining.burning import burn_target
from cropmine.planning.recipes import TargetSettings


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    grid, mask = read_grid(files.mask), read_raster(files.mask)
    bands = burn_target(TargetSettings(**settings["recipe"]), settings["tile"], grid, mask, files)
    write_raster(snakemake.output.target, bands, grid, nodata=IGNORE, descriptions=("target", "source"))


with rule_log(snakemake):
    main(snakemake)
