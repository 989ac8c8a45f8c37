"""Where to label next: places at which labels would help most, spread over blocks."""

from collections.abc import Mapping
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import shapely

from cropmine.classes import NODATA, STEPS
from cropmine.config.regions import Split, WeakMap
from cropmine.geo.geometries import outline_pixels
from cropmine.geo.geopackages import write_geopackage
from cropmine.geo.grids import CRS_LONLAT, open_raster, pixel_size_m, read_grid
from cropmine.inputs.blocks import block_of, name_blocks
from cropmine.inputs.label_pieces import HELD_OUT, SUGGESTED
from cropmine.inputs.splits import find_training_blocks
from cropmine.inputs.weak_maps import Consensus, Files, read_weak_map
from cropmine.mapping.bands import DISAGREEMENT_BAND, PROBABILITY_BAND

FULL_DISAGREEMENT = 0.5  # the greatest deviation that probabilities can have
LEAST_VALID = 0.5  # share of a place that the map covers
COLUMNS = ("place", "score", "disagreement", "weak_difference", "block", "origin", "class", "geometry")


def score_places(
    path: str | Path, place_m: float, weak: tuple[Files, WeakMap | Consensus] | None
) -> geopandas.GeoDataFrame:
    """Score the square places of a map tile by how much labels there would teach.

    disagreement: mean deviation of the runs' probabilities as a share of the greatest that can be; weak_difference:
    mean difference between probability and weak map (as load_weak gives it), 0 where that is invalid; score: their sum.
    Columns: these, lon and lat of the middle, and geometry, the place in EPSG:4326. Places less than half covered by
    the map are left out.
    """
    grid = read_grid(path)
    side = max(round(place_m / float(np.mean(pixel_size_m(grid)))), 1)
    with open_raster(path) as dataset:
        probability, spread = dataset.read([PROBABILITY_BAND, DISAGREEMENT_BAND])
    valid = probability != NODATA
    difference = np.zeros(grid.shape, np.float32)
    if weak is not None:
        values, known = read_weak_map(*weak, grid)
        difference = np.where(valid & known, np.abs(probability / np.float32(STEPS) - values), 0)
    covered = _average(valid, side)
    disagreement = _average(np.where(valid, spread / np.float32(STEPS * FULL_DISAGREEMENT), 0), side)
    rows, columns = np.nonzero(covered >= LEAST_VALID)
    share = covered[rows, columns]
    table = pd.DataFrame(
        {
            "disagreement": (disagreement[rows, columns] / share).round(4),
            "weak_difference": (_average(difference, side)[rows, columns] / share).round(4),
        }
    )
    table["score"] = (table["disagreement"] + table["weak_difference"]).round(4)
    boxes = outline_pixels(grid, rows, columns, side)
    table["lon"], table["lat"] = shapely.get_coordinates(shapely.centroid(boxes)).T if len(boxes) else ([], [])
    return geopandas.GeoDataFrame(table, geometry=boxes, crs=CRS_LONLAT)


def _average(values: np.ndarray, side: int) -> np.ndarray:
    """Means of squares of `side` pixels; what is left at the right and lower edge is left out."""
    rows, columns = (size // side for size in values.shape)
    cut = values[: rows * side, : columns * side].astype(np.float32)
    return cut.reshape(rows, side, columns, side).mean(axis=(1, 3))


def choose_suggestions(
    places: geopandas.GeoDataFrame, count: int, split: Split, blocks: pd.DataFrame | None
) -> geopandas.GeoDataFrame:
    """Choose the places of the highest scores, each from another block until every block has one, and so on.

    Only from blocks whose labels would train: never from one that is drawn for validation or test, or that holds such
    labels (blocks: labels/splits.csv, None without labels). Columns: place, score, disagreement, weak_difference,
    block, origin ("suggested": as a label it only ever trains), class (empty, to be filled in) and geometry.
    """
    rows, columns = block_of(places["lon"].to_numpy(), places["lat"].to_numpy(), split.block_m)
    places = places.assign(block=name_blocks(rows, columns))
    lon, lat = shapely.get_coordinates(places.geometry.to_numpy()).T
    names = pd.unique(name_blocks(*block_of(lon, lat, split.block_m)))
    barred = set(names[~find_training_blocks(names, split)])
    if blocks is not None and "split" in blocks:
        barred |= set(blocks["block"][blocks["split"].isin(HELD_OUT)])
    open_ = places[~_touches(places, barred, split.block_m)].sort_values(
        ["score", "lon", "lat"], ascending=[False, True, True], kind="stable"
    )
    turns = open_.groupby("block").cumcount()
    chosen = open_.assign(turn=turns).sort_values("turn", kind="stable").head(count).reset_index(drop=True)
    chosen["place"], chosen["origin"], chosen["class"] = np.arange(1, len(chosen) + 1), SUGGESTED, ""
    return chosen[list(COLUMNS)]


def _touches(places: geopandas.GeoDataFrame, barred: set, block_m: float) -> np.ndarray:
    """Whether a corner of a place is in a barred block."""
    west, south, east, north = shapely.bounds(places.geometry.to_numpy()).T
    touches = np.zeros(len(places), bool)
    for lon, lat in ((west, south), (west, north), (east, south), (east, north)):
        touches |= np.isin(name_blocks(*block_of(lon, lat, block_m)).astype(str), sorted(barred))
    return touches


def write_suggestions(path: str | Path, chosen: geopandas.GeoDataFrame, tags: Mapping[str, str]) -> None:
    """Write suggestions as GeoPackage, with the tags of the map that they come from."""
    write_geopackage(path, chosen, "suggestions", tags)
