"""Write the model card of the map."""

import json

from cropmine.logs import rule_log
from cropmine.mapping.tags import stamp_tags
from cropmine.planning.map_stamps import MapContents, MapStamp
from cropmine.reporting.model_card import CardFiles, write_card


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    names = ("experiments", "selected", "map_scores", "area", "splits", "checks")
    accuracy = next(iter(files.accuracy), None)
    read = CardFiles(*(files[name] for name in names), accuracy, list(files.weights))
    stamp, contents = MapStamp(**settings["stamp"]), MapContents(**settings["contents"])
    write_card(snakemake.output.card, read, stamp, contents, stamp_tags(stamp, settings["inputs"]))


with rule_log(snakemake):
    main(snakemake)
