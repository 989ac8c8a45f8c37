"""Score the delivered map, its classes and its probabilities as they are in the files, on the held-out labels.

Beside them, the labels of blocks that train: a map that fits these far better has learnt them by heart.
"""

import json

import numpy as np

from cropmine.classes import CROPLAND, STEPS
from cropmine.config.regions import Split
from cropmine.geo.grids import read_grid
from cropmine.geo.rasters import read_raster
from cropmine.inputs.label_pieces import TRAIN, read_pieces, split_of
from cropmine.logs import rule_log
from cropmine.mapping.bands import CLASS_BAND, PROBABILITY_BAND
from cropmine.scoring.calibration import measure_calibration
from cropmine.scoring.metrics import describe_classes
from cropmine.scoring.score_files import HELD_OUT, collect_scores, read_scores
from cropmine.tables import write_json

SCORED = (TRAIN, *HELD_OUT)
FOLDED = "With k-fold the model of the map trains on every label, so none is left to score the map itself on."


def read_classes(path, _ids):
    classes = read_raster(path)[CLASS_BAND - 1]
    return np.where(classes == CROPLAND, np.uint8(STEPS), classes)


def read_probabilities(path, _ids):
    return read_raster(path)[PROBABILITY_BAND - 1]


def main(snakemake):
    settings = json.loads(snakemake.params.settings)
    every_label = settings["every_label"]
    if Split(**settings["split"]).method == "kfold" and not every_label:
        pieces = [piece for path in snakemake.input.scores for piece in read_scores(path)]
        scores = {"note": FOLDED} | dict.fromkeys(SCORED)
    else:
        labels = read_pieces(snakemake.input.labels[0])
        grids = {path: read_grid(path) for path in snakemake.input.maps}
        splits = np.full(len(labels), "test") if every_label else split_of(labels, settings["fold"])
        pieces = collect_scores(labels, splits, grids, read_classes, SCORED)
        scores = {"note": None} | {split: describe_classes(pieces, split) for split in SCORED}
        pieces = collect_scores(labels, splits, grids, read_probabilities)
    scores["calibration"] = measure_calibration(pieces, "test")
    write_json(snakemake.output.scores, scores)


with rule_log(snakemake):
    main(snakemake)
