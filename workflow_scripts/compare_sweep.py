"""Compare the points of a sweep with its base, on validation labels."""

import json

from cropmine.logs import rule_log
from cropmine.scoring.experiment_tables import evaluate_experiments, tabulate_sweep
from cropmine.tables import write_table


def main(snakemake):
    settings = json.loads(snakemake.params.settings)
    evaluations = evaluate_experiments(settings["points"], snakemake.input.scores)
    write_table(snakemake.output.table, tabulate_sweep(evaluations, settings["base"]))


with rule_log(snakemake):
    main(snakemake)
