"""Map a tile by the mean of the selected experiment's runs."""

import json

from cropmine.grids import read_grid
from cropmine.imagery import source_from_settings
from cropmine.logs import rule_log
from cropmine.maps import compose_map, write_map
from cropmine.predictors import load_predictor
from cropmine.products import stamp_tags
from cropmine.windows import tile_windows
from cropmine.zones import read_zones


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    grid = read_grid(files.images[0])
    source = source_from_settings(list(files.images), list(files.get("masks", [])), settings)
    excludes = zip(files.get("excludes", []), settings["exclude_as"], strict=True)
    zones = read_zones(grid, next(iter(files.get("area", [])), None), list(excludes))
    features = next(iter(files.get("features", [])), None)
    runs = []
    for path in files.models:
        model = load_predictor(path, settings["bands"], settings["dates"], snakemake.threads)
        runs.append(model.predict(source, grid.shape, tile_windows(grid.shape), features))
    tags = stamp_tags(settings["stamp"], list(files)) | {"runs": len(runs)}
    write_map(snakemake.output.map, compose_map(runs, zones, settings["stamp"]["threshold"]), grid, tags)


with rule_log(snakemake):
    main(snakemake)
