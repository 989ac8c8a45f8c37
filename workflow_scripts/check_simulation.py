"""Set the scores of a made-up region beside those on its truth."""

import json

import pandas as pd

from cropmine.classes import encode_probability
from cropmine.geo.grids import read_grid
from cropmine.inputs.imagery import read_tile
from cropmine.inputs.tile_sources import group_sources
from cropmine.inputs.tile_views import surround_tile
from cropmine.inputs.weak_maps import load_weak, read_weak_map
from cropmine.logs import rule_log
from cropmine.scoring.truth import read_truth, sum_codes, tabulate_truth
from cropmine.tables import write_table
from cropmine.training.predictors import load_predictor, predict_tile


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    sources = group_sources(files.images, files.get("masks", []), settings)
    grids = {tile: read_grid(source.images[0]) for tile, source in sources.items()}
    truths = [read_truth(files.truth, grid) for grid in grids.values()]
    counts = {}
    for experiment in settings["experiments"]:
        path = files.models[experiment["models"][0]]
        model = load_predictor(path, settings["bands"], settings["dates"], snakemake.threads)
        codes = (predict_tile(model, surround_tile(tile, sources, grids)) for tile in sources)
        counts[experiment["name"]] = sum_codes(zip(truths, codes, strict=True))
    if settings["weak_experiment"]:
        weak = load_weak(settings["weak"], files.weak, files.get("registrations", []), guarded=False)
        maps = (read_weak_map(*weak, grid) for grid in grids.values())
        seen = (read_tile(source)[1] for source in sources.values())
        codes = (encode_probability(values, valid & image) for (values, valid), image in zip(maps, seen, strict=True))
        counts[settings["weak_experiment"]] = sum_codes(zip(truths, codes, strict=True))
    write_table(snakemake.output.table, tabulate_truth(pd.read_csv(files.table), counts))


with rule_log(snakemake):
    main(snakemake)
