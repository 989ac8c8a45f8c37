"""Score the delivered map: its classes, as they are in the files, on the held-out labels."""

import json

import geopandas
import numpy as np

from cropmine.codes import STEPS
from cropmine.config import Split
from cropmine.files import replacing
from cropmine.grids import read_grid
from cropmine.logs import rule_log
from cropmine.maps import CLASS_BAND
from cropmine.metrics import describe_classes
from cropmine.rasters import read_raster
from cropmine.scores import HELD_OUT, collect_scores
from cropmine.splits import split_of
from cropmine.targets import CROPLAND

FOLDED = "With k-fold the model of the map trains on every label, so none is left to score the map itself on."


def read_codes(path, _ids):
    classes = read_raster(path)[CLASS_BAND - 1]
    return np.where(classes == CROPLAND, np.uint8(STEPS), classes)


def main(snakemake):
    settings = json.loads(snakemake.params.settings)
    scores = {"note": FOLDED} | dict.fromkeys(HELD_OUT)
    if Split(**settings["split"]).method != "kfold":
        labels = geopandas.read_parquet(snakemake.input.labels[0])
        grids = {path: read_grid(path) for path in snakemake.input.maps}
        pieces = collect_scores(labels, split_of(labels, settings["fold"]), grids, read_codes)
        scores = {"note": None} | {split: describe_classes(pieces, split) for split in HELD_OUT}
    with replacing(snakemake.output.scores) as temporary:
        temporary.write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")


with rule_log(snakemake):
    main(snakemake)
