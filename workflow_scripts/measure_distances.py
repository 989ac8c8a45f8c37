"""Measure how far test labels and pixels of the map lie from the nearest training label."""

import json

from cropmine.distances import measure_distances, sample_map, write_distances
from cropmine.logs import rule_log
from cropmine.region_settings import Split
from cropmine.sources import group_sources
from cropmine.splits import read_pieces


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    sources = group_sources(files.images, files.get("masks", []), settings)
    excludes = list(zip(files.get("excludes", []), settings["exclude_as"], strict=True))
    points = sample_map(sources, next(iter(files.get("area", [])), None), excludes)
    (path,) = files.labels
    measured = measure_distances(read_pieces(path), Split(**settings["split"]), points)
    write_distances(snakemake.output.distances, measured)


with rule_log(snakemake):
    main(snakemake)
