"""Score a model of a transfer on the target's test labels, and on the validation labels of the source."""

import json

from cropmine.geo.grids import read_grid
from cropmine.inputs.held_out import check_apart, select_on
from cropmine.inputs.label_pieces import TEST, VALIDATION, read_pieces, split_of
from cropmine.inputs.tile_sources import group_parts, rescale_sources
from cropmine.logs import rule_log
from cropmine.scoring.model_scores import score_model
from cropmine.scoring.score_files import write_scores
from cropmine.training.checkpoints import load_checkpoint
from cropmine.training.predictors import load_predictor


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    groups = group_parts(files.images, files.masks, settings["parts"])
    grids = [[read_grid(source.images[0]) for source in sources.values()] for sources in groups]
    labels = [select_on(read_pieces(path), own) for path, own in zip(files.labels, grids, strict=True)]
    if len(groups) > 1:
        check_apart(labels[1], labels[0], settings["buffer_m"], settings["block_m"])
    bands, dates = (settings["parts"][0][key] for key in ("bands", "dates"))
    model = load_predictor(files.model, bands, dates, snakemake.threads)
    for path in files.statistics:  # the target's own: its imagery is brought to the model's
        groups[0] = rescale_sources(groups[0], load_checkpoint(path)[1].match(model.norm))
    pieces = []
    for sources, own, scored in zip(groups, labels, (TEST, VALIDATION), strict=False):
        pieces += score_model(model, sources, own, split_of(own, None), [scored])
    write_scores(snakemake.output.scores, pieces)


with rule_log(snakemake):
    main(snakemake)
