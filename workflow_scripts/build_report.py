"""Write the report of all regions as one HTML file."""

import json

from cropmine.logs import rule_log
from cropmine.reports import build_report


def main(snakemake):
    build_report(snakemake.output.report, json.loads(snakemake.params.settings)["regions"])


with rule_log(snakemake):
    main(snakemake)
