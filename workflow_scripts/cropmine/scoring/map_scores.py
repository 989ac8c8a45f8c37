"""Scores of the delivered map, its classes and its probabilities as they are in the files, on the human labels.

Scores on labels of blocks that train are among them: a map that fits these far better has learnt them by heart.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cropmine.classes import CROPLAND, STEPS
from cropmine.geo.grids import read_grid
from cropmine.geo.rasters import read_raster
from cropmine.inputs.label_pieces import TEST, TRAIN, split_of
from cropmine.scoring.calibration import measure_calibration
from cropmine.scoring.metrics import describe_classes
from cropmine.scoring.score_files import HELD_OUT, collect_scores, read_scores

SCORED = (TRAIN, *HELD_OUT)
FOLDED = "With k-fold the model of the map trains on every label, so none is left to score the map itself on."


def score_map(
    tiles: Sequence[str | Path], labels: pd.DataFrame, class_band: int, probability_band: int, every_label: bool
) -> dict[str, Any]:
    """Score the tiles of a map on labels.parquet: the figures of its classes by split, and its calibration.

    class_band, probability_band: bands of the tiles, counted from 1; every_label: all labels test, since none of them
    trained the map. `note` is None.
    """
    grids = {str(path): read_grid(path) for path in tiles}
    splits = np.full(len(labels), TEST) if every_label else split_of(labels, None)
    pieces = collect_scores(labels, splits, grids, _read_band(class_band, classes=True), SCORED)
    scores = {"note": None} | {split: describe_classes(pieces, split) for split in SCORED}
    pieces = collect_scores(labels, splits, grids, _read_band(probability_band, classes=False))
    return scores | {"calibration": measure_calibration(pieces, TEST)}


def _read_band(band: int, classes: bool) -> Callable[[str, np.ndarray], np.ndarray]:
    """The function that reads the codes of a tile; cropland is the highest code where a band holds classes."""

    def read(path: str, _ids: np.ndarray) -> np.ndarray:
        values = read_raster(path)[band - 1]
        return np.where(values == CROPLAND, np.uint8(STEPS), values) if classes else values

    return read


def score_folds(paths: Sequence[str | Path]) -> dict[str, Any]:
    """Describe the map of a k-fold split: no figures but the calibration of the folds' models, and a note that says so.

    paths: the scores files of the folds.
    """
    pieces = [piece for path in paths for piece in read_scores(path)]
    return {"note": FOLDED} | dict.fromkeys(SCORED) | {"calibration": measure_calibration(pieces, TEST)}
