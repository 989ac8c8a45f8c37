"""The layers of a region's QGIS project: its imagery, weak map, map, patches, mined labels and human labels."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

import geopandas
import numpy as np
import rasterio
import rasterio.warp
import shapely

from cropmine.classes import CROPLAND, IGNORE, MINED
from cropmine.geo.geopackages import write_geopackage
from cropmine.geo.grids import CRS_LONLAT, open_raster, read_grid
from cropmine.geo.headers import read_vector_header
from cropmine.geo.mosaics import MosaicBand, write_mosaics
from cropmine.geo.vectors import is_vector
from cropmine.inputs.imagery import find_colours
from cropmine.inputs.splits import read_pieces
from cropmine.mapping.bands import LEGEND
from cropmine.mapping.colours import CROPLAND_COLOUR
from cropmine.mapping.cropland_patches import read_tags
from cropmine.mapping.products import DISAGREEMENT_BAND, KINDS, Product
from cropmine.mapping.qgis import (
    DISAGREEMENT_RAMP,
    PROBABILITY_RAMP,
    Layer,
    style_classes,
    style_image,
    style_outlines,
    style_ramp,
)

SAMPLED_PX = 256
SAMPLED_TILES = 8
STRETCH = (2, 98)
OUTLINE = {"": ("#1F2A30", "")}
LABEL_COLOURS = {"cropland": ("#D55E00", "cropland"), "noncropland": ("#0072B2", "non-cropland")}


def gather_layers(
    folder: Path, settings: Mapping, files: Mapping, products: Sequence[Product], patches: str | Path
) -> dict[str, list[Layer]]:
    """Gather the layers of a region by group, the first on top; VRTs and GeoPackages are written in a project's folder.

    settings: bands, weak (name, path and settings of each weak map that is a file), and mined (the experiment whose
    mined labels are shown, or None); files: images, targets, mined (targets of that experiment), labels, area and
    units, lists of files that may be empty. What lies over another layer whole isn't shown at first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    labels = [layer_labels(folder, path) for path in files.get("labels", [])]
    outlines = [layer_outline("Area", path) for path in files.get("area", [])]
    outlines += [layer_outline("Units", path) for path in files.get("units", [])]
    weak = [layer_weak(entry["name"], entry["path"], entry["settings"]) for entry in settings["weak"]]
    groups = {
        "Labels": [*labels, *outlines],
        "Training": [
            *layer_mined(folder, list(files.get("mined", [])), settings["mined"]),
            *layer_targets(folder, list(files.get("targets", []))),
        ],
        "Map": [layer_patches(folder, patches), *layer_products(products)],
        "Weak maps": weak,
        "Imagery": layer_images(folder, list(files["images"]), settings["bands"]),
    }
    return {name: layers for name, layers in groups.items() if layers}


def layer_images(folder: Path, images: Sequence[str | Path], bands: Sequence[str]) -> list[Layer]:
    """Join images to a VRT a CRS in a folder, and style them in true colour, or by their first bands."""
    with open_raster(images[0]) as dataset:
        dtype, nodata = dataset.dtypes[0], dataset.nodata
    chosen = [place + 1 for place in find_colours(bands)]
    described = [MosaicBand(number, name, dtype, nodata) for number, name in enumerate(bands, start=1)]
    limits = find_limits(images, chosen)
    made = write_mosaics(folder / "imagery.vrt", images, described)
    return [_layer_mosaic("Imagery", path, style_image(chosen, limits), True) for path in made]


