"""Score a trained model on the held-out labels: predict the windows that hold them."""

import json

from cropmine.inputs.contexts import gather_contexts
from cropmine.inputs.label_pieces import read_pieces, split_of
from cropmine.inputs.tile_sources import group_sources
from cropmine.logs import rule_log
from cropmine.scoring.model_scores import score_model
from cropmine.scoring.score_files import write_scores
from cropmine.training.feature_rasters import use_rasters
from cropmine.training.predictors import load_predictor


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    sources = use_rasters(group_sources(files.images, files.masks, settings), files.features)
    model = load_predictor(files.model, settings["bands"], settings["dates"], snakemake.threads)
    labels = read_pieces(files.labels[0])
    splits = split_of(labels, settings["fold"], settings["folds"])
    contexts = gather_contexts(sources, files, settings["reads"])
    write_scores(snakemake.output.scores, score_model(model, sources, labels, splits, settings["scored"], contexts))


with rule_log(snakemake):
    main(snakemake)
