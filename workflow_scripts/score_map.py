"""Score the delivered map on the human labels."""

import json

from cropmine.inputs.label_pieces import read_pieces
from cropmine.logs import rule_log
from cropmine.mapping.bands import CLASS_BAND, PROBABILITY_BAND
from cropmine.scoring.map_scores import score_folds, score_map
from cropmine.tables import write_json


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    if settings["folded"]:
        scores = score_folds(files.scores)
    else:
        labels = read_pieces(files.labels[0])
        scores = score_map(files.maps, labels, CLASS_BAND, PROBABILITY_BAND, settings["every_label"])
    write_json(snakemake.output.scores, scores)


with rule_log(snakemake):
    main(snakemake)
