"""Join the tiles of the map and measure the areas that they show."""

import json

from cropmine.logs import rule_log
from cropmine.mapping.areas import measure_area
from cropmine.mapping.mosaics import build_mosaics
from cropmine.mapping.tags import stamp_tags
from cropmine.planning.map_stamps import MapStamp
from cropmine.tables import write_json


def main(snakemake):
    settings = json.loads(snakemake.params.settings)
    stamp = MapStamp(**settings["stamp"])
    tags = stamp_tags(stamp, settings["inputs"])
    build_mosaics(snakemake.output.mosaic, snakemake.input.maps, tags)
    area = measure_area(snakemake.input.maps, stamp.threshold, settings["others"])
    write_json(snakemake.output.area, area | {"tags": tags})


with rule_log(snakemake):
    main(snakemake)
