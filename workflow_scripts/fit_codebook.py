"""Fit one codebook of clusters for all training tiles of a region."""

import json

import numpy as np

from cropmine.grids import read_grid
from cropmine.imagery import open_rows
from cropmine.learning_settings import Segmentation
from cropmine.logs import rule_log
from cropmine.rasters import limit_gdal
from cropmine.segmenters import sample_tile
from cropmine.segments import fit_codebook, pool_samples, write_codebook
from cropmine.sources import group_sources


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
