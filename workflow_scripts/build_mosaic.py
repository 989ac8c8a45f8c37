"""Join the tiles of the map and measure the areas that they show."""

from cropmine.logs import rule_log
from cropmine.maps import build_mosaics, measure_area, write_area


def main(snakemake):
    build_mosaics(snakemake.output.mosaic, snakemake.input.maps)
    write_area(snakemake.output.area, measure_area(snakemake.input.maps))


with rule_log(snakemake):
    main(snakemake)
