"""The interactive map of a region: its layers, labels and views, and the data for the script of the page."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import shapely

from cropmine.classes import NODATA
from cropmine.geo.grids import Grid
from cropmine.mapping.bands import CLASS_BAND, DISAGREEMENT_BAND, LEGEND, PROBABILITY_BAND
from cropmine.mapping.colours import CROPLAND_COLOUR, NONCROPLAND_COLOUR, SPLIT_COLOURS
from cropmine.reporting.map_layers import (
    BOTH,
    CLASS_COLOURS,
    DIFFERENCE_COLOURS,
    MAP_ALONE,
    WEAK_ALONE,
    colour_ramp,
    colour_values,
    compare_maps,
    find_corners,
    plan_grids,
    ramp_disagreement,
    ramp_probability,
    warp_bands,
    warp_imagery,
    warp_mined,
    warp_weak,
)
from cropmine.reporting.pictures import encode_pixels
from cropmine.reporting.report_files import ReportRegion
from cropmine.reporting.views import LETTERS, View
from cropmine.reporting.wording import TEMPLATES

LIBRARY = "leaflet"
LIBRARY_VERSION = "1.9.4"
EQUATOR_M = 40_075_016.686  # of web mercator, which the map library shows at zoom 0 on 256 pixels
DEGREE_DIGITS = 6  # 0.1 m
MANY_LABELS = 300  # pieces of labels, from which on they would hide the layers under them
DISAGREEMENT_END = 60  # code at the end of the ramp: a standard deviation of 0.3
CLASSES = ((CROPLAND_COLOUR, "cropland"), (NONCROPLAND_COLOUR, "non-cropland"))
DIFFERENCES = (
    (DIFFERENCE_COLOURS[BOTH], "cropland in both"),
    (DIFFERENCE_COLOURS[MAP_ALONE], "in the map alone"),
    (DIFFERENCE_COLOURS[WEAK_ALONE], "in the weak map alone"),
)
# Titles, and dashes of the lines, which differ as well as the colours.
SPLITS = {
    "train": ("training labels", None),
    "validation": ("validation labels", "6 4"),
    "test": ("test labels", "2 4"),
}
FOLDED = ("human labels, each tested once", None)


@dataclass(frozen=True)
class MapLayer:
    """A layer of the map: its key, title and note, and for the legend pairs of colour and words, or a ramp."""

    key: str
    title: str
    note: str
    swatches: tuple[tuple[str, str], ...] = ()
    ramp: str | None = None


@dataclass(frozen=True)
class LabelLayer:
    """The human labels of a split: title, colour and dashes of the line, number, and GeoJSON in degrees."""

    title: str
    colour: str
    dashes: str | None
    count: int
    features: dict[str, Any]


@dataclass(frozen=True)
class WebMap:
    """The map of a region: layers from the lowest to the uppermost, labels by split, and the data for the script.

    labels_shown: whether there are so few labels that they are shown at once; pair: the keys of the two layers that the
    swipe starts with, None where there is one layer.
    """

    layers: list[MapLayer]
    labels: dict[str, LabelLayer]
    labels_shown: bool
    pair: tuple[str, str] | None
    data: dict[str, Any]


def describe_webmap(
    region: ReportRegion,
    grids: Mapping[str, Grid],
    views: Sequence[View],
    labels: geopandas.GeoDataFrame | None,
    imagery: str,
) -> WebMap | None:
    """Describe the map of a region; None where there is nothing to show.

    grids: of its tiles; views: those that are framed, whose tiles alone are shown where tiles are scattered; labels:
    labels.parquet, or None where they aren't shown; imagery: full, overview or none.
    """
    parts = plan_grids(grids, [view.tile for view in views])
    drawn = [_draw_part(part, region, imagery) for part in parts]
    layers = [layer for layer in _list_layers(region) if any(layer.key in part for part in drawn)]
    described = {} if labels is None else describe_labels(labels)
    if not layers and not described:
        return None
    data = {
        "bounds": [find_corners(part) for part in parts],
        "zoom": round(math.log2(EQUATOR_M / 256 / parts[0].transform.a), 3),
        "layers": {layer.key: [part[layer.key] for part in drawn if layer.key in part] for layer in layers},
        "labels": {split: vars(own) for split, own in described.items()},
        "views": [
            {"letter": letter, "tile": view.tile, "bounds": find_corners(view.grid)}
            for letter, view in zip(LETTERS, views, strict=False)
        ],
    }
    few = labels is not None and len(labels) <= MANY_LABELS
    return WebMap(layers, described, few, _choose_pair([layer.key for layer in layers]), data)


def _draw_part(grid: Grid, region: ReportRegion, imagery: str) -> dict[str, dict]:
    """The pictures of a part of the region by layer: a data URI and its bounds."""
    files, drawn = region.files, {}
    if imagery != "none":
        pixels, thinned = warp_imagery(grid, region, imagery)
        drawn["imagery"] = _encode(pixels, thinned, exact=False)
    weak = warp_weak(grid, region, files.weak) if files.weak else None
    if weak is not None:
        drawn["weak"] = _encode(colour_values(weak, CLASS_COLOURS), grid)
    if files.mined and files.segments:
        drawn["mined"] = _encode(colour_values(warp_mined(grid, files, files.mined), CLASS_COLOURS), grid)
    if files.maps:
        drawn |= _draw_bands(grid, warp_bands(grid, files.maps), weak)
    return drawn


def _draw_bands(grid: Grid, bands: Mapping[int, np.ndarray], weak: np.ndarray | None) -> dict[str, dict]:
    """The pictures of the map's bands, and of where it differs from the weak map."""
    classes, disagreement = bands[CLASS_BAND], bands[DISAGREEMENT_BAND]
    drawn = {
        "probability": _encode(colour_ramp(bands[PROBABILITY_BAND], ramp_probability), grid, exact=False),
        "class": _encode(colour_values(classes, CLASS_COLOURS), grid),
    }
    if ((disagreement > 0) & (disagreement != NODATA)).any():  # else there was one run
        violet = colour_ramp(disagreement, ramp_disagreement, DISAGREEMENT_END)
        drawn["disagreement"] = _encode(violet, grid, exact=False)
    if weak is not None:
        drawn["difference"] = _encode(colour_values(compare_maps(classes, weak), DIFFERENCE_COLOURS), grid)
    return drawn


