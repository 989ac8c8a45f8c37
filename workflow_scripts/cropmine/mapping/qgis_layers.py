"""The layers of a region's QGIS project: imagery, weak maps, map, polygons, mined labels and human labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas
import numpy as np
import pyproj
import rasterio
import rasterio.warp
import shapely

from cropmine.classes import CROPLAND, IGNORE, MINED
from cropmine.geo.geopackages import write_geopackage
from cropmine.geo.grids import CRS_LONLAT, open_raster, read_grid
from cropmine.geo.mosaics import MosaicBand, write_mosaics
from cropmine.geo.vectors import is_vector, read_vector_header
from cropmine.inputs.imagery import find_colours
from cropmine.inputs.label_pieces import read_pieces
from cropmine.mapping.bands import LEGEND
from cropmine.mapping.colours import CROPLAND_COLOUR, DISAGREEMENT_RAMP, PROBABILITY_RAMP
from cropmine.mapping.cropland_polygons import read_tags
from cropmine.mapping.products import DISAGREEMENT_BAND, KINDS, Product
from cropmine.mapping.qgis import Canvas, ClassStyle, ImageStyle, Layer, LegendEntry, OutlineStyle, RampStyle, Style

SAMPLED_PX = 256
SAMPLED_TILES = 8
STRETCH = (2, 98)
INK = "#1F2A30"
CLASS_ENTRIES = tuple(LegendEntry(value, *colour_and_words) for value, colour_and_words in LEGEND.items())
LABEL_ENTRIES = (
    LegendEntry("cropland", "#D55E00", "cropland"),
    LegendEntry("noncropland", "#0072B2", "non-cropland"),
)


@dataclass(frozen=True)
class WeakLayer:
    """A weak map that is a file, with the settings (see config.regions.WeakMap) that say how to draw it."""

    name: str
    path: str
    band: int
    cropland: Sequence[int | float | str]
    probability: bool
    scale: float


@dataclass(frozen=True)
class ProjectFiles:
    """The files that a region's project shows; a list is empty where the region has no such file.

    images: of the last date, with their bands; targets: of the run that makes the map; mined: targets of the experiment
    `mined_by`, of which only the mined labels are shown; labels: labels.parquet; area and units: polygon files.
    """

    images: Sequence[str]
    bands: Sequence[str]
    weak: Sequence[WeakLayer] = ()
    targets: Sequence[str] = ()
    mined: Sequence[str] = ()
    mined_by: str | None = None
    labels: Sequence[str] = ()
    area: Sequence[str] = ()
    units: Sequence[str] = ()


def gather_layers(
    folder: Path, files: ProjectFiles, products: Sequence[Product], polygons: str | Path
) -> Mapping[str, Sequence[Layer]]:
    """Gather the layers of a project by group, the first on top; VRTs and GeoPackages are written in its folder.

    A layer that would cover another one completely isn't shown at first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    groups = {
        "Labels": [
            *(layer_labels(folder, path) for path in files.labels),
            *(_layer_outline("Area", path) for path in files.area),
            *(_layer_outline("Units", path) for path in files.units),
        ],
        "Training": [*layer_mined(folder, files.mined, files.mined_by), *_layer_targets(folder, files.targets)],
        "Map": [layer_polygons(folder, polygons), *_layer_products(products)],
        "Weak maps": [_layer_weak(weak) for weak in files.weak],
        "Imagery": _layer_images(folder, files.images, files.bands),
    }
    return {name: layers for name, layers in groups.items() if layers}


def _layer_images(folder: Path, images: Sequence[str], bands: Sequence[str]) -> list[Layer]:
    """Images joined to one VRT for each CRS, in true colour, or by their first bands."""
    with open_raster(images[0]) as dataset:
        dtype, nodata = dataset.dtypes[0], dataset.nodata
    shown = tuple(position + 1 for position in find_colours(bands))
    described = [MosaicBand(number, name, dtype, nodata) for number, name in enumerate(bands, start=1)]
    style = ImageStyle(shown, find_limits(images, shown))
    return [
        _layer_mosaic("Imagery", path, style, True) for path in write_mosaics(folder / "imagery.vrt", images, described)
    ]


def find_limits(images: Sequence[str | Path], bands: Sequence[int]) -> tuple[tuple[float, float], ...]:
    """Find the 2nd and 98th percentile of each band in a coarse sample of the valid pixels of up to 8 images."""
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
        return ((0.0, 1.0),) * len(bands)
    return tuple(tuple(np.percentile(band, STRETCH).tolist()) for band in joined)


def _layer_targets(folder: Path, targets: Sequence[str]) -> list[Layer]:
    return _layer_classes(
        folder / "targets.vrt",
        targets,
        MosaicBand(1, "target", "uint8", IGNORE),
        "Labels that train: human, mined or weak",
    )


