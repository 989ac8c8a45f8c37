"""Join the tiles of the map and measure the areas that they show."""

import json

from cropmine.logs import rule_log
from cropmine.maps import build_mosaics, measure_area, write_area


def main(snakemake):
    settings = json.loads(snakemake.params.settings)
    build_mosaics(snakemake.output.mosaic, snakemake.input.maps)
    area = measure_area(snakemake.input.maps, settings["threshold"], settings["others"])
    write_area(snakemake.output.area, area)


with rule_log(snakemake):
    main(snakemake)
