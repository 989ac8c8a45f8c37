"""Describe what was run: configuration, versions, hours by rule, and how often test labels were scored."""

import json
from pathlib import Path

from cropmine.logs import rule_log
from cropmine.reporting.run_record import describe_run
from cropmine.tables import write_json


def main(snakemake):
    settings, output = json.loads(snakemake.params.settings), Path(snakemake.output.run)
    run = describe_run(output.parent, settings["regions"], settings["config"], Path(__file__).parent)
    write_json(output, run)


with rule_log(snakemake):
    main(snakemake)
