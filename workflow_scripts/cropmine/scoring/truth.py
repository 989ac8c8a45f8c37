"""Check of the demo: scores on labels against scores on the truth, which only a simulated region has."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from cropmine.classes import CROPLAND, IGNORE, STEPS
from cropmine.geo.grids import Grid, open_raster, read_grid
from cropmine.geo.rasters import warp_nearest
from cropmine.inputs.contexts import TileContext
from cropmine.inputs.tile_sources import TileSource
from cropmine.inputs.tile_views import surround_tile
from cropmine.scoring.metrics import Histograms, count_confusion, score_confusion
from cropmine.scoring.weak_codes import Weak, read_weak_codes
from cropmine.training.predictors import Predictor, predict_tile

FIGURES = {
    "f1_cropland_truth": "f1_cropland",
    "precision_truth": "precision_cropland",
    "recall_truth": "recall_cropland",
}


def read_truth(path: str | Path, grid: Grid) -> np.ndarray:
    """Read the truth onto the grid of a tile: uint8 (h, w), 1 cropland, 0 not, 255 none."""
    with open_raster(path) as dataset:
        values, inside = warp_nearest(dataset, 1, grid)
    return np.where(inside, values, np.uint8(IGNORE))


def count_codes(truth: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Count the pixels of each probability code by truth, both uint8 (h, w): int64 (2, 201), non-cropland first."""
    known = (truth != IGNORE) & (codes <= STEPS)
    pairs = (truth[known] == CROPLAND) * (STEPS + 1) + codes[known].astype(np.intp)
    return np.bincount(pairs, minlength=2 * (STEPS + 1)).reshape(2, STEPS + 1).astype(np.int64)


def sum_codes(tiles: Iterable[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Sum count_codes over pairs of truth and codes, one a tile: int64 (2, 201)."""
    return sum((count_codes(truth, codes) for truth, codes in tiles), np.zeros((2, STEPS + 1), np.int64))


def count_model(
    model: Predictor,
    sources: Mapping[str, TileSource],
    truths: Mapping[str, np.ndarray],
    contexts: Mapping[str, TileContext],
) -> np.ndarray:
    """Sum count_codes of what a model predicts over all tiles, int64 (2, 201).

    truths: by tile, as read_truth gives them; contexts: the weak map and the segments of tiles, for models that read
    them.
    """
    grids = {tile: read_grid(source.images[0]) for tile, source in sources.items()}
    views = {tile: surround_tile(tile, sources, grids, contexts.get(tile)) for tile in sources}
    return sum_codes((truths[tile], predict_tile(model, view)) for tile, view in views.items())


def count_weak_map(weak: Weak, sources: Mapping[str, TileSource], truths: Mapping[str, np.ndarray]) -> np.ndarray:
    """Sum count_codes of a weak map over all tiles, int64 (2, 201). weak: as load_weak gives it."""
    return sum_codes(
        (truths[tile], read_weak_codes(weak, source, read_grid(source.images[0]))) for tile, source in sources.items()
    )


def tabulate_truth(table: pd.DataFrame, counts: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Tabulate the scores on test labels and those on the whole truth, at both thresholds.

    table: the table of experiments; counts: by experiment, what sum_codes gives of its first run over all tiles.
    Columns: experiment, threshold, threshold_choice, f1_cropland_labels, f1_cropland_truth, precision_truth,
    recall_truth; an experiment without counts has no row.
    """
    target = np.array([False, True])
    rows = []
    for row in table[(table["split"] == "test") & table["experiment"].isin(list(counts))].to_dict("records"):
        histograms = Histograms(target.astype(np.int64), np.array(["", ""]), target, counts[row["experiment"]])
        figures = score_confusion(count_confusion(histograms, row["threshold"]).counts.sum(axis=0))
        choice = {key: row[key] for key in ("experiment", "threshold", "threshold_choice")}
        truth = {name: figures[source] for name, source in FIGURES.items()}
        rows.append(choice | {"f1_cropland_labels": row["f1_cropland"]} | truth)
    return pd.DataFrame(rows)
