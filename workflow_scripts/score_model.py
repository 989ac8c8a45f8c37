"""Score a trained network on the held-out labels: predict the windows that hold them."""

import json

import geopandas
import torch

from cropmine.config import Split
from cropmine.grids import read_grid
from cropmine.logs import rule_log
from cropmine.models import check_imagery, load_checkpoint
from cropmine.prediction import predict_tile, tile_windows
from cropmine.scores import choose_windows, collect_scores, write_scores
from cropmine.sources import group_sources
from cropmine.splits import split_of


def main(snakemake):
    settings = json.loads(snakemake.params.settings)
    torch.set_num_threads(snakemake.threads)
    sources = group_sources(snakemake.input.images, snakemake.input.get("masks", []), settings)
    network, norm, meta = load_checkpoint(snakemake.input.model)
    check_imagery(snakemake.input.model, meta, settings["bands"], settings["dates"])

    def predict(tile, ids):
        windows = choose_windows(tile_windows(ids.shape), ids)
        return predict_tile(network, norm, sources[tile], ids.shape, windows, meta["precision"])

    (path,) = snakemake.input.labels
    labels = geopandas.read_parquet(path)
    splits = split_of(labels, settings["fold"], Split(**settings["split"]).folds)
    grids = {tile: read_grid(source.images[0]) for tile, source in sources.items()}
    write_scores(snakemake.output.scores, collect_scores(labels, splits, grids, predict, settings["scored"]))


with rule_log(snakemake):
    main(snakemake)
