"""Splits of labels: which blocks train, validate and test, and the order in which labels are drawn.

A block's split depends only on the block and the seed.
"""

import hashlib
import logging
from collections.abc import Iterable, Sequence

import geopandas
import numpy as np
import pandas as pd
import shapely

from cropmine.classes import CLASS_VALUES, CLASS_WORDS
from cropmine.config.regions import Split
from cropmine.errors import CropmineError
from cropmine.inputs.blocks import block_bounds, cut_labels, parse_names
from cropmine.inputs.held_out import cut_training
from cropmine.inputs.label_pieces import (
    HELD_OUT,
    ORIGIN,
    SPLITS,
    SUGGESTED,
    TEST,
    TRAIN,
    VALIDATION,
    find_trainable,
    split_of,
)

log = logging.getLogger(__name__)


def assign_blocks(blocks: Sequence[str] | np.ndarray, split: Split) -> pd.DataFrame:
    """Draw a split or a fold for every block, from its name and the seed alone.

    Returns columns block (str) and split (str, holdout) or fold (int32, kfold), in the order of `blocks`.
    """
    draws = np.array([_draw_uniform(f"{split.seed} {block}".encode()) for block in blocks])
    table = pd.DataFrame({"block": np.asarray(blocks, dtype=object)})
    if split.method == "kfold":
        return table.assign(fold=np.floor(draws * split.folds).astype(np.int32))
    borders = [split.train, split.train + split.validation]
    return table.assign(split=np.array(SPLITS, dtype=object)[np.searchsorted(borders, draws, side="right")])


def _draw_validation(pieces: geopandas.GeoDataFrame, split: Split) -> np.ndarray:
    """Assign train or validation by block to pieces that aren't declared as test."""
    declared = pieces["split"].to_numpy(object)
    trains = dict(zip(names := pd.unique(pieces["block"]), find_training_blocks(names, split), strict=True))
    others = np.array([TRAIN if trains[block] else VALIDATION for block in pieces["block"]], dtype=object)
    return np.where(declared == TEST, TEST, others)


def find_training_blocks(blocks: Sequence[str] | np.ndarray, split: Split) -> np.ndarray:
    """Find the blocks that are drawn to train, bool (n,): with kfold, or a field that states the split of labels, all.

    A method that isn't settled yet, since there are no labels, counts as holdout: that draws blocks by name alone.
    """
    if split.method in ("auto", "holdout"):
        return (assign_blocks(blocks, split)["split"] == TRAIN).to_numpy()
    if split.method == "field" and split.field is None:
        share = split.validation / (split.train + split.validation)
        return np.array([_draw_uniform(f"{split.seed} {block}".encode()) >= share for block in blocks], bool)
    return np.ones(len(blocks), bool)


def rank_labels(labels: geopandas.GeoDataFrame, draws: Iterable[int], seed: int) -> pd.DataFrame:
    """Rank the labels of each class at random, once a draw.

    A rank follows from a hash of seed, draw and the label's outline, so an added label leaves the order of the others
    as it was. Returns one row a label: label and rank_{draw} (int32, from 0 in each class).
    """
    outlines = shapely.transform(np.asarray(labels.geometry, dtype=object), lambda xy: np.round(xy, 7) + 0.0)
    wkb = shapely.to_wkb(shapely.normalize(outlines), byte_order=1)
    table = pd.DataFrame({"label": labels["label"].to_numpy(), "target": labels["target"].to_numpy()})
    for draw in draws:
        table["draw"] = [_draw_uniform(f"{seed} {draw} ".encode() + outline) for outline in wkb]
        ordered = table.sort_values(["draw", "label"])
        table[f"rank_{draw}"] = ordered.groupby("target").cumcount().astype(np.int32)
    return table.drop(columns=["target", "draw"], errors="ignore")


