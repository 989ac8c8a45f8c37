"""Measure how far test labels and pixels of the map lie from the nearest training label."""

import json

from cropmine.config.regions import Split
from cropmine.inputs.label_pieces import read_pieces
from cropmine.inputs.tile_sources import group_sources
from cropmine.inputs.zones import find_zones
from cropmine.logs import rule_log
from cropmine.scoring.distances import measure_distances, sample_map
from cropmine.tables import write_json


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    sources = group_sources(files.images, files.masks, settings)
    points = sample_map(sources, find_zones(files, settings["exclude_as"]))
    measured = measure_distances(read_pieces(files.labels[0]), Split(**settings["split"]), points)
    write_json(snakemake.output.distances, measured)


with rule_log(snakemake):
    main(snakemake)
