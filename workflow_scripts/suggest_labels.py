"""Suggest where to label next: where the runs disagree with each other, and the map with the weak map."""

import json

import pandas as pd

from cropmine.config.regions import Split
from cropmine.inputs.weak_maps import load_weak
from cropmine.logs import rule_log
from cropmine.mapping.suggestions import choose_suggestions, score_places, write_suggestions
from cropmine.mapping.tags import stamp_tags
from cropmine.planning.map_stamps import MapStamp


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    stamp = MapStamp(**settings["stamp"])
    weak = load_weak(settings["weak"], list(files.weak), guarded=False) if settings["weak"] else None
    places = pd.concat([score_places(path, settings["place_m"], weak) for path in files.maps], ignore_index=True)
    blocks = next(map(pd.read_csv, files.splits), None)
    chosen = choose_suggestions(places, settings["count"], Split(**settings["split"]), blocks)
    write_suggestions(snakemake.output.suggestions, chosen, stamp_tags(stamp, settings["inputs"]))


with rule_log(snakemake):
    main(snakemake)