def find_limits(images: Sequence[str | Path], bands: Sequence[int]) -> list[tuple[float, float]]:
    """Find the values of each band between which 96 % of a coarse sample of valid pixels lie, from up to 8 images."""
    values = []
    step = max(len(images) // SAMPLED_TILES, 1)
    for path in images[::step]:
        with open_raster(path) as dataset:
            shape = (len(bands), min(SAMPLED_PX, dataset.height), min(SAMPLED_PX, dataset.width))
            sample = dataset.read(list(bands), out_shape=shape, masked=True)
        valid = ~np.ma.getmaskarray(sample).any(axis=0) & np.isfinite(sample.data).all(axis=0)
        values.append(sample.data[:, valid])
    joined = np.concatenate(values, axis=1)
    if not joined.size:
        return [(0.0, 1.0)] * len(bands)
    return [tuple(float(value) for value in np.percentile(band, STRETCH)) for band in joined]


def layer_targets(folder: Path, targets: Sequence[str | Path]) -> list[Layer]:
    """Join training targets to a VRT a CRS in a folder."""
    if not targets:
        return []
    made = write_mosaics(folder / "targets.vrt", targets, [MosaicBand(1, "target", "uint8", 255)])
    name = "Labels that train: human, mined or weak"
    return [_layer_mosaic(name, path, style_classes(1, LEGEND), False) for path in made]


def layer_mined(folder: Path, targets: Sequence[str | Path], experiment: str | None) -> list[Layer]:
    """Join the mined labels of training targets, and no others, to a VRT a CRS in a folder."""
    if not targets:
        return []
    band = MosaicBand(1, "mined labels", "uint8", IGNORE, only=(2, MINED))
    made = write_mosaics(folder / "mined.vrt", targets, [band])
    name = f"Mined labels of {experiment}"
    return [_layer_mosaic(name, path, style_classes(1, LEGEND), False) for path in made]


def layer_weak(name: str, path: str | Path, weak: Mapping) -> Layer:
    """Style a weak map by its cropland values, its probability or its outlines."""
    title = f"Weak map: {name}"
    if is_vector(path):
        return _layer_vector(title, Path(path), style_outlines(None, OUTLINE), False)
    if weak["probability"]:
        ramp = [(value / weak["scale"], colour) for value, colour in PROBABILITY_RAMP]
        return _layer_raster(title, Path(path), style_ramp(weak["band"], ramp), False)
    colour = LEGEND[CROPLAND][0]
    classes = {float(value): (colour, "cropland") for value in weak["cropland"]}
    return _layer_raster(title, Path(path), style_classes(weak["band"], classes), False)


def layer_labels(folder: Path, labels: str | Path) -> Layer:
    """Write the pieces of labels.parquet as GeoPackage in a folder, which every QGIS reads, and style them by class."""
    frame = read_pieces(labels)[["label", "class", "block", "split", "fold", "geometry"]]
    path = folder / "labels.gpkg"
    write_geopackage(path, frame, "labels")
    return _layer_vector("Human labels", path, style_outlines("class", LABEL_COLOURS), True)


def layer_patches(folder: Path, patches: str | Path) -> Layer:
    """Write delivered cropland patches as GeoPackage in a folder: many a QGIS is built without Parquet."""
    path = folder / "patches.gpkg"
    write_geopackage(path, geopandas.read_parquet(patches), "patches", read_tags(patches))
    return _layer_vector("Cropland patches", path, style_outlines(None, {"": (CROPLAND_COLOUR, "")}), True)


def layer_outline(name: str, path: str | Path) -> Layer:
    """Style the polygons of a file as outlines."""
    return _layer_vector(name, Path(path), style_outlines(None, OUTLINE), False)


def layer_products(products: Sequence[Product]) -> list[Layer]:
    """Style the delivered rasters: classes on top, then probability and the disagreement of runs."""
    classes = [product for product in products if product.kind == "class"]
    others = [product for product in products if product.kind == "probability"]
    layers = [_layer_raster("Class", product.path, style_product(product), True) for product in classes]
    for product in others:
        disagreement = style_ramp(KINDS["probability"].index(DISAGREEMENT_BAND) + 1, DISAGREEMENT_RAMP)
        layers.append(_layer_raster("Probability", product.path, style_product(product), False))
        layers.append(_layer_raster("Disagreement of runs", product.path, disagreement, False))
    return layers


def style_product(product: Product) -> Element:
    """Style a delivered raster by itself: its classes, or its probability."""
    return style_classes(1, LEGEND) if product.kind == "class" else style_ramp(1, PROBABILITY_RAMP)


def find_canvas(products: Sequence[Product]) -> tuple[str, tuple[float, float, float, float]]:
    """Find the CRS (WKT) and the extent of a canvas: those of the only CRS, or of all in longitude and latitude."""
    grids = [read_grid(product.path) for product in products if product.kind == "class"]
    if len(grids) == 1:
        return grids[0].pyproj_crs.to_wkt(), grids[0].bounds
    lonlat = rasterio.crs.CRS.from_user_input(CRS_LONLAT)
    boxes = [shapely.box(*rasterio.warp.transform_bounds(grid.crs, lonlat, *grid.bounds)) for grid in grids]
    return lonlat.to_wkt(), tuple(shapely.union_all(boxes).bounds)


def _layer_mosaic(name: str, path: Path, renderer, shown: bool) -> Layer:
    """A VRT that was just written of tiles that were checked; it names them wherever they lie."""
    with rasterio.open(path, driver="VRT") as dataset:
        return Layer(name, path, dataset.crs.to_wkt(), renderer, shown)


def _layer_raster(name: str, path: Path, renderer, shown: bool) -> Layer:
    with open_raster(path) as dataset:
        return Layer(name, path, dataset.crs.to_wkt(), renderer, shown)


def _layer_vector(name: str, path: Path, renderer, shown: bool) -> Layer:
    return Layer(name, path, read_vector_header(path).crs.to_wkt(), renderer, shown)
