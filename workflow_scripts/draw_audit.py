"""Draw the figure of an audit and write down what it shows."""

import json
from pathlib import Path

import pandas as pd

from cropmine.logs import rule_log
from cropmine.reporting.audit_charts import draw_audit, tabulate_drawn
from cropmine.reporting.charts import write_figure
from cropmine.tables import write_table


def main(snakemake):
    table = pd.read_parquet(snakemake.input.table)
    summary = json.loads(Path(snakemake.input.summary).read_text(encoding="utf-8"))
    write_figure(snakemake.output.figure, draw_audit(table, summary))
    write_table(snakemake.output.data, tabulate_drawn(table))


with rule_log(snakemake):
    main(snakemake)
