"""Write a QGIS project: imagery, weak map, map, polygons, mined labels and human labels, styled."""

import json
from pathlib import Path

from cropmine.logs import rule_log
from cropmine.mapping.products import find_products, place_polygons
from cropmine.mapping.qgis import write_project
from cropmine.mapping.qgis_layers import ProjectFiles, WeakLayer, find_canvas, gather_layers
from cropmine.mapping.tags import stamp_tags
from cropmine.planning.map_stamps import MapStamp


def main(snakemake):
    settings, files = json.loads(snakemake.params.settings), snakemake.input
    path, stamp = Path(snakemake.output.project), MapStamp(**settings["stamp"])
    delivery = Path(files.delivery).parent
    products = find_products(delivery, stamp)
    weak = [WeakLayer(entry["name"], entry["path"], **entry["settings"]) for entry in settings["weak"]]
    optional = {name: files[name] for name in ("targets", "mined", "labels", "area", "units")}
    shown = ProjectFiles(files.images, settings["bands"], weak, mined_by=settings["mined"], **optional)
    groups = gather_layers(path.parent, shown, products, place_polygons(delivery, stamp))
    title = f"Cropland of {stamp.region}, {stamp.year or 'undated'} ({stamp.version})"
    write_project(path, title, groups, find_canvas(products), stamp_tags(stamp, settings["inputs"]))


with rule_log(snakemake):
    main(snakemake)
