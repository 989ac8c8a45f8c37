"""Measure how far each segment of a tile is cropland in a weak map."""

import json

from cropmine.grids import pixel_areas, read_grid
from cropmine.logs import rule_log
from cropmine.mining import overlap_strips, write_overlap
from cropmine.rasters import limit_gdal
from cropmine.segments import read_segment_clusters, read_segment_strips
from cropmine.weak import load_weak, read_weak_map


def main(snakemake):
    files = snakemake.input
    weak = load_weak(json.loads(snakemake.params.settings)["weak"], files.weak, files.get("registrations", []))
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
