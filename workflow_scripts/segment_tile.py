"""Cut a tile into segments: connected pixels of one cluster or superpixel."""

import json

from cropmine.config.experiments import Segmentation
from cropmine.geo.grids import read_grid
from cropmine.geo.rasters import limit_gdal
from cropmine.inputs.imagery import check_empty, open_rows, source_from_settings
from cropmine.inputs.zones import ORDINARY, read_zones
from cropmine.logs import rule_log
from cropmine.mining.clusters import read_codebook
from cropmine.mining.segment_files import write_segments
from cropmine.mining.segmentation import cluster_tile, divide_tile, number_segments


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    segmentation = Segmentation.model_validate(settings["segmentation"])
    grid = read_grid(files.images[0])
    excludes = list(zip(files.get("excludes", []), settings["exclude_as"], strict=True))
    ordinary = read_zones(grid, next(iter(files.get("area", [])), None), excludes) == ORDINARY
    source = source_from_settings(files.images, files.get("masks", []), settings)
    read_rows = open_rows(source, ordinary)
    codebook = next(map(read_codebook, files.get("codebook", [])), None)
    tile, bands = settings["tile"], settings["bands"]
    if segmentation.method == "kmeans":
        parts = cluster_tile(read_rows, grid.shape, segmentation, tile, bands, codebook, snakemake.threads)
    else:
        parts = divide_tile(*read_rows(0, grid.height), grid, segmentation, tile, bands)
    if not parts.any():
        check_empty(source)
    del read_rows, ordinary
    write_segments(snakemake.output.segments, *number_segments(parts, grid, segmentation), grid)


with rule_log(snakemake), limit_gdal(snakemake.threads):
    main(snakemake)
