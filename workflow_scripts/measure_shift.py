"""Measure how unanimous a tile's segments are about a weak map at each of many shifts."""

import json

from cropmine.features.segment_files import read_segments
from cropmine.geo.grids import read_grid
from cropmine.geo.rasters import limit_gdal
from cropmine.inputs.weak_maps import POLYGON_STEP_M, find_weak_pixel, load_weak, read_weak_map
from cropmine.logs import rule_log
from cropmine.mining.registration import measure_surfaces, write_surfaces


def main(snakemake):
    weak = load_weak(json.loads(snakemake.params.settings)["weak"], snakemake.input.weak)
    ids, _ = read_segments(snakemake.input.segments)
    grid, others = read_grid(snakemake.input.segments), map(read_grid, snakemake.input.other)
    side_m = find_weak_pixel(snakemake.input.weak, grid) or POLYGON_STEP_M
    write_surfaces(
        snakemake.output.surfaces,
        measure_surfaces(ids, grid, lambda part: read_weak_map(*weak, part), list(others), side_m),
    )


with rule_log(snakemake), limit_gdal(snakemake.threads):
    main(snakemake)
