"""Check the inputs of a region before any long work: the verdict that all other steps wait for, quicklooks, a table."""

import json
import logging

from cropmine.config.regions import Region
from cropmine.inputs.checks.findings import Findings
from cropmine.inputs.checks.quicklooks import draw_quicklooks
from cropmine.inputs.checks.regions import check_region
from cropmine.inputs.checks.verdicts import write_verdict
from cropmine.logs import rule_log
from cropmine.tables import write_table


def main(snakemake):
    settings = json.loads(snakemake.params.settings)
    region = Region.model_validate(settings["region"])
    findings = Findings()
    try:
        verdict = check_region(region, settings["tiles"], f"regions.{snakemake.wildcards.region}", findings)
    finally:
        write_table(snakemake.log.table, findings.tabulate())
    for warning in verdict.warnings:
        logging.getLogger("check_region").warning(warning)
    write_verdict(snakemake.output.verdict, verdict)
    draw_quicklooks(snakemake.output.quicklooks, region, verdict)


with rule_log(snakemake):
    main(snakemake)
