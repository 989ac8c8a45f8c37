"""Draw the figure of a sweep and write down what it shows."""

import json

import pandas as pd

from cropmine.logs import rule_log
from cropmine.reporting.charts.style import write_figure
from cropmine.reporting.charts.sweep_points import tabulate_drawn
from cropmine.reporting.charts.sweeps import draw_sweep
from cropmine.tables import write_table


def main(snakemake):
    settings = json.loads(snakemake.params.settings)
    table = pd.read_csv(snakemake.input.table)
    write_figure(snakemake.output.figure, draw_sweep(table, settings["grid"], settings["sweep"]))
    write_table(snakemake.output.data, tabulate_drawn(table, settings["grid"]))


with rule_log(snakemake):
    main(snakemake)
