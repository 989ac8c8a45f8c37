"""Cut the human labels into blocks and draw what trains, validates and tests."""

import json

from cropmine.config.regions import LabelFiles, Split
from cropmine.inputs.label_pieces import write_pieces
from cropmine.inputs.labels import read_labels
from cropmine.inputs.splits import split_labels
from cropmine.logs import rule_log
from cropmine.tables import write_table


def main(snakemake):
    settings = json.loads(snakemake.params.settings)
    split = Split(**settings["split"], buffer_m=0)
    files = LabelFiles(**settings["labels"])
    labels = read_labels(files, files.path, split.field, files.test_path)
    pieces, blocks = split_labels(labels, split, settings["draws"])
    write_pieces(snakemake.output.labels, pieces)
    write_table(snakemake.output.splits, blocks, decimals=9)


with rule_log(snakemake):
    main(snakemake)
