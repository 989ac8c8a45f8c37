"""Write the mined segments of a tile as polygons."""

import json

from cropmine.config import Mined
from cropmine.grids import read_grid
from cropmine.logs import rule_log
from cropmine.mining import mine_segments, read_overlap
from cropmine.polygons import write_mined_polygons
from cropmine.segments import read_segments


def main(snakemake):
    settings = json.loads(snakemake.params.settings)
    ids, _ = read_segments(snakemake.input.segments)
    overlap = read_overlap(snakemake.input.overlap)
    lut = mine_segments(overlap, Mined.model_validate(settings["mined"]), settings["min_valid"])
    write_mined_polygons(snakemake.output.polygons, ids, overlap, lut, read_grid(snakemake.input.segments))


with rule_log(snakemake):
    main(snakemake)
