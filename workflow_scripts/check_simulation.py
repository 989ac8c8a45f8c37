"""Set the scores of a made-up region beside those on its truth."""

import json

import pandas as pd

from cropmine.codes import encode_probability
from cropmine.comparison import write_table
from cropmine.grids import read_grid
from cropmine.imagery import read_tile, source_from_settings
from cropmine.logs import rule_log
from cropmine.predictors import load_predictor
from cropmine.truth import read_truth, sum_codes, tabulate_truth
from cropmine.weak import load_weak, read_weak_map
from cropmine.windows import tile_windows


def list_sources(files, settings):
    dates = settings["dates"]
    for first in range(0, len(files.images), dates):
        dated = slice(first, first + dates)
        yield source_from_settings(files.images[dated], files.get("masks", [])[dated], settings)


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    sources = list(list_sources(files, settings))
    grids = [read_grid(source.images[0]) for source in sources]
    truths = [read_truth(files.truth, grid) for grid in grids]
    counts = {}
    for experiment in settings["experiments"]:
        path = files.models[experiment["models"][0]]
        model = load_predictor(path, settings["bands"], settings["dates"], snakemake.threads)
        tiles = zip(sources, grids, strict=True)
        codes = (model.predict(source, grid.shape, tile_windows(grid.shape)) for source, grid in tiles)
        counts[experiment["name"]] = sum_codes(zip(truths, codes, strict=True))
    if settings["weak_experiment"]:
        weak = load_weak(settings["weak"], files.weak, guarded=False)
        maps = (read_weak_map(*weak, grid) for grid in grids)
        seen = (read_tile(source)[1] for source in sources)
        codes = (encode_probability(values, valid & image) for (values, valid), image in zip(maps, seen, strict=True))
        counts[settings["weak_experiment"]] = sum_codes(zip(truths, codes, strict=True))
    write_table(snakemake.output.table, tabulate_truth(pd.read_csv(files.table), counts))


with rule_log(snakemake):
    main(snakemake)
