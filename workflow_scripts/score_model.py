"""Score a trained model on the held-out labels: predict the windows that hold them."""

import json

from cropmine.config.regions import Split
from cropmine.geo.grids import read_grid
from cropmine.inputs.label_pieces import read_pieces, split_of
from cropmine.inputs.tile_sources import group_sources
from cropmine.inputs.tile_views import surround_tile
from cropmine.logs import rule_log
from cropmine.scoring.score_files import collect_scores, write_scores
from cropmine.training.feature_rasters import use_rasters
from cropmine.training.predictors import load_predictor, predict_tile


def main(snakemake):
    settings = json.loads(snakemake.params.settings)
    sources = group_sources(snakemake.input.images, snakemake.input.get("masks", []), settings)
    sources = use_rasters(sources, snakemake.input.get("features", []))
    grids = {tile: read_grid(source.images[0]) for tile, source in sources.items()}
    model = load_predictor(snakemake.input.model, settings["bands"], settings["dates"], snakemake.threads)

    def predict(tile, ids):
        return predict_tile(model, surround_tile(tile, sources, grids), ids > 0)

    (path,) = snakemake.input.labels
    labels = read_pieces(path)
    splits = split_of(labels, settings["fold"], Split(**settings["split"]).folds)
    write_scores(snakemake.output.scores, collect_scores(labels, splits, grids, predict, settings["scored"]))


with rule_log(snakemake):
    main(snakemake)
