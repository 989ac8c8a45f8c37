"""Score a weak map itself on the held-out labels, on the pixels on which a network would be scored."""

import json

from cropmine.geo.grids import read_grid
from cropmine.inputs.label_pieces import read_pieces, split_of
from cropmine.inputs.tile_sources import group_sources
from cropmine.inputs.weak_maps import load_weak
from cropmine.logs import rule_log
from cropmine.scoring.score_files import collect_scores, write_scores
from cropmine.scoring.weak_codes import read_weak_codes


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    weak = load_weak(settings["weak"], files.weak, files.registrations, guarded=False)
    sources = group_sources(files.images, files.masks, settings)
    grids = {tile: read_grid(source.images[0]) for tile, source in sources.items()}

    def read_codes(tile, ids):
        return read_weak_codes(weak, sources[tile], grids[tile], ids)

    labels = read_pieces(files.labels[0])
    splits = split_of(labels, settings["fold"], settings["folds"])
    write_scores(snakemake.output.scores, collect_scores(labels, splits, grids, read_codes, settings["scored"]))


with rule_log(snakemake):
    main(snakemake)
