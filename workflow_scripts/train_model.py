"""Train the network of one run on its targets."""

import json

from cropmine.config.experiments import Training
from cropmine.config.models import Network
from cropmine.config.regions import Split
from cropmine.inputs.label_pieces import VALIDATION, read_pieces, select_split
from cropmine.inputs.tile_sources import group_sources
from cropmine.logs import rule_log
from cropmine.training.trainer import fingerprint_training, train_model


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    images, masks, labels = files.images, files.get("masks", []), files.get("labels", [])
    sources = group_sources(images, masks, settings)
    split = Split(**settings["split"])
    validation = [select_split(read_pieces(path), settings["fold"], split, VALIDATION) for path in labels]
    train_model(
        sources,
        dict(zip(sources, files.targets, strict=True)),
        next(iter(validation), None),
        Network.model_validate(settings["model"]),
        Training(**settings["training"]),
        seed=settings["seed"],
        bands=settings["bands"],
        dates=settings["dates"],
        out_checkpoint=snakemake.output.model,
        out_history=snakemake.output.history,
        fingerprint=fingerprint_training(
            [snakemake.params.settings, snakemake.params.code], [*files.targets, *labels], [*images, *masks]
        ),
    )


with rule_log(snakemake):
    main(snakemake)
