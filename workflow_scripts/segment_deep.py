"""Cut a tile into segments: connected pixels of one cluster of a trained network's features."""

import json

import torch

from cropmine.deep_features import cluster_features, read_validity
from cropmine.grids import read_grid
from cropmine.imagery import source_from_settings
from cropmine.learning_settings import Segmentation
from cropmine.logs import rule_log
from cropmine.models import check_imagery, load_checkpoint
from cropmine.segmenters import number_segments, smooth_clusters
from cropmine.segments import write_segments
from cropmine.zones import ORDINARY, read_zones


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    segmentation = Segmentation.model_validate(settings["segmentation"])
    torch.set_num_threads(1)  # the number of threads would change the last digits, and so clusters
    grid = read_grid(files.images[0])
    source = source_from_settings(files.images, files.get("masks", []), settings)
    excludes = list(zip(files.get("excludes", []), settings["exclude_as"], strict=True))
    valid = read_validity(source, grid.shape)
    valid &= read_zones(grid, next(iter(files.get("area", [])), None), excludes) == ORDINARY
    network, norm, meta = load_checkpoint(files.model)
    check_imagery(files.model, meta, settings["bands"], len(files.images))
    clusters = cluster_features(network, norm, source, valid, segmentation, settings["tile"], meta["precision"])
    clusters = smooth_clusters(clusters, segmentation.smooth_px)
    write_segments(snakemake.output.segments, *number_segments(clusters, grid, segmentation), grid)


with rule_log(snakemake):
    main(snakemake)
