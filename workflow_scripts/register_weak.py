"""Pool what tiles tell of a weak map's shift, and decide whether it is moved."""

import json

from cropmine.logs import rule_log
from cropmine.mining.registration import pool_surfaces, read_surfaces, write_registration


def main(snakemake):
    tiles = json.loads(snakemake.params.settings)["tiles"]
    measured = dict(zip(tiles, map(read_surfaces, snakemake.input.surfaces), strict=True))
    write_registration(snakemake.output.shift, snakemake.output.evidence, pool_surfaces(measured))


with rule_log(snakemake):
    main(snakemake)
