"""Score the experiments, compare them in pairs, and select the one that makes the map."""

import json

from cropmine.files import replacing
from cropmine.logs import rule_log
from cropmine.scoring.experiment_tables import evaluate_experiments, tabulate_differences, tabulate_experiments
from cropmine.scoring.selection import select_experiment
from cropmine.tables import write_table


def main(snakemake):
    settings = json.loads(snakemake.params.settings)
    seed = settings["bootstrap_seed"]
    evaluations = evaluate_experiments(settings["experiments"], snakemake.input.scores, seed)
    choice = select_experiment(evaluations, seed)
    write_table(snakemake.output.table, tabulate_experiments(evaluations, choice["experiment"], seed))
    write_table(snakemake.output.differences, tabulate_differences(evaluations, seed))
    with replacing(snakemake.output.selected) as temporary:
        temporary.write_text(json.dumps(choice, indent=1) + "\n", encoding="utf-8")


with rule_log(snakemake):
    main(snakemake)
