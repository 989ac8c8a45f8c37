"""Count the hectares of the map by administrative unit."""

import json

from cropmine.logs import rule_log
from cropmine.mapping.areas import measure_units, read_units, write_units
from cropmine.mapping.tags import stamp_tags
from cropmine.planning.map_stamps import MapStamp


def main(snakemake):
    settings = json.loads(snakemake.params.settings)
    units = read_units(snakemake.input.units, settings["id_field"])
    stamp = MapStamp(**settings["stamp"])
    table = measure_units(snakemake.input.maps, units, stamp.version)
    tags = stamp_tags(stamp, settings["inputs"])
    write_units(snakemake.output.table, snakemake.output.layer, table, tags)


with rule_log(snakemake):
    main(snakemake)
