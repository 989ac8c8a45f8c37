"""Compare the points of a sweep with its base, on validation labels."""

import json

from cropmine.comparison import evaluate_experiment, tabulate_sweep, write_table
from cropmine.logs import rule_log
from cropmine.scores import read_scores


def main(snakemake):
    settings = json.loads(snakemake.params.settings)
    paths, evaluations = list(snakemake.input.scores), []
    for point in settings["points"]:
        places = [run["score_index"] for run in point["runs"]]
        evaluations.append(evaluate_experiment(point, {place: read_scores(paths[place]) for place in places}))
    write_table(snakemake.output.table, tabulate_sweep(evaluations, settings["base"], settings["bootstrap_seed"]))


with rule_log(snakemake):
    main(snakemake)
