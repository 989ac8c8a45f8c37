"""Score a trained model on the held-out labels: predict the windows that hold them."""

import json

import geopandas

from cropmine.config import Split
from cropmine.grids import read_grid
from cropmine.logs import rule_log
from cropmine.predictors import load_predictor
from cropmine.scores import choose_windows, collect_scores, write_scores
from cropmine.sources import group_sources
from cropmine.splits import split_of
from cropmine.windows import tile_windows


def main(snakemake):
    settings = json.loads(snakemake.params.settings)
    sources = group_sources(snakemake.input.images, snakemake.input.get("masks", []), settings)
    rasters = dict(zip(sources, snakemake.input.get("features", []), strict=False))
    model = load_predictor(snakemake.input.model, settings["bands"], settings["dates"], snakemake.threads)

    def predict(tile, ids):
        windows = choose_windows(tile_windows(ids.shape), ids)
        return model.predict(sources[tile], ids.shape, windows, rasters.get(tile))

    (path,) = snakemake.input.labels
    labels = geopandas.read_parquet(path)
    splits = split_of(labels, settings["fold"], Split(**settings["split"]).folds)
    grids = {tile: read_grid(source.images[0]) for tile, source in sources.items()}
    write_scores(snakemake.output.scores, collect_scores(labels, splits, grids, predict, settings["scored"]))


with rule_log(snakemake):
    main(snakemake)
