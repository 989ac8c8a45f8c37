"""Guesses about thresholds of mining: a quick audit of a weak map on the few tiles that hold most labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas
import numpy as np
import shapely

from cropmine.classes import CLASS_NAMES
from cropmine.config.experiments import Segmentation
from cropmine.config.regions import Region, Split, WeakMap
from cropmine.geo.areas import pixel_areas
from cropmine.geo.footprints import Footprint
from cropmine.geo.grids import read_grid
from cropmine.inputs.imagery import TileSource, read_tile
from cropmine.inputs.label_pieces import TRAIN, split_of
from cropmine.inputs.label_rasters import burn_label_ids
from cropmine.inputs.splits import split_labels
from cropmine.inputs.weak_maps import read_weak_map
from cropmine.mining.overlaps import Columns, overlap_segments
from cropmine.mining.segmentation import divide_tile, number_segments
from cropmine.scoring.audit_rates import THRESHOLDS, Estimates, estimate_rates
from cropmine.scoring.audit_tallies import place_fractions

MOST_TILES = 8
MOST_PX = 80_000_000
PAPER = {"cropland": 0.8, "noncropland": 0.2}
STRICTER = {"cropland": (0.8, 0.9, 0.95), "noncropland": (0.2, 0.1, 0.05)}
PURE = 0.9


@dataclass(frozen=True)
class ThresholdGuess:
    """Thresholds by class and why; `tiles` and `labels` are how many were looked at."""

    thresholds: dict[str, float]
    why: dict[str, str]
    tiles: int
    labels: int


def guess_thresholds(
    region: Region, segmentation: Segmentation, tiles: Mapping[str, TileSource], labels: geopandas.GeoDataFrame
) -> ThresholdGuess:
    """Guess the thresholds at which the first weak map's mined labels are pure, by the human labels that train.

    The paper's 0.80 and 0.20 stand, unless fewer than 90 of 100 mined labels of a class would be right and a stricter
    threshold makes it 90. tiles: sources by name; labels: as read_labels gives them.
    """
    weak = next(iter(region.weak.values()))
    split = region.split if region.split.method != "auto" else Split(**region.split.model_dump() | {"method": "field"})
    pieces, _ = split_labels(
        labels if split.method == "field" else labels.drop(columns="split", errors="ignore"), split, [0]
    )
    pieces = pieces[split_of(pieces, None) == TRAIN].reset_index(drop=True)
    chosen = _choose_tiles(tiles, pieces)
    hits, pixels = np.zeros((2, len(pieces), len(THRESHOLDS))), np.zeros(len(pieces))
    cropland = known = 0.0
    for tile in chosen:
        ids, overlap, burnt = _mine_tile(tile, tiles[tile], segmentation, list(region.bands), weak, pieces)
        _count_hits(ids, overlap, burnt, weak.min_valid, hits, pixels)
        area = overlap["area_ha"] * overlap["weak_valid"]
        cropland, known = cropland + float(np.nansum(area * overlap["weak_fraction"])), known + float(area.sum())
    seen = int(pieces.loc[pixels > 0, "label"].nunique())
    if not known or pieces.loc[pixels > 0, "target"].nunique() < 2:
        why = "the paper's; too few labels lie on the tiles to tell more"
        return ThresholdGuess(dict(PAPER), dict.fromkeys(PAPER, why), len(chosen), seen)
    estimates = estimate_rates(hits, pixels, pieces, region.prevalence or cropland / known)
    found = {name: _choose(name, estimates) for name in PAPER}
    return ThresholdGuess(
        {name: threshold for name, (threshold, _) in found.items()},
        {name: why for name, (_, why) in found.items()},
        len(chosen),
        seen,
    )


def _choose_tiles(tiles: Mapping[str, TileSource], pieces: geopandas.GeoDataFrame) -> list[str]:
    """The tiles that most labels lie on, as many as are looked at quickly."""
    grids = {tile: read_grid(source.images[0]) for tile, source in tiles.items()}
    boxes = shapely.box(*Footprint(tuple(grids), tuple(grids.values())).lonlat.T)
    held = np.bincount(shapely.STRtree(boxes).query(pieces.geometry, predicate="intersects")[1], minlength=len(boxes))
    chosen, left = [], MOST_PX
    for place in np.argsort(-held, kind="stable")[:MOST_TILES]:
        tile = list(grids)[place]
        left -= grids[tile].width * grids[tile].height
        if held[place] and (left >= 0 or not chosen):
            chosen.append(tile)
    return chosen


def _mine_tile(
    tile: str, source: TileSource, segmentation: Segmentation, bands: Sequence[str], weak: WeakMap, pieces
) -> tuple[np.ndarray, Columns, np.ndarray]:
    """Ids of a tile's segments, their overlap with the weak map, and the pieces of labels burnt."""
    grid = read_grid(source.images[0])
    pixels, valid = read_tile(source)
    parts = divide_tile(pixels, valid, grid, segmentation, tile, bands)
    ids, clusters = number_segments(parts, grid, segmentation)
    values, known = read_weak_map(weak.path, weak, grid)
    overlap = overlap_segments(ids, values, known, pixel_areas(grid), clusters)
    return ids, overlap, np.where(valid, burn_label_ids(pieces, grid), 0)


def _count_hits(
    ids: np.ndarray, overlap: Columns, burnt: np.ndarray, min_valid: float, hits: np.ndarray, pixels: np.ndarray
) -> None:
    """Add a tile's pixels of each piece, and those that each threshold mines of it."""
    inside = burnt > 0
    piece, segment = burnt[inside] - 1, ids[inside].astype(np.intp)
    pixels += np.bincount(piece, minlength=len(pixels))
    below, above = place_fractions(overlap, THRESHOLDS, min_valid)
    steps = len(THRESHOLDS)
    below, above = np.append(steps, below)[segment], np.append(0, above)[segment]  # outside segments nothing is mined
    for cls, places in enumerate((below, above)):
        counts = np.bincount(piece * (steps + 1) + places, minlength=len(pixels) * (steps + 1)).reshape(-1, steps + 1)
        hits[cls] += counts.cumsum(axis=1)[:, :-1] if cls == 0 else counts[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]


def _choose(name: str, estimates: Estimates) -> tuple[float, str]:
    """The paper's threshold, unless it isn't pure and a stricter one is."""
    cls = CLASS_NAMES.index(name)
    places = {threshold: THRESHOLDS.index(threshold) for threshold in STRICTER[name]}
    pure = [level for level, at in places.items() if estimates.values["purity"][cls, at] >= PURE]
    chosen = (pure or [PAPER[name]])[0]
    value, low, high, recall = (
        float(estimates.values[key][cls, places[chosen]]) for key in ("purity", "purity_lo", "purity_hi", "recall")
    )
    if not np.isfinite(value):
        return chosen, "the paper's; no label lies on what is mined"
    source = "the paper's" if chosen == PAPER[name] else f"stricter than the paper's {PAPER[name]:g}"
    interval = f" ({low:.2f} to {high:.2f})" if np.isfinite([low, high]).all() else ""
    return chosen, f"{source}; purity {value:.2f}{interval} and {recall:.0%} reached, each label counted once"
