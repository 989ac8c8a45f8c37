"""Cut a tile into segments: connected pixels of one cluster of a trained network's features."""

import json

import torch

from cropmine.config.experiments import Segmentation
from cropmine.geo.grids import read_grid
from cropmine.inputs.imagery import source_from_settings
from cropmine.inputs.zones import ORDINARY, read_zones
from cropmine.logs import rule_log
from cropmine.mining.clusters import smooth_clusters
from cropmine.mining.deep_features import cluster_features, read_validity
from cropmine.mining.segment_files import write_segments
from cropmine.mining.segmentation import number_segments
from cropmine.training.checkpoints import check_imagery, load_checkpoint


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
