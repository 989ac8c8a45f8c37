"""Score a weak map itself on the held-out labels, on the pixels on which a network would be scored."""

import json

import numpy as np

from cropmine.classes import NODATA, encode_probability
from cropmine.config.regions import Split
from cropmine.geo.grids import read_grid
from cropmine.inputs.imagery import read_tile
from cropmine.inputs.label_pieces import read_pieces, split_of
from cropmine.inputs.tile_sources import group_sources
from cropmine.inputs.weak_maps import load_weak, read_weak_map
from cropmine.logs import rule_log
from cropmine.scoring.score_files import collect_scores, write_scores


def main(snakemake):
    settings = json.loads(snakemake.params.settings)
    registrations = snakemake.input.get("registrations", [])
    weak = load_weak(settings["weak"], snakemake.input.weak, registrations, guarded=False)
    sources = group_sources(snakemake.input.images, snakemake.input.get("masks", []), settings)
    grids = {tile: read_grid(source.images[0]) for tile, source in sources.items()}

    def read_codes(tile, ids):
        rows, columns = (np.flatnonzero(ids.any(axis)) for axis in (1, 0))
        top, left = int(rows[0]), int(columns[0])
        window = (left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top)
        values, known = read_weak_map(*weak, grids[tile].window(*window))
        codes = np.full(ids.shape, NODATA, np.uint8)
        inside = np.s_[top : top + window[3], left : left + window[2]]
        codes[inside] = encode_probability(values, known & read_tile(sources[tile], window)[1])
        return codes

    (path,) = snakemake.input.labels
    labels = read_pieces(path)
    splits = split_of(labels, settings["fold"], Split(**settings["split"]).folds)
    write_scores(snakemake.output.scores, collect_scores(labels, splits, grids, read_codes, settings["scored"]))


with rule_log(snakemake):
    main(snakemake)
