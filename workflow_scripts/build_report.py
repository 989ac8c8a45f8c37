"""Write the report of all regions as one HTML file."""

from cropmine.logs import rule_log
from cropmine.reporting.report import build_report
from cropmine.reporting.report_files import load_settings


def main(snakemake):
    build_report(snakemake.output.report, load_settings(snakemake.params.settings))


with rule_log(snakemake):
    main(snakemake)
