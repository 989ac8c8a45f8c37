"""Write the report of all regions as one HTML file."""

import json

from cropmine.config.schema import Report
from cropmine.logs import rule_log
from cropmine.reporting.report import build_report


def main(snakemake):
    settings = json.loads(snakemake.params.settings)
    shown = Report.model_validate(settings["report"])
    build_report(snakemake.output.report, settings["regions"], settings["transfers"], settings["run"], shown)


with rule_log(snakemake):
    main(snakemake)
