"""The report's interactive map of a region: its layers, labels and places, in plain values for the page."""

import json
import math
from collections.abc import Mapping, Sequence

import geopandas
import numpy as np
import pandas as pd
import shapely

from cropmine.classes import NODATA
from cropmine.geo.grids import Grid
from cropmine.mapping.bands import CLASS_BAND, DISAGREEMENT_BAND, LEGEND, PROBABILITY_BAND
from cropmine.mapping.colours import CROPLAND_COLOUR, NONCROPLAND_COLOUR, SPLIT_COLOURS
from cropmine.reporting.charts import encode_picture
from cropmine.reporting.map_layers import (
    BOTH,
    CLASS_COLOURS,
    DIFFERENCE_COLOURS,
    MAP_ALONE,
    WEAK_ALONE,
    colour_ramp,
    colour_values,
    compare_maps,
    find_degrees,
    lay_bands,
    lay_grids,
    lay_mined,
    lay_weak,
    overlay_imagery,
    ramp_disagreement,
    ramp_probability,
)
from cropmine.reporting.places import LETTERS, Place

EQUATOR_M = 40_075_016.686  # of web mercator, which the map library shows at zoom 0 on 256 pixels
DEGREE_DIGITS = 6  # 0.1 m
MANY_LABELS = 300  # pieces that would hide what lies under them
DISAGREEMENT_END = 60  # code at the end of the ramp: a standard deviation of 0.3
# Lines differ in dashes as well as in colour.
SPLITS = {
    "train": ("training labels", None),
    "validation": ("validation labels", "6 4"),
    "test": ("test labels", "2 4"),
}
FOLDED = ("human labels, each tested once", None)


def describe_webmap(
    region: dict,
    grids: Mapping[str, Grid],
    places: Sequence[Place],
    labels: geopandas.GeoDataFrame | None,
    imagery: str,
) -> dict | None:
    """Describe the map of a region: its layers from the lowest to the uppermost, and the data for the page's script.

    region: settings of build_report; grids: of its tiles; places: those that are framed, whose tiles alone are shown
    where tiles are scattered; labels: labels.parquet, or None where they aren't shown; imagery: full, overview or none.
    A layer has key, title, note, swatches (pairs of colour and words) or a ramp; `labels_shown` tells whether there
    are so few labels that they are shown at once; `data` has its pictures, the labels, the places and bounds. None
    where there is nothing to show.
    """
    parts = lay_grids(grids, [place.tile for place in places])
    drawn = [_draw_part(part, region, imagery) for part in parts]
    layers = [layer for layer in _list_layers(region) if any(layer["key"] in part for part in drawn)]
    data = {
        "bounds": [find_degrees(part) for part in parts],
        "zoom": round(math.log2(EQUATOR_M / 256 / parts[0].transform.a), 3),
        "layers": {layer["key"]: [part[layer["key"]] for part in drawn if layer["key"] in part] for layer in layers},
        "labels": {} if labels is None else describe_labels(labels),
        "places": [
            {"letter": letter, "tile": place.tile, "bounds": find_degrees(place.grid)}
            for letter, place in zip(LETTERS, places, strict=False)
        ],
    }
    if not layers and not data["labels"]:
        return None
    shown = [{"key": key} | value | {"features": None} for key, value in data["labels"].items()]
    few = labels is not None and len(labels) <= MANY_LABELS
    return {"layers": layers, "labels": shown, "labels_shown": few, "pair": _choose_pair(layers), "data": data}


