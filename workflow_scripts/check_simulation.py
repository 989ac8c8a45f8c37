"""Compare the scores of a simulated region with those on its truth."""

import json

import pandas as pd

from cropmine.geo.grids import read_grid
from cropmine.inputs.contexts import gather_contexts
from cropmine.inputs.tile_sources import group_sources
from cropmine.inputs.weak_maps import load_weak
from cropmine.logs import rule_log
from cropmine.scoring.truth import count_model, count_weak_map, read_truth, tabulate_truth
from cropmine.tables import write_table
from cropmine.training.predictors import load_predictor


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    sources = group_sources(files.images, files.masks, settings)
    truths = {tile: read_truth(files.truth, read_grid(source.images[0])) for tile, source in sources.items()}
    contexts = gather_contexts(sources, files, settings["reads"])
    counts = {}
    for name, place in settings["experiments"].items():
        model = load_predictor(files.models[place], settings["bands"], settings["dates"], snakemake.threads)
        counts[name] = count_model(model, sources, truths, contexts)
    if settings["weak_experiment"]:
        weak = load_weak(settings["weak"], files.weak, files.registrations, guarded=False)
        counts[settings["weak_experiment"]] = count_weak_map(weak, sources, truths)
    write_table(snakemake.output.table, tabulate_truth(pd.read_csv(files.table), counts))


with rule_log(snakemake):
    main(snakemake)
