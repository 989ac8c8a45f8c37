"""Map a tile by the mean of the selected experiment's runs."""

import json

from cropmine.geo.rasters import limit_gdal
from cropmine.inputs.contexts import gather_contexts
from cropmine.inputs.tile_sources import group_sources
from cropmine.inputs.tile_views import surround_tile
from cropmine.inputs.zones import find_zones
from cropmine.logs import rule_log
from cropmine.mapping.map_tiles import map_strips, write_map
from cropmine.mapping.tags import stamp_tags
from cropmine.planning.map_stamps import MapStamp
from cropmine.training.feature_rasters import use_rasters
from cropmine.training.predictors import load_predictor


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    sources, tile = group_sources(files.images, files.masks, settings), settings["tiles"][0]
    contexts = gather_contexts([tile], files, settings["reads"])
    view = surround_tile(tile, use_rasters(sources, files.features), context=contexts[tile])
    models = (load_predictor(path, settings["bands"], settings["dates"], snakemake.threads) for path in files.models)
    stamp = MapStamp(**settings["stamp"])
    strips = map_strips(view, models, stamp.threshold, find_zones(files, settings["exclude_as"]))
    inputs = [path for path in files if path not in files.checked]
    tags = stamp_tags(stamp, inputs) | {"runs": len(files.models)}
    with limit_gdal(snakemake.threads):
        write_map(snakemake.output.map, strips, view.grid, tags)


with rule_log(snakemake):
    main(snakemake)
