"""Draw a stratified random sample of the map's pixels, for people to label."""

import json
from pathlib import Path

from cropmine.logs import rule_log
from cropmine.mapping.products import find_products
from cropmine.mapping.sample_designs import keep_design
from cropmine.mapping.tags import stamp_tags
from cropmine.planning.map_stamps import MapStamp
from cropmine.tables import write_json


def main(snakemake):
    settings, output = json.loads(snakemake.params.settings), Path(snakemake.output.pointer)
    stamp = MapStamp(**settings["stamp"])
    classes = [
        made.path for made in find_products(Path(snakemake.input.delivery).parent, stamp) if made.kind == "class"
    ]
    tags = stamp_tags(stamp, settings["inputs"])
    kept = keep_design(output.parent / "samples", classes, settings["sampling"], stamp, tags)
    write_json(output, {"sample": str(kept)})


with rule_log(snakemake):
    main(snakemake)