def _draw_part(grid: Grid, region: dict, imagery: str) -> dict[str, dict]:
    """The pictures of a part of the region by layer: a data URI and its bounds."""
    files, drawn = region["files"], {}
    images = [region["files"]["images"][tile][-1] for tile in region["tiles"]]
    if imagery != "none":
        pixels, thinned = overlay_imagery(grid, region, imagery)
        drawn["imagery"] = _encode(pixels, thinned, exact=False)
    weak = lay_weak(grid, files, images) if files["weak"] else None
    if weak is not None:
        drawn["weak"] = _encode(colour_values(weak, CLASS_COLOURS), grid)
    if files["mined"] and files["segments"]:
        drawn["mined"] = _encode(colour_values(lay_mined(grid, files), CLASS_COLOURS), grid)
    if files["maps"]:
        bands = lay_bands(grid, files["maps"])
        drawn["probability"] = _encode(colour_ramp(bands[PROBABILITY_BAND], ramp_probability), grid, exact=False)
        drawn["class"] = _encode(colour_values(bands[CLASS_BAND], CLASS_COLOURS), grid)
        if ((bands[DISAGREEMENT_BAND] > 0) & (bands[DISAGREEMENT_BAND] != NODATA)).any():  # else there was one run
            violet = colour_ramp(bands[DISAGREEMENT_BAND], ramp_disagreement, DISAGREEMENT_END)
            drawn["disagreement"] = _encode(violet, grid, exact=False)
        if weak is not None:
            drawn["difference"] = _encode(
                colour_values(compare_maps(bands[CLASS_BAND], weak), DIFFERENCE_COLOURS), grid
            )
    return drawn


def _encode(pixels: np.ndarray, grid: Grid, exact: bool = True) -> dict:
    return {"picture": encode_picture(pixels, exact), "bounds": find_degrees(grid)}


def _list_layers(region: dict) -> list[dict]:
    """All layers that a map may have, the lowest first."""
    weak = region["files"]["weak"]
    name = weak["name"] if weak else ""
    classes = [(CROPLAND_COLOUR, "cropland"), (NONCROPLAND_COLOUR, "non-cropland")]
    differences = [
        (DIFFERENCE_COLOURS[BOTH], "cropland in both"),
        (DIFFERENCE_COLOURS[MAP_ALONE], "in the map alone"),
        (DIFFERENCE_COLOURS[WEAK_ALONE], "in the weak map alone"),
    ]
    return [
        _name_layer("imagery", "Imagery", "what the satellite saw"),
        _name_layer("weak", f"Weak map {name}", "on the grid of the imagery", classes),
        _name_layer("mined", "Mined labels", "segments on which the weak map is nearly unanimous", classes),
        _name_layer("probability", "Probability", "of cropland", ramp="probability"),
        _name_layer("disagreement", "Disagreement of runs", "standard deviation of probability", ramp="disagreement"),
        _name_layer("difference", f"The map against {name}", "where the two differ", differences),
        _name_layer("class", "The map", "at the selected threshold", classes),
    ]


def _name_layer(key: str, title: str, note: str, swatches: Sequence = (), ramp: str | None = None) -> dict:
    return {"key": key, "title": title, "note": note, "swatches": list(swatches), "ramp": ramp}


def _choose_pair(layers: Sequence[dict]) -> tuple[str, str] | None:
    """The layers that the swipe starts with: the most natural one on the left, the most finished one on the right."""
    keys = [layer["key"] for layer in layers]
    if len(keys) < 2:
        return None
    left = next(key for key in ("imagery", "weak", *keys) if key in keys)
    return left, next(key for key in ("class", "mined", *reversed(keys)) if key in keys and key != left)


def describe_labels(labels: geopandas.GeoDataFrame) -> dict[str, dict]:
    """Describe labels by what they serve: title, colour, dashes of the line, and GeoJSON in degrees.

    labels: labels.parquet. A feature has the colour of its class, and words on it.
    """
    folded = bool((labels["fold"] >= 0).any())
    described = {}
    for split, (title, dashes) in ({"train": FOLDED} if folded else SPLITS).items():
        own = labels if folded else labels[labels["split"] == split]
        if len(own):
            features = [_describe_label(row) for row in own.itertuples()]
            collection = {"type": "FeatureCollection", "features": features}
            colour = SPLIT_COLOURS[split]
            described[split] = {"title": title, "colour": colour, "dashes": dashes, "count": own["label"].nunique()}
            described[split]["features"] = collection
    return described


def _describe_label(row: pd.Series) -> dict:
    geometry = shapely.transform(row.geometry, lambda points: np.round(points, DEGREE_DIGITS))
    words = f"{LEGEND[row.target][1]}, label {row.label}, block {row.block}"
    properties = {"colour": CLASS_COLOURS[row.target], "words": words}
    return {"type": "Feature", "properties": properties, "geometry": json.loads(shapely.to_geojson(geometry))}
