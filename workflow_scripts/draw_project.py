"""Draw up a QGIS project: imagery, weak map, training labels, human labels and map, styled."""

import json
from pathlib import Path

from cropmine.logs import rule_log
from cropmine.products import find_products, stamp_tags
from cropmine.project_layers import find_canvas, gather_layers
from cropmine.projects import write_project


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    path, stamp = Path(snakemake.output.project), settings["stamp"]
    products = find_products(Path(files.delivery).parent, stamp)
    groups = gather_layers(path.parent, settings, files, products)
    title = f"Cropland of {stamp['region']}, {stamp['year'] or 'undated'} ({stamp['version']})"
    write_project(path, title, groups, *find_canvas(products), stamp_tags(stamp, settings["inputs"]))


with rule_log(snakemake):
    main(snakemake)
