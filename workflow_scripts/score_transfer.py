"""Score a model of a transfer on the target's test labels, and on the validation labels of the region that taught."""

import json
from dataclasses import replace

import numpy as np

from cropmine.config.regions import Split
from cropmine.errors import CropmineError
from cropmine.geo.geometries import place_on_grid
from cropmine.geo.grids import read_grid
from cropmine.inputs.held_out import count_leaks
from cropmine.inputs.label_pieces import TEST, TRAIN, VALIDATION, read_pieces, split_of
from cropmine.inputs.tile_sources import group_parts
from cropmine.inputs.tile_views import surround_tile
from cropmine.logs import rule_log
from cropmine.scoring.score_files import collect_scores, write_scores
from cropmine.training.checkpoints import load_checkpoint
from cropmine.training.predictors import load_predictor, predict_tile


def select_here(labels, grids):
    """The pieces of labels that meet the tiles of a region: a file of labels may reach beyond it."""
    return labels.iloc[np.unique(np.concatenate([place_on_grid(labels.geometry, grid)[0] for grid in grids.values()]))]


def check_apart(source, target, split):
    """Refuse a source whose training labels lie where the target's are held out."""
    taught = source[split_of(source, None) == TRAIN]
    leaks = count_leaks(taught, target, split_of(target, None), split.buffer_m, split.block_m)
    if leaks:
        what = f"{leaks} training labels of the source lie in held-out blocks of the target"
        raise CropmineError("transfers", what, "transfer between regions that lie apart")


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    parts = settings["parts"]
    groups = group_parts(files.images, files.get("masks", []), parts)
    grids = [{tile: read_grid(source.images[0]) for tile, source in sources.items()} for sources in groups]
    labels = [select_here(read_pieces(path), own) for path, own in zip(files.labels, grids, strict=True)]
    if len(parts) > 1:
        check_apart(labels[1], labels[0], Split(**parts[0]["split"]))
    model = load_predictor(files.model, parts[0]["bands"], parts[0]["dates"], snakemake.threads)
    rescale = [load_checkpoint(path)[1].match(model.norm) for path in files.get("statistics", [])]
    pieces = []
    for place, (sources, scored) in enumerate(zip(groups, (TEST, VALIDATION), strict=False)):
        if not place and rescale:
            sources = {tile: replace(source, rescale=rescale[0]) for tile, source in sources.items()}

        def predict(tile, ids, sources=sources, place=place):
            return predict_tile(model, surround_tile(tile, sources, grids[place]), ids > 0)

        pieces += collect_scores(labels[place], split_of(labels[place], None), grids[place], predict, [scored])
    write_scores(snakemake.output.scores, pieces)


with rule_log(snakemake):
    main(snakemake)
