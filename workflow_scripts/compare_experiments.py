"""Score the experiments, compare them in pairs, and select the one that makes the map."""

import json

from cropmine.logs import rule_log
from cropmine.scoring.experiment_tables import evaluate_experiments, tabulate_differences, tabulate_experiments
from cropmine.scoring.selection import select_experiment
from cropmine.tables import write_json, write_table


def main(snakemake):
    settings = json.loads(snakemake.params.settings)
    evaluations = evaluate_experiments(settings["experiments"], snakemake.input.scores)
    choice = select_experiment(evaluations)
    write_table(snakemake.output.table, tabulate_experiments(evaluations, choice["experiment"]))
    write_table(snakemake.output.differences, tabulate_differences(evaluations))
    write_json(snakemake.output.selected, choice)


with rule_log(snakemake):
    main(snakemake)
