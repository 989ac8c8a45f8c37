"""Export the weights of a trained network as safetensors."""

from cropmine.logs import rule_log
from cropmine.training.checkpoints import export_weights


def main(snakemake):
    export_weights(snakemake.output.weights, snakemake.input.model)


with rule_log(snakemake):
    main(snakemake)
