"""Measure how far each segment of a tile is cropland in a weak map."""

import json

from cropmine.grids import pixel_areas, read_grid
from cropmine.logs import rule_log
from cropmine.mining import overlap_segments, write_overlap
from cropmine.segments import read_segments
from cropmine.weak import load_weak, read_weak_map


def main(snakemake):
    weak = load_weak(json.loads(snakemake.params.settings)["weak"], snakemake.input.weak)
    grid = read_grid(snakemake.input.segments)
    ids, cluster_of_segment = read_segments(snakemake.input.segments)
    values, valid = read_weak_map(*weak, grid)
    write_overlap(snakemake.output.overlap, overlap_segments(ids, values, valid, pixel_areas(grid), cluster_of_segment))


with rule_log(snakemake):
    main(snakemake)
