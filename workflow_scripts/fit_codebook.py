"""Fit a method of segmentation once for all training tiles of a region."""

import json

from cropmine.config.segmentations import SEGMENTATIONS
from cropmine.geo.grids import read_grid
from cropmine.geo.rasters import limit_gdal
from cropmine.inputs.tile_sources import group_sources
from cropmine.logs import rule_log
from cropmine.mining.segmentation import Tile, load_method


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    segmentation = SEGMENTATIONS.validate(settings["segmentation"])
    sources = group_sources(files.images, files.masks, settings)
    bands = tuple(settings["bands"])
    tiles = (Tile(name, sources[name], read_grid(sources[name].images[0]), bands) for name in sorted(sources))
    load_method(segmentation).fit_region(tiles, segmentation, snakemake.output.codebook)


with rule_log(snakemake), limit_gdal(snakemake.threads):
    main(snakemake)
