"""Train the network of a transfer: on human labels of one region and mined ones of another, or on these alone."""

import json
from dataclasses import replace

from cropmine.config.experiments import Training
from cropmine.config.models import Network
from cropmine.config.regions import Split
from cropmine.inputs.label_pieces import VALIDATION, read_pieces, select_split
from cropmine.inputs.tile_sources import group_parts
from cropmine.logs import rule_log
from cropmine.training.checkpoints import load_checkpoint
from cropmine.training.trainer import fingerprint_training, train_model


def name_tiles(parts, norms):
    """The sources of all tiles by region and tile; those of the second part are brought to the first's statistics."""
    named = {}
    for place, (region, sources) in enumerate(parts):
        rescale = norms[1].match(norms[0]) if place and len(norms) > 1 else ()
        named |= {f"{region}/{tile}": replace(source, rescale=rescale) for tile, source in sources.items()}
    return named


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    images, masks, labels = files.images, files.get("masks", []), files.get("labels", [])
    statistics = files.get("statistics", [])
    norms = [load_checkpoint(path)[1] for path in statistics]
    regions = [part["region"] for part in settings["parts"]]
    sources = name_tiles(list(zip(regions, group_parts(images, masks, settings["parts"]), strict=True)), norms)
    split = Split(**settings["split"])
    validation = [select_split(read_pieces(path), None, split, VALIDATION) for path in labels]
    train_model(
        sources,
        dict(zip(sources, files.targets, strict=True)),
        next(iter(validation), None),
        Network.model_validate(settings["model"]),
        Training(**settings["training"]),
        seed=settings["seed"],
        bands=settings["parts"][0]["bands"],
        dates=settings["parts"][0]["dates"],
        out_checkpoint=snakemake.output.model,
        out_history=snakemake.output.history,
        fingerprint=fingerprint_training(
            [snakemake.params.settings, snakemake.params.code],
            [*files.targets, *labels, *statistics],
            [*images, *masks],
        ),
        norm=next(iter(norms), None),
    )


with rule_log(snakemake):
    main(snakemake)
