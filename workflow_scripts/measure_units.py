"""Count the hectares of the map by administrative unit."""

import json

from cropmine.logs import rule_log
from cropmine.units import measure_units, read_units, write_units


def main(snakemake):
    units = read_units(snakemake.input.units, json.loads(snakemake.params.settings)["id_field"])
    write_units(snakemake.output.table, snakemake.output.layer, measure_units(snakemake.input.maps, units))


with rule_log(snakemake):
    main(snakemake)
