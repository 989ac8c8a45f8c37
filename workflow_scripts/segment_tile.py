"""Cut a tile into segments by a method of segmentation."""

import json

from cropmine.config.segmentations import SEGMENTATIONS
from cropmine.features.segment_files import write_segments
from cropmine.geo.grids import read_grid
from cropmine.geo.rasters import limit_gdal
from cropmine.inputs.imagery import check_empty
from cropmine.inputs.tile_sources import source_from_settings
from cropmine.inputs.zones import ORDINARY, find_zones, read_zones
from cropmine.logs import rule_log
from cropmine.mining.segmentation import Tile, divide_tile, number_segments


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    segmentation = SEGMENTATIONS.validate(settings["segmentation"])
    grid = read_grid(files.images[0])
    source = source_from_settings(files.images, files.masks, settings)
    ordinary = read_zones(grid, find_zones(files, settings["exclude_as"])) == ORDINARY
    fitted = next(iter(files.fitted), "")
    tile = Tile(settings["tile"], source, grid, tuple(settings["bands"]), ordinary, fitted, snakemake.threads)
    parts = divide_tile(tile, segmentation)
    if not parts.any():
        check_empty(source)
    del tile, ordinary
    write_segments(snakemake.output.segments, *number_segments(parts, grid, segmentation), grid)


with rule_log(snakemake), limit_gdal(snakemake.threads):
    main(snakemake)
