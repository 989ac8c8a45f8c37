"""Pieces of labels, cut at the borders of blocks: their file, and which of them train, validate or test in a run."""

import math
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from cropmine.classes import CLASS_VALUES
from cropmine.errors import REMAKE, CropmineError
from cropmine.files import replacing
from cropmine.geo.grids import CRS_LONLAT

SPLITS = TRAIN, VALIDATION, TEST = "train", "validation", "test"
HELD_OUT = VALIDATION, TEST
UNUSED = "unused"
ORIGIN, DRAWN, SUGGESTED = "origin", "drawn", "suggested"


def write_pieces(path: str | Path, pieces: geopandas.GeoDataFrame) -> None:
    """Write the pieces that split_labels gives as GeoParquet, the same bytes for the same pieces."""
    with replacing(path) as temporary:
        pieces.to_parquet(temporary, index=False, compression="zstd")


def read_pieces(path: str | Path) -> geopandas.GeoDataFrame:
    """Read the pieces of labels.parquet, as split_labels gives them.

    Raises CropmineError if the file doesn't hold them. As geopandas.read_parquet, but without the search of PROJ's
    database (20 ms) for a CRS that is known.
    """
    try:
        table = pq.read_table(path, partitioning=None)
        geometry = shapely.from_wkb(table["geometry"].to_numpy())
    except (pa.ArrowInvalid, KeyError) as error:
        raise CropmineError(path, f"holds no labels ({error})", REMAKE) from error
    return geopandas.GeoDataFrame(table.drop_columns("geometry").to_pandas(), geometry=geometry, crs=CRS_LONLAT)


def split_of(labels: pd.DataFrame, fold: int | None, folds: int | None = None) -> np.ndarray:
    """Find what every piece of labels.parquet does in a run: train, validation or test.

    In a run of k-fold, the blocks of `fold` test, those of the next fold validate and the others train; without a fold
    all train, as for the map. Suggested labels of the former blocks are "unused". Returns an object array of str.
    Raises CropmineError if the fold and the labels don't go together.
    """
    folded = len(labels) and (labels["fold"] >= 0).any()
    if fold is None and folded:
        return np.full(len(labels), TRAIN, object)
    if (fold is not None and not folded) or (fold is not None and not 0 <= fold < (folds or 0)):
        what = f"were not split for fold {fold} of {folds}"
        raise CropmineError("labels", what, "a run has a fold if the split is kfold")
    if fold is None:
        return labels["split"].to_numpy(object)
    steps = (labels["fold"].to_numpy() - fold) % folds
    parts = np.where(steps == 0, TEST, np.where(steps == 1, VALIDATION, TRAIN)).astype(object)
    if ORIGIN in labels:
        parts[(labels[ORIGIN] == SUGGESTED).to_numpy() & (parts != TRAIN)] = UNUSED
    return parts


def select_split(labels: pd.DataFrame, fold: int | None, folds: int | None, part: str) -> pd.DataFrame:
    """Select the pieces of labels.parquet that train, validate or test (`part`) in a run, as split_of tells them."""
    return labels[split_of(labels, fold, folds) == part]


def draw_labels(labels: pd.DataFrame, splits: np.ndarray, fraction: float, draw: int) -> np.ndarray:
    """Choose the pieces that train: a fraction of the training labels of each class, at least one unless it is 0.

    splits: as split_of gives them. A greater fraction of the same draw holds all of a lesser one. Returns a bool array.
    """
    trainable = find_trainable(labels, splits)
    targets, ranks = labels["target"].to_numpy(), labels[f"rank_{draw}"].to_numpy()
    drawn = np.zeros(len(labels), dtype=bool)
    for target in CLASS_VALUES.values():
        own = trainable & (targets == target)
        order = np.unique(ranks[own])
        count = math.ceil(round(fraction * len(order), 6))  # 0.1 of 30 is 3, not 3.0000000000000004
        drawn |= own & np.isin(ranks, order[:count])
    return drawn


def find_trainable(labels: pd.DataFrame, splits: np.ndarray) -> np.ndarray:
    """Find the training pieces outside held-out blocks, bool (n,): only a field of splits puts others into them."""
    held_out = labels["block"].isin(find_held_out(labels, splits)).to_numpy()
    return (splits.astype(str) == TRAIN) & ~held_out


def find_held_out(labels: pd.DataFrame, splits: np.ndarray) -> np.ndarray:
    """Find the names of the blocks that hold a validation or test label, str (n,)."""
    return np.asarray(labels["block"][np.isin(splits.astype(str), HELD_OUT)].unique(), dtype=object)
