"""Draw the matrix of a transfer and write the data that it shows."""

import pandas as pd

from cropmine.logs import rule_log
from cropmine.reporting.charts.heat_maps import draw_transfer, tabulate_cells
from cropmine.reporting.charts.style import write_figure
from cropmine.tables import write_table


def main(snakemake):
    table = pd.read_csv(snakemake.input.table)
    write_figure(snakemake.output.figure, draw_transfer(table, snakemake.wildcards.transfer))
    write_table(snakemake.output.data, tabulate_cells(table))


with rule_log(snakemake):
    main(snakemake)
