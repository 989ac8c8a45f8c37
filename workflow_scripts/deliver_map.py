"""Write the map as it is handed on: GeoTIFFs by CRS, patches of cropland, STAC and Earth Engine manifests."""

import json
from pathlib import Path

from cropmine.logs import rule_log
from cropmine.mapping.cropland_patches import outline_patches, write_patches
from cropmine.mapping.mosaics import list_mosaics
from cropmine.mapping.products import clear_products, place_patches, write_products
from cropmine.mapping.qgis import write_style
from cropmine.mapping.qgis_layers import style_product
from cropmine.mapping.stac import write_catalog
from cropmine.mapping.tags import stamp_tags
from cropmine.planning.map_stamps import MapStamp


def main(snakemake):
    settings, folder = json.loads(snakemake.params.settings), Path(snakemake.output.collection).parent
    stamp = MapStamp(**settings["stamp"])
    tags = stamp_tags(stamp, settings["inputs"])
    clear_products(folder)
    products = write_products(folder, list_mosaics(snakemake.input.mosaic), stamp, tags)
    for product in products:
        write_style(product.path.with_suffix(".qml"), style_product(product))
    patches = place_patches(folder, stamp)
    classes = [product.path for product in products if product.kind == "class"]
    write_patches(patches, outline_patches(classes, settings["min_patch_m2"]), tags)
    write_catalog(folder, products, patches, stamp, tags)


with rule_log(snakemake):
    main(snakemake)
