"""Estimate accuracy and area by a labelled probability sample."""

import json

from cropmine.config.regions import ProbabilitySample
from cropmine.inputs.probability_samples import read_design, read_sample
from cropmine.logs import rule_log
from cropmine.mapping.accuracy import assess_map, write_assessment


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    design = read_design(files.design[0])
    sample = read_sample(files.sample, design, ProbabilitySample(**settings["sample"]))
    write_assessment(snakemake.output.table, assess_map(sample, design, list(files.maps), settings["version"]))


with rule_log(snakemake):
    main(snakemake)
