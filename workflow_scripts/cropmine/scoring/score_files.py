"""Scores files: how often each probability code occurs over the labelled pixels of each held-out piece."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cropmine.classes import STEPS
from cropmine.errors import REMAKE, CropmineError
from cropmine.files import write_text
from cropmine.geo.grids import Grid
from cropmine.inputs.label_rasters import burn_label_ids
from cropmine.tables import read_json

FORMAT = 1
HELD_OUT = ("validation", "test")


def histogram_pieces(ids: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count how often each code occurs in each piece.

    ids: int32 (h, w), 0 where there is no piece; codes: uint8 (h, w), left out where above 200. Returns id, code and
    count of what occurs, each int64 (n,), sorted by id and code.
    """
    counted = (ids > 0) & (codes <= STEPS)
    pairs, counts = np.unique(ids[counted].astype(np.int64) * 256 + codes[counted], return_counts=True)
    return pairs // 256, pairs % 256, counts.astype(np.int64)


def collect_scores(
    labels: pd.DataFrame,
    splits: np.ndarray,
    grids: Mapping[str, Grid],
    read_codes: Callable[[str, np.ndarray], np.ndarray],
    scored: Sequence[str] = HELD_OUT,
) -> list[dict]:
    """Score the held-out pieces of labels.parquet on all tiles.

    splits: as splits.split_of gives them, of which those named by `scored` count; read_codes(tile, ids) gives the codes
    uint8 (h, w) of a tile, which matter where ids, int32 (h, w), isn't 0; tiles without a held-out piece aren't read.
    Returns the pieces of a scores file, in the order of the labels; those without a valid pixel are left out. Where
    tiles overlap, their common pixels count once for each tile.
    """
    chosen = np.isin(splits.astype(str), scored)
    held_out = labels[chosen]
    table = np.zeros((len(held_out), STEPS + 1), np.int64)
    for tile, grid in grids.items():
        ids = burn_label_ids(held_out, grid)
        if ids.any():
            rows, codes, counts = histogram_pieces(ids, read_codes(tile, ids))
            table[rows - 1, codes] += counts
    named = zip(held_out["label"], held_out["block"], held_out["target"], splits[chosen], strict=True)
    return [
        {
            "label": int(label),
            "block": str(block),
            "target": int(target),
            "split": str(split),
            "pixels": int(counts.sum()),
            "codes": np.flatnonzero(counts).tolist(),
            "counts": counts[counts > 0].tolist(),
        }
        for (label, block, target, split), counts in zip(named, table, strict=True)
        if counts.any()
    ]


def write_scores(path: str | Path, pieces: list[dict]) -> None:
    """Write the pieces that collect_scores gives as JSON."""
    write_text(path, json.dumps({"format": FORMAT, "pieces": pieces}, separators=(",", ":")))


def read_scores(path: str | Path) -> list[dict]:
    """Read the pieces of a scores file. Raises CropmineError if it isn't one."""
    try:
        content = read_json(path)
    except (OSError, ValueError) as error:
        raise CropmineError(path, f"can't be read as scores: {error}", REMAKE) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT or "pieces" not in content:
        raise CropmineError(path, "isn't a scores file of this format", REMAKE)
    return content["pieces"]
