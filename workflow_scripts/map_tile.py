"""Map a tile by the mean of the selected experiment's runs."""

import json

import torch

from cropmine.grids import read_grid
from cropmine.imagery import source_from_settings
from cropmine.logs import rule_log
from cropmine.maps import compose_map, write_map
from cropmine.models import check_imagery, load_checkpoint
from cropmine.prediction import predict_tile, tile_windows
from cropmine.zones import read_zones


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    torch.set_num_threads(snakemake.threads)
    grid = read_grid(files.images[0])
    source = source_from_settings(list(files.images), list(files.get("masks", [])), settings)
    excludes = zip(files.get("excludes", []), settings["exclude_as"], strict=True)
    zones = read_zones(grid, next(iter(files.get("area", [])), None), list(excludes))
    runs = []
    for path in files.models:
        network, norm, meta = load_checkpoint(path)
        check_imagery(path, meta, settings["bands"], settings["dates"])
        runs.append(predict_tile(network, norm, source, grid.shape, tile_windows(grid.shape), meta["precision"]))
    tags = settings["tags"] | {"threshold": settings["threshold"], "runs": len(runs)}
    write_map(snakemake.output.map, compose_map(runs, zones, settings["threshold"]), grid, tags)


with rule_log(snakemake):
    main(snakemake)
