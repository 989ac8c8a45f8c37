"""Fit one codebook of clusters for all training tiles of a region."""

import json

import numpy as np

from cropmine.config.experiments import Segmentation
from cropmine.geo.grids import read_grid
from cropmine.geo.rasters import limit_gdal
from cropmine.inputs.imagery import group_sources, open_rows
from cropmine.logs import rule_log
from cropmine.mining.clusters import fit_codebook, pool_samples, write_codebook
from cropmine.mining.segmentation import sample_tile


def main(snakemake):
    settings = json.loads(snakemake.params.settings)
    segmentation = Segmentation.model_validate(settings["segmentation"])
    sources = group_sources(snakemake.input.images, snakemake.input.get("masks", []), settings)
    rng = np.random.default_rng(segmentation.seed)

    def draw_pixels(tile):
        source = sources[tile]
        shape = read_grid(source.images[0]).shape
        return sample_tile(open_rows(source), shape, settings["bands"], segmentation, rng)

    samples = pool_samples(map(draw_pixels, sorted(sources)), segmentation.sample_px, rng)
    write_codebook(snakemake.output.codebook, fit_codebook(samples, segmentation.clusters, segmentation.seed))


with rule_log(snakemake), limit_gdal(snakemake.threads):
    main(snakemake)
