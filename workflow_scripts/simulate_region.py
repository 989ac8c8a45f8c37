"""Make up the inputs of a demo region, and the truth that only the demo's own check reads."""

import json

from cropmine.config.regions import Simulation
from cropmine.inputs.simulation.regions import simulate_region, write_region
from cropmine.logs import rule_log


def main(snakemake):
    settings = json.loads(snakemake.params.settings)
    landscape = simulate_region(Simulation.model_validate(settings["simulation"]))
    output = snakemake.output
    weak = output.weak, output.weak_other
    write_region(landscape, output.imagery, output.masks, weak, output.labels, output.truth)


with rule_log(snakemake):
    main(snakemake)
