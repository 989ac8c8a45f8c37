"""Write a small VRT that stands for a raster in an archive or a bucket."""

import json

from cropmine.geo.rasters import wrap_raster
from cropmine.logs import rule_log


def main(snakemake):
    wrap_raster(json.loads(snakemake.params.settings)["path"], snakemake.output.wrapped)


with rule_log(snakemake):
    main(snakemake)
