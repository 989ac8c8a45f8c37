"""Check whether a model from elsewhere fits the imagery of a region, before it maps."""

import json

from cropmine.files import write_text
from cropmine.inputs.tile_sources import group_sources
from cropmine.logs import rule_log
from cropmine.mapping.model_checks import check_model
from cropmine.planning.digests import write_canonical


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    sources = group_sources(files.images, files.masks, settings)
    verdict = check_model(files.model, list(sources.values()), settings["bands"], settings["dates"])
    write_text(snakemake.output.verdict, write_canonical(verdict) + "\n")


with rule_log(snakemake):
    main(snakemake)
