"""Cut a tile into segments: connected pixels of one cluster or superpixel."""

import json

from cropmine.config import Segmentation
from cropmine.grids import read_grid
from cropmine.imagery import read_tile, source_from_settings
from cropmine.logs import rule_log
from cropmine.segmenters import divide_tile, number_segments
from cropmine.segments import read_codebook, write_segments
from cropmine.zones import ORDINARY, read_zones


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    segmentation = Segmentation.model_validate(settings["segmentation"])
    grid = read_grid(files.images[0])
    pixels, valid = read_tile(source_from_settings(files.images, files.get("masks", []), settings))
    excludes = list(zip(files.get("excludes", []), settings["exclude_as"], strict=True))
    valid &= read_zones(grid, next(iter(files.get("area", [])), None), excludes) == ORDINARY
    codebook = next(map(read_codebook, files.get("codebook", [])), None)
    parts = divide_tile(pixels, valid, grid, segmentation, settings["tile"], settings["bands"], codebook)
    del pixels
    write_segments(snakemake.output.segments, *number_segments(parts, grid, segmentation), grid)


with rule_log(snakemake):
    main(snakemake)