def _encode(pixels: np.ndarray, grid: Grid, exact: bool = True) -> dict:
    return {"picture": encode_pixels(pixels, exact), "bounds": find_corners(grid)}


def _list_layers(region: ReportRegion) -> list[MapLayer]:
    """All layers that a map may have, the lowest first."""
    weak = region.files.weak.name if region.files.weak else ""
    return [
        MapLayer("imagery", "Imagery", "what the satellite saw"),
        MapLayer("weak", f"Weak map {weak}", "on the grid of the imagery", CLASSES),
        MapLayer("mined", "Mined labels", "segments on which the weak map is nearly unanimous", CLASSES),
        MapLayer("probability", "Probability", "of cropland", ramp="probability"),
        MapLayer("disagreement", "Disagreement of runs", "standard deviation of probability", ramp="disagreement"),
        MapLayer("difference", f"The map against {weak}", "where the two differ", DIFFERENCES),
        MapLayer("class", "The map", "at the selected threshold", CLASSES),
    ]


def _choose_pair(keys: Sequence[str]) -> tuple[str, str] | None:
    """The layers that the swipe starts with: the most natural one on the left, the most finished one on the right."""
    if len(keys) < 2:
        return None
    left = next(key for key in ("imagery", "weak", *keys) if key in keys)
    return left, next(key for key in ("class", "mined", *reversed(keys)) if key in keys and key != left)


def describe_labels(labels: geopandas.GeoDataFrame) -> dict[str, LabelLayer]:
    """Describe labels by split; with k-fold all together. A feature has the colour of its class, and words about it.

    labels: labels.parquet.
    """
    folded = bool((labels["fold"] >= 0).any())
    described = {}
    for split, (title, dashes) in ({"train": FOLDED} if folded else SPLITS).items():
        own = labels if folded else labels[labels["split"] == split]
        if len(own):
            features = {"type": "FeatureCollection", "features": [_describe_label(row) for row in own.itertuples()]}
            described[split] = LabelLayer(title, SPLIT_COLOURS[split], dashes, own["label"].nunique(), features)
    return described


def _describe_label(row: pd.Series) -> dict:
    geometry = shapely.transform(row.geometry, lambda points: np.round(points, DEGREE_DIGITS))
    words = f"{LEGEND[row.target][1]}, label {row.label}, block {row.block}"
    properties = {"colour": CLASS_COLOURS[row.target], "words": words}
    return {"type": "Feature", "properties": properties, "geometry": json.loads(shapely.to_geojson(geometry))}


def embed_library() -> dict[str, str]:
    """Give the map library's `script`, `style` and `licence`; none of them names a file or a site to load from."""
    script, style, licence = (
        (TEMPLATES / "vendor" / f"{LIBRARY}{ending}").read_text(encoding="utf-8")
        for ending in (".js", ".css", ".LICENSE.txt")
    )
    script = re.sub(r"//# sourceMappingURL=\S+", "", script).replace('href="https://leafletjs.com" ', "")
    style = re.sub(r"/\*.*?\*/|[\w-]+:\s*url\([^)]*\);", "", style, flags=re.DOTALL)
    return {"script": script.strip(), "style": style, "licence": licence}
