"""Measure how far each segment of a tile is cropland in a weak map."""

import json

from cropmine.features.overlap_files import write_overlap
from cropmine.features.segment_files import read_segment_clusters, read_segment_strips
from cropmine.geo.areas import pixel_areas
from cropmine.geo.grids import read_grid
from cropmine.geo.rasters import limit_gdal
from cropmine.inputs.weak_maps import load_weak, read_weak_map
from cropmine.logs import rule_log
from cropmine.mining.overlaps import overlap_strips


def main(snakemake):
    files = snakemake.input
    weak = load_weak(json.loads(snakemake.params.settings)["weak"], files.weak, files.registrations)
    path, grid = files.segments, read_grid(files.segments)

    def read_strips():
        top = 0
        for ids in read_segment_strips(path, 0, grid.height):
            bottom = top + len(ids)
            values, valid = read_weak_map(*weak, grid.window(0, top, grid.width, len(ids)))
            yield ids, values, valid, pixel_areas(grid, (top, bottom))
            top = bottom

    write_overlap(snakemake.output.overlap, overlap_strips(read_strips(), read_segment_clusters(path)))


with rule_log(snakemake), limit_gdal(snakemake.threads):
    main(snakemake)
