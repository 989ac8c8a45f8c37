"""Keep what this run made under its name, beside earlier runs."""

import json
from pathlib import Path

from cropmine.kept_runs import keep_run, write_pointer
from cropmine.logs import rule_log


def main(snakemake):
    settings, output = json.loads(snakemake.params.settings), Path(snakemake.output.pointer)
    write_pointer(output, keep_run(output.parent, settings["run"], settings["regions"]))


with rule_log(snakemake):
    main(snakemake)
