"""Fit one codebook of clusters for all tiles of a region."""

import json
from pathlib import Path

import numpy as np

from cropmine.config import Segmentation
from cropmine.imagery import read_tile, source_from_settings
from cropmine.logs import rule_log
from cropmine.segments import fit_codebook, pool_samples, write_codebook
from cropmine.spectral import add_features


def main(snakemake):
    settings = json.loads(snakemake.params.settings)
    segmentation = Segmentation.model_validate(settings["segmentation"])
    files = json.loads(Path(snakemake.input.verdict).read_text())["tiles"]

    def read_features(tile):
        pixels, valid = read_tile(source_from_settings(files[tile]["images"], files[tile]["masks"], settings))
        return add_features(pixels, valid, settings["bands"], segmentation.features), valid

    rng = np.random.default_rng(segmentation.seed)
    samples = pool_samples(map(read_features, sorted(files)), segmentation.sample_px, rng)
    write_codebook(snakemake.output.codebook, fit_codebook(samples, segmentation.clusters, segmentation.seed))


with rule_log(snakemake):
    main(snakemake)
