"""Commands that users run beside snakemake."""
