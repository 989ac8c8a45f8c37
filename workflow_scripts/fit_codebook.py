"""Fit one codebook of clusters for all tiles of a region."""

import json
from pathlib import Path

import numpy as np

from cropmine.config import Segmentation
from cropmine.grids import read_grid
from cropmine.imagery import open_rows, source_from_settings
from cropmine.logs import rule_log
from cropmine.rasters import limit_gdal
from cropmine.segmenters import sample_tile
from cropmine.segments import fit_codebook, pool_samples, write_codebook


def main(snakemake):
    settings = json.loads(snakemake.params.settings)
    segmentation = Segmentation.model_validate(settings["segmentation"])
    files = json.loads(Path(snakemake.input.verdict).read_text())["tiles"]
    rng = np.random.default_rng(segmentation.seed)

    def draw_pixels(tile):
        images, masks = files[tile]["images"], files[tile]["masks"]
        read_rows = open_rows(source_from_settings(images, masks, settings))
        return sample_tile(read_rows, read_grid(images[0]).shape, settings["bands"], segmentation, rng)

    samples = pool_samples(map(draw_pixels, sorted(files)), segmentation.sample_px, rng)
    write_codebook(snakemake.output.codebook, fit_codebook(samples, segmentation.clusters, segmentation.seed))


with rule_log(snakemake), limit_gdal(snakemake.threads):
    main(snakemake)
