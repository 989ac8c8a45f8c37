"""Estimate the area of cropland by administrative unit, by a labelled probability sample."""

import json
from pathlib import Path

from cropmine.config.regions import ProbabilitySample
from cropmine.inputs.probability_samples import read_design, read_sample
from cropmine.logs import rule_log
from cropmine.mapping.accuracy import assess_units, write_assessment
from cropmine.mapping.areas import read_units


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    design = read_design(files.design[0])
    sample = read_sample(files.sample, design, ProbabilitySample(**settings["sample"]))
    units = read_units(files.units, settings["id_field"])
    write_assessment(snakemake.output.table, assess_units(sample, design, Path(files.design[0]).parent, units))


with rule_log(snakemake):
    main(snakemake)
