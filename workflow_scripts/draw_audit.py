"""Draw the figure of an audit and write the data that it shows."""

import pandas as pd

from cropmine.logs import rule_log
from cropmine.reporting.charts.audits import draw_audit, tabulate_drawn
from cropmine.reporting.charts.style import write_figure
from cropmine.scoring.audit_summary import read_summary
from cropmine.tables import write_table


def main(snakemake):
    table = pd.read_parquet(snakemake.input.table)
    write_figure(snakemake.output.figure, draw_audit(table, read_summary(snakemake.input.summary)))
    write_table(snakemake.output.data, tabulate_drawn(table))


with rule_log(snakemake):
    main(snakemake)
