"""Write the mined segments of a tile as polygons."""

import json
from functools import partial

from cropmine.config.experiments import Mined
from cropmine.features.overlap_files import read_overlap
from cropmine.features.segment_files import read_segment_strips
from cropmine.geo.grids import read_grid
from cropmine.geo.rasters import limit_gdal
from cropmine.logs import rule_log
from cropmine.mining.mined_polygons import write_mined_polygons
from cropmine.mining.overlaps import mine_segments


def main(snakemake):
    settings, segments = json.loads(snakemake.params.settings), snakemake.input.segments
    overlap = read_overlap(snakemake.input.overlap)
    lut = mine_segments(overlap, Mined.model_validate(settings["mined"]), settings["min_valid"])
    read_strips = partial(read_segment_strips, segments)
    write_mined_polygons(snakemake.output.polygons, read_strips, overlap, lut, read_grid(segments))


with rule_log(snakemake), limit_gdal(snakemake.threads):
    main(snakemake)