def layer_mined(folder: Path, targets: Sequence[str], experiment: str | None) -> list[Layer]:
    """Join the mined labels of an experiment's training targets, without other labels, to one VRT for each CRS."""
    band = MosaicBand(1, "mined labels", "uint8", IGNORE, only=(2, MINED))
    return _layer_classes(folder / "mined.vrt", targets, band, f"Mined labels of {experiment}")


def _layer_classes(path: Path, targets: Sequence[str], band: MosaicBand, name: str) -> list[Layer]:
    mosaics = write_mosaics(path, targets, [band]) if targets else []
    return [_layer_mosaic(name, mosaic, ClassStyle(1, CLASS_ENTRIES), False) for mosaic in mosaics]


def _layer_weak(weak: WeakLayer) -> Layer:
    """A weak map by its cropland values, its probability or its outlines."""
    name, path = f"Weak map: {weak.name}", Path(weak.path)
    if is_vector(path):
        return _layer_outline(name, path)
    style: Style
    if weak.probability:
        style = RampStyle(weak.band, tuple((value / weak.scale, colour) for value, colour in PROBABILITY_RAMP))
    else:
        entries = tuple(LegendEntry(float(value), *LEGEND[CROPLAND]) for value in weak.cropland)
        style = ClassStyle(weak.band, entries)
    return _layer_raster(name, path, style, False)


def layer_labels(folder: Path, labels: str | Path) -> Layer:
    """Write the pieces of labels.parquet as GeoPackage, which every build of QGIS reads, with outlines by class."""
    path = folder / "labels.gpkg"
    write_geopackage(path, read_pieces(labels)[["label", "class", "block", "split", "fold", "geometry"]], "labels")
    return _layer_vector("Human labels", path, OutlineStyle("class", LABEL_ENTRIES), True)


def layer_polygons(folder: Path, polygons: str | Path) -> Layer:
    """Write delivered cropland polygons as GeoPackage, since many builds of QGIS can't read Parquet."""
    path = folder / "polygons.gpkg"
    write_geopackage(path, geopandas.read_parquet(polygons), "polygons", read_tags(polygons))
    return _layer_vector("Cropland polygons", path, OutlineStyle(None, (LegendEntry("", CROPLAND_COLOUR, ""),)), True)


def _layer_products(products: Sequence[Product]) -> list[Layer]:
    """The delivered rasters: classes on top, then probability and the disagreement of runs."""
    disagreement = RampStyle(KINDS["probability"].index(DISAGREEMENT_BAND) + 1, DISAGREEMENT_RAMP)
    layers = [_layer_raster("Class", own.path, style_product(own), True) for own in products if own.kind == "class"]
    for product in products:
        if product.kind == "probability":
            layers.append(_layer_raster("Probability", product.path, style_product(product), False))
            layers.append(_layer_raster("Disagreement of runs", product.path, disagreement, False))
    return layers


def style_product(product: Product) -> Style:
    """Style a delivered raster by its classes or its probability."""
    return ClassStyle(1, CLASS_ENTRIES) if product.kind == "class" else RampStyle(1, PROBABILITY_RAMP)


def find_canvas(products: Sequence[Product]) -> Canvas:
    """Find the canvas of a project: the map in its CRS or, if it has several, all of it in longitude and latitude."""
    grids = [read_grid(product.path) for product in products if product.kind == "class"]
    if len(grids) == 1:
        return Canvas(grids[0].pyproj_crs, grids[0].bounds)
    lonlat = rasterio.crs.CRS.from_user_input(CRS_LONLAT)
    boxes = [shapely.box(*rasterio.warp.transform_bounds(grid.crs, lonlat, *grid.bounds)) for grid in grids]
    west, south, east, north = shapely.union_all(boxes).bounds
    return Canvas(_convert_crs(lonlat), (west, south, east, north))


def _layer_mosaic(name: str, path: Path, style: Style, shown: bool) -> Layer:
    """A VRT that was just written, of tiles that were checked before: open_raster would refuse tiles elsewhere."""
    with rasterio.open(path, driver="VRT") as dataset:
        return Layer(name, path, _convert_crs(dataset.crs), style, shown)


def _layer_raster(name: str, path: Path, style: Style, shown: bool) -> Layer:
    with open_raster(path) as dataset:
        return Layer(name, path, _convert_crs(dataset.crs), style, shown)


def _layer_vector(name: str, path: Path, style: Style, shown: bool) -> Layer:
    return Layer(name, path, read_vector_header(path).crs, style, shown)


def _layer_outline(name: str, path: str | Path) -> Layer:
    return _layer_vector(name, Path(path), OutlineStyle(None, (LegendEntry("", INK, ""),)), False)


def _convert_crs(crs: rasterio.crs.CRS) -> pyproj.CRS:
    return pyproj.CRS.from_wkt(crs.to_wkt())
