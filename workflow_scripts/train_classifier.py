"""Train the classifier of pixels of one run on its targets."""

import json

from cropmine.config.models import MODELS
from cropmine.inputs.contexts import gather_contexts
from cropmine.inputs.tile_sources import group_sources
from cropmine.logs import rule_log
from cropmine.training.feature_rasters import use_rasters
from cropmine.training.predictors import load_kind


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    sources = use_rasters(group_sources(files.images, files.masks, settings), files.features)
    model = MODELS.validate(settings["model"])
    load_kind(type(model)).train_classifier(
        sources,
        dict(zip(sources, files.targets, strict=True)),
        model,
        contexts=gather_contexts(sources, files, settings["reads"]),
        seed=settings["seed"],
        bands=settings["bands"],
        dates=settings["dates"],
        threads=snakemake.threads,
        out_model=snakemake.output.model,
    )


with rule_log(snakemake):
    main(snakemake)
