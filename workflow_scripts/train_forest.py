"""Grow the random forest of one run on its targets."""

import json

from cropmine.config.experiments import Forest
from cropmine.inputs.imagery import group_sources
from cropmine.logs import rule_log
from cropmine.training.forests import train_forest, use_features


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    sources = group_sources(files.images, files.get("masks", []), settings)
    rasters = list(files.get("features", [])) or [None] * len(sources)
    sources = {tile: use_features(sources[tile], path) for tile, path in zip(sources, rasters, strict=True)}
    train_forest(
        sources,
        dict(zip(sources, files.targets, strict=True)),
        Forest(**settings["model"]),
        seed=settings["seed"],
        bands=settings["bands"],
        dates=settings["dates"],
        threads=snakemake.threads,
        out_model=snakemake.output.model,
    )


with rule_log(snakemake):
    main(snakemake)
