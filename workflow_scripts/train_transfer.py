"""Train the network of a transfer: on human labels of one region and mined ones of another, or on these alone."""

import json

from cropmine.inputs.tile_sources import group_parts, rescale_sources
from cropmine.logs import rule_log
from cropmine.training.checkpoints import load_checkpoint
from cropmine.training.runs import TrainingFiles, train_run


def main(snakemake):
    params, files, out = snakemake.params, snakemake.input, snakemake.output
    settings = json.loads(params.settings)
    norms = [load_checkpoint(path)[1] for path in files.statistics]
    groups = group_parts(files.images, files.masks, settings["parts"])
    if len(groups) == len(norms) == 2:  # the target's imagery is brought to the source's statistics
        groups[1] = rescale_sources(groups[1], norms[1].match(norms[0]))
    regions = [part["region"] for part in settings["parts"]]
    named = zip(regions, groups, strict=True)
    sources = {f"{region}/{tile}": source for region, group in named for tile, source in group.items()}
    read = TrainingFiles(files.images, files.masks, files.targets, files.labels, files.statistics)
    made_by = [params.settings, params.code]
    train_run(sources, read, settings, made_by, out.model, out.history, next(iter(norms), None))


with rule_log(snakemake):
    main(snakemake)
