"""Guesses about thresholds of mining: a quick audit of a weak map on the few tiles with the most labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas
import numpy as np
import shapely

from cropmine.classes import CLASS_VALUES
from cropmine.config.regions import Region, Split, WeakMap
from cropmine.config.segmentations import Segmentation
from cropmine.features.overlap_files import Columns
from cropmine.geo.areas import pixel_areas
from cropmine.geo.footprints import Footprint
from cropmine.geo.grids import read_grid
from cropmine.inputs.label_pieces import TRAIN, split_of
from cropmine.inputs.label_rasters import burn_label_ids
from cropmine.inputs.splits import split_labels
from cropmine.inputs.tile_sources import TileSource
from cropmine.inputs.weak_maps import read_weak_map
from cropmine.mining.overlaps import overlap_segments
from cropmine.mining.segmentation import Tile, divide_tile, number_segments
from cropmine.scoring.audit_rates import Rates, estimate_rates
from cropmine.scoring.audit_tallies import Tally, survey_overlaps
from cropmine.scoring.audits import THRESHOLDS

MOST_TILES = 8
MOST_PX = 80_000_000
PAPER = {"cropland": 0.8, "noncropland": 0.2}
STRICTER = {"cropland": (0.8, 0.9, 0.95), "noncropland": (0.2, 0.1, 0.05)}
PURE = 0.9


@dataclass(frozen=True)
class ThresholdGuess:
    """Thresholds by class and why; `tiles` and `labels` are how many they rest on."""

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
    tally, overlaps = Tally(len(pieces), THRESHOLDS, weak.min_valid), []
    for tile in chosen:
        overlaps.append(_tally_tile(tile, tiles[tile], segmentation, list(region.bands), weak, pieces, tally))
    survey = survey_overlaps(overlaps, THRESHOLDS, weak.min_valid)
    seen = pieces.loc[tally.pixels > 0]
    labels_seen = int(seen["label"].nunique())
    if survey.weak_share is None or seen["target"].nunique() < 2:
        why = "the paper's; too few labels are on these tiles to say more"
        return ThresholdGuess(dict(PAPER), dict.fromkeys(PAPER, why), len(chosen), labels_seen)
    rates = estimate_rates(tally.mined, tally.pixels, pieces, region.prevalence or survey.weak_share)
    found = {name: _choose(name, rates) for name in PAPER}
    return ThresholdGuess(
        {name: threshold for name, (threshold, _) in found.items()},
        {name: why for name, (_, why) in found.items()},
        len(chosen),
        labels_seen,
    )


def _choose_tiles(tiles: Mapping[str, TileSource], pieces: geopandas.GeoDataFrame) -> list[str]:
    """The tiles with the most labels, as many as are audited quickly."""
    grids = {tile: read_grid(source.images[0]) for tile, source in tiles.items()}
    boxes = shapely.box(*Footprint(tuple(grids), tuple(grids.values())).lonlat.T)
    held = np.bincount(shapely.STRtree(boxes).query(pieces.geometry, predicate="intersects")[1], minlength=len(boxes))
    chosen: list[str] = []
    left = MOST_PX
    for place in np.argsort(-held, kind="stable")[:MOST_TILES]:
        tile = list(grids)[place]
        left -= grids[tile].width * grids[tile].height
        if held[place] and (left >= 0 or not chosen):
            chosen.append(tile)
    return chosen


def _tally_tile(
    tile: str,
    source: TileSource,
    segmentation: Segmentation,
    bands: Sequence[str],
    weak: WeakMap,
    pieces: geopandas.GeoDataFrame,
    tally: Tally,
) -> Columns:
    """Segment a tile, add it to the tally, and give the overlap of its segments with the weak map."""
    grid = read_grid(source.images[0])
    parts = divide_tile(Tile(tile, source, grid, tuple(bands)), segmentation)
    ids, clusters = number_segments(parts, grid, segmentation)
    values, known = read_weak_map(weak.file, weak, grid)
    areas = np.broadcast_to(pixel_areas(grid).astype(np.float32), grid.shape)
    overlap = overlap_segments(ids, values, known, pixel_areas(grid), clusters)
    tally.add_tile(np.where(parts > 0, burn_label_ids(pieces, grid), 0), areas, ids, overlap)
    return overlap


def _choose(name: str, rates: Rates) -> tuple[float, str]:
    """The paper's threshold, unless it isn't pure and a stricter one is."""
    cls = CLASS_VALUES[name]
    found = {level: rates.purity.pick(cls, THRESHOLDS.index(level)) for level in STRICTER[name]}
    pure = [level for level, purity in found.items() if purity.value is not None and purity.value >= PURE]
    chosen = (pure or [PAPER[name]])[0]
    purity = found[chosen]
    if purity.value is None:
        return chosen, "the paper's; nothing that it mines is labelled"
    source = "the paper's" if chosen == PAPER[name] else f"stricter than the paper's {PAPER[name]:g}"
    interval = "" if purity.lo is None else f" ({purity.lo:.2f} to {purity.hi:.2f})"
    recall = rates.recall.pick(cls, THRESHOLDS.index(chosen)).value
    return chosen, f"{source}; purity {purity.value:.2f}{interval}, recall {recall:.0%}, each label counted once"
