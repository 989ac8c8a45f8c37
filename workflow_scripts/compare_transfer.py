"""Compare what taught the models of a transfer, on the test labels of its targets."""

import json

from cropmine.logs import rule_log
from cropmine.scoring.experiment_tables import evaluate_experiments, tabulate_transfer
from cropmine.tables import write_table


def main(snakemake):
    settings = json.loads(snakemake.params.settings)
    evaluations = evaluate_experiments(settings["rows"], snakemake.input.scores)
    write_table(snakemake.output.table, tabulate_transfer(evaluations))


with rule_log(snakemake):
    main(snakemake)
