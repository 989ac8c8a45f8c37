"""Write the map as it is handed on: GeoTIFFs by CRS, cropland polygons, STAC and Earth Engine manifests."""

import json
from pathlib import Path

from cropmine.logs import rule_log
from cropmine.mapping.cropland_polygons import outline_cropland, write_polygons
from cropmine.mapping.mosaics import list_mosaics
from cropmine.mapping.products import clear_products, place_polygons, write_products
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
    polygons = place_polygons(folder, stamp)
    classes = [product.path for product in products if product.kind == "class"]
    write_polygons(polygons, outline_cropland(classes, settings["min_polygon_m2"]), tags)
    write_catalog(folder, products, polygons, stamp, tags)


with rule_log(snakemake):
    main(snakemake)