def split_labels(
    labels: geopandas.GeoDataFrame, split: Split, draws: Sequence[int]
) -> tuple[geopandas.GeoDataFrame, pd.DataFrame]:
    """Cut labels into pieces with a block, a split or a fold, and ranks; and list the blocks.

    labels: as read_labels gives them, with its split column if the method is field. Returns the pieces, columns label,
    piece, target, class, block, split (null for kfold), fold (-1 unless kfold), origin (only if any is suggested),
    rank_{draw} (-1 for a label that can't train) and geometry; and the blocks, columns block, split or fold, their
    borders in degrees and their numbers of labels by class. Raises CropmineError where the labels hold a class of which
    none is left to train, and for a suggested label that would validate or test.
    """
    pieces = cut_labels(labels, split.block_m)
    if split.method != "field":
        pieces = pieces.merge(assign_blocks(pd.unique(pieces["block"]), split), on="block", how="left")
    elif split.field is None:
        pieces["split"] = _draw_validation(pieces, split)
    pieces["fold"] = pieces["fold"].astype(np.int32) if "fold" in pieces else np.int32(-1)
    pieces["split"] = (pieces["split"] if "split" in pieces else pd.Series(None, pieces.index, object)).astype("string")
    pieces["class"] = pieces["target"].map({target: name for name, target in CLASS_VALUES.items()})
    origin = [ORIGIN] if ORIGIN in pieces and (pieces[ORIGIN] == SUGGESTED).any() else []
    if origin:
        pieces = _keep_suggested_training(pieces)
    _check_splits(pieces, split)
    ranked = pieces["label"][(pieces["fold"] >= 0) | find_trainable(pieces, pieces["split"].to_numpy(object))]
    ranks = rank_labels(labels[labels["label"].isin(ranked)], draws, split.seed)
    pieces = pieces.merge(ranks, on="label", how="left")
    names = [f"rank_{draw}" for draw in draws]
    pieces[names] = pieces[names].fillna(-1).astype(np.int32)
    order = ["label", "piece", "target", "class", "block", "split", "fold", *origin, *names, "geometry"]
    return pieces[order], _list_blocks(pieces, split)


def _keep_suggested_training(pieces: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    """Drop what of suggested labels reaches into a block that validates or tests; stop at one that is wholly inside.

    Suggested labels are where the map is in doubt: scores on them would say nothing about the rest.
    """
    suggested = (pieces[ORIGIN] == SUGGESTED).to_numpy()
    wrong = suggested & np.isin(pieces["split"].to_numpy(object).astype(str), HELD_OUT)
    lost = set(pieces["label"][wrong]) - set(pieces["label"][suggested & ~wrong])
    if lost:
        first = pieces[wrong & pieces["label"].isin(lost).to_numpy()].iloc[0]
        what = f"{len(lost)} labels of origin suggested are in blocks of the {first['split']} split"
        raise CropmineError("labels", what, f"they only ever train: leave out those of block {first['block']}")
    return pieces[~wrong].reset_index(drop=True)


def _check_splits(pieces: geopandas.GeoDataFrame, split: Split) -> None:
    """Warn of a class that is held out nowhere; stop at one that trains nowhere, its buffers taken off."""
    for fold in range(split.folds) if split.method == "kfold" else [None]:
        splits = split_of(pieces, fold, split.folds)
        here = "the split" if fold is None else f"fold {fold}"
        trains = ~shapely.is_empty(cut_training(pieces, splits, split.buffer_m, split.block_m))
        for name, target in CLASS_VALUES.items():
            own = (pieces["target"] == target).to_numpy()
            if not own.any():
                log.warning("there are no %s labels", name)
                continue
            counts = {part: pieces["label"][own & (splits == part)].nunique() for part in SPLITS}
            clear = pieces["label"][own & trains].nunique()
            log.info("%s, %s labels: %s; %d train beyond the buffer", here, name, counts, clear)
            if not clear:
                hint = "a smaller split.block_m or buffer_m, or another split.seed"
                raise CropmineError("split", f"no {name} label is left to train on in {here}: {counts}", hint)
            for part in HELD_OUT:
                if not counts[part]:
                    log.warning("%s has no %s label for %s", here, name, part)


def _list_blocks(pieces: geopandas.GeoDataFrame, split: Split) -> pd.DataFrame:
    """The table of blocks; a block that mixes splits counts as test, then as validation."""
    grouped = pieces.groupby("block", sort=False)
    table = pd.DataFrame(index=grouped.size().index)
    if split.method == "kfold":
        table["fold"] = grouped["fold"].first()
    else:
        strictest = pieces["split"].map({name: place for place, name in enumerate(SPLITS)}).astype(int)
        table["split"] = strictest.groupby(pieces["block"], sort=False).max().map(dict(enumerate(SPLITS)))
    rows, columns = parse_names(table.index)
    bounds = block_bounds(rows, columns, split.block_m)
    for name, values in zip(("lon_min", "lat_min", "lon_max", "lat_max"), bounds, strict=True):
        table[name] = np.round(values, 9)
    for name in CLASS_WORDS:
        own = pieces[pieces["target"] == CLASS_VALUES[name]]
        table[f"labels_{name}"] = own.groupby("block")["label"].nunique().reindex(table.index, fill_value=0)
    order = np.lexsort((columns, rows))
    return table.iloc[order].rename_axis("block").reset_index()


def _draw_uniform(key: bytes) -> float:
    """A number in [0, 1) that follows from the key alone."""
    return (int.from_bytes(hashlib.sha256(key).digest()[:8], "big") >> 11) / 2**53
