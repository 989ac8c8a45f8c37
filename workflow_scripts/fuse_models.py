"""Collect the models that one run of a fusion averages into one file."""

import json

from cropmine.logs import rule_log
from cropmine.training.models.fusion import write_fusion


def main(snakemake):
    settings, models = json.loads(snakemake.params.settings), iter(snakemake.input.get("models", []))
    voices = [next(models) if smooth_m is None else {"smooth_m": smooth_m} for smooth_m in settings["smooth_m"]]
    write_fusion(snakemake.output.model, voices, settings["tree"], settings["bands"], settings["dates"])


with rule_log(snakemake):
    main(snakemake)
