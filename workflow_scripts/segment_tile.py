"""Cut a tile into segments: connected pixels of one K-means cluster."""

import json

from cropmine import segments
from cropmine.config import Segmentation
from cropmine.grids import pixel_areas, read_grid
from cropmine.imagery import read_tile, source_from_settings
from cropmine.logs import rule_log
from cropmine.zones import ORDINARY, read_zones


def main(snakemake):
    settings = json.loads(snakemake.params.settings)
    segmentation = Segmentation.model_validate(settings["segmentation"])
    images, codebooks = snakemake.input.images, snakemake.input.get("codebook", [])
    grid = read_grid(images[0])
    pixels, valid = read_tile(source_from_settings(images, snakemake.input.get("masks", []), settings))
    excludes = list(zip(snakemake.input.get("excludes", []), settings["exclude_as"], strict=True))
    valid &= read_zones(grid, next(iter(snakemake.input.get("area", [])), None), excludes) == ORDINARY
    if codebooks:
        codebook = segments.read_codebook(codebooks[0])
    elif valid.any():
        rng = segments.seed_tile(segmentation.seed, settings["tile"])
        samples = segments.sample_pixels(pixels, valid, segmentation.sample_px, rng)
        codebook = segments.fit_codebook(samples, segmentation.clusters, segmentation.seed)
    else:
        codebook = None
    clusters = segments.assign_clusters(pixels, valid, codebook) if codebook else valid.astype("uint8")
    del pixels
    areas = pixel_areas(grid)
    ids, cluster_of_segment = segments.label_segments(
        clusters, areas, segmentation.min_area_m2, segmentation.max_area_m2
    )
    segments.write_segments(snakemake.output.segments, ids, cluster_of_segment, grid)


with rule_log(snakemake):
    main(snakemake)
