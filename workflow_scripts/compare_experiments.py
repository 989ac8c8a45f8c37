"""Score the experiments, compare them in pairs, and select the one that makes the map."""

import json

from cropmine.comparison import evaluate_experiment, tabulate_differences, tabulate_experiments, write_table
from cropmine.files import replacing
from cropmine.logs import rule_log
from cropmine.scores import read_scores
from cropmine.selection import select_experiment


def main(snakemake):
    settings = json.loads(snakemake.params.settings)
    paths, seed = list(snakemake.input.scores), settings["bootstrap_seed"]
    evaluations = []
    for experiment in settings["experiments"]:
        places = [run["score_index"] for run in experiment["runs"]]
        evaluations.append(evaluate_experiment(experiment, {place: read_scores(paths[place]) for place in places}))
    choice = select_experiment(evaluations, seed)
    write_table(snakemake.output.table, tabulate_experiments(evaluations, choice["experiment"], seed))
    write_table(snakemake.output.differences, tabulate_differences(evaluations, seed))
    with replacing(snakemake.output.selected) as temporary:
        temporary.write_text(json.dumps(choice, indent=1) + "\n", encoding="utf-8")


with rule_log(snakemake):
    main(snakemake)
