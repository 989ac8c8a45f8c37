"""Draw the figure of a sweep and write down what it shows."""

import json

import pandas as pd

from cropmine.comparison import write_table
from cropmine.figures import write_figure
from cropmine.logs import rule_log
from cropmine.sweep_figures import draw_sweep
from cropmine.sweep_points import tabulate_drawn


def main(snakemake):
    settings = json.loads(snakemake.params.settings)
    table = pd.read_csv(snakemake.input.table)
    write_figure(snakemake.output.figure, draw_sweep(table, settings["grid"], settings["sweep"]))
    write_table(snakemake.output.data, tabulate_drawn(table, settings["grid"]))


with rule_log(snakemake):
    main(snakemake)
