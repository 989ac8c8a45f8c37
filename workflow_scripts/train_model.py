"""Train the network of one run on its targets."""

import json

from cropmine.inputs.tile_sources import group_sources
from cropmine.logs import rule_log
from cropmine.training.runs import TrainingFiles, train_run


def main(snakemake):
    params, files, out = snakemake.params, snakemake.input, snakemake.output
    settings = json.loads(params.settings)
    sources = group_sources(files.images, files.masks, settings)
    read = TrainingFiles(files.images, files.masks, files.targets, files.labels)
    train_run(sources, read, settings, [params.settings, params.code], out.model, out.history)


with rule_log(snakemake):
    main(snakemake)
