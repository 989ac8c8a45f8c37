"""Keep what this run made under its name, beside earlier runs."""

import json
from pathlib import Path

from cropmine.logs import rule_log
from cropmine.reporting.kept_runs import keep_run, write_pointer


def main(snakemake):
    settings, output = json.loads(snakemake.params.settings), Path(snakemake.output.pointer)
    write_pointer(output, keep_run(output.parent, settings["run"], settings["regions"]))


with rule_log(snakemake):
    main(snakemake)
