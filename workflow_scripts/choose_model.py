"""Lay a copy of a selected model beside the map that it makes."""

import shutil

from cropmine.files import replacing
from cropmine.logs import rule_log


def main(snakemake):
    with replacing(snakemake.output.model) as temporary:
        shutil.copyfile(snakemake.input.model, temporary)


with rule_log(snakemake):
    main(snakemake)
