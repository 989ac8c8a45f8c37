"""Training targets: human, mined and weak labels of a tile in one raster, with the source of each pixel."""

from collections.abc import Collection, Sequence

import numpy as np

from cropmine.classes import CLASS_VALUES, CROPLAND, HUMAN, IGNORE, NONCROPLAND

CLOSED, OPEN, HUMAN_ONLY = 0, 1, 2
STRIP_ROWS = 64


def mask_training(valid: np.ndarray, ordinary: np.ndarray, held_out: np.ndarray) -> np.ndarray:
    """Find where labels may train, from masks bool (h, w): uint8 (h, w).

    CLOSED where the imagery is invalid or in a held-out block, HUMAN_ONLY where an area or an exclusion keeps mined
    and weak labels away, else OPEN.
    """
    return np.where(valid & ~held_out, np.where(ordinary, np.uint8(OPEN), np.uint8(HUMAN_ONLY)), np.uint8(CLOSED))


def compose_target(layers: Sequence[tuple[np.ndarray, int]], mask: np.ndarray) -> np.ndarray:
    """Lay labels over each other, each layer over those before it, and take out all pixels where they may not train.

    layers: labels uint8 (h, w), 0, 1 or 255, each with the code of its source (1 human, 2 mined, 3 weak, 4 random);
    mask: as mask_training gives it. Returns the target and its source, 0 where there is none, uint8 (2, h, w).
    """
    bands = np.empty((2, *mask.shape), np.uint8)
    for start in range(0, len(mask), STRIP_ROWS):
        rows = np.s_[start : start + STRIP_ROWS]
        _compose_strip([(layer[rows], source) for layer, source in layers], mask[rows], bands[:, rows])
    return bands


def _compose_strip(layers: list[tuple[np.ndarray, int]], mask: np.ndarray, bands: np.ndarray) -> None:
    bands[0], bands[1] = IGNORE, 0
    for position, (layer, source) in enumerate(layers):
        barred = (mask == CLOSED) if source == HUMAN else (mask != OPEN)
        allowed = layer | -barred.view(np.uint8)  # IGNORE has all bits set
        labelled = allowed != IGNORE
        if position == 0:
            bands[0] = allowed
            np.multiply(labelled.view(np.uint8), np.uint8(source), out=bands[1])
        elif labelled.any():
            bands[0][labelled] = allowed[labelled]
            bands[1][labelled] = source


def look_up(lut: np.ndarray, ids: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Look up the label of each pixel's segment: uint8 (n + 1,) and uint32 (h, w) to uint8 (h, w).

    As `lut[ids]`, but quicker, in strips that stay in the cache. Raises IndexError for an id beyond the table.
    """
    labels = np.empty(ids.shape, np.uint8) if out is None else out
    for start in range(0, len(ids), STRIP_ROWS):
        rows = np.s_[start : start + STRIP_ROWS]
        if ids[rows].max() >= len(lut):
            raise IndexError(f"segment {ids[rows].max()} isn't among the {len(lut) - 1} of the table")
        np.take(lut, ids[rows], mode="clip", out=labels[rows])
    return labels


def draw_random_like(mined: np.ndarray, allowed: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw as many random pixels as were mined of each class, and call them that class: the control of mining.

    mined: uint8 (h, w), 0, 1 or 255; allowed: bool (h, w), the pixels that can be drawn; mined pixels beyond them don't
    count. Returns uint8 (h, w).
    """
    counts = [np.count_nonzero((mined == cls) & allowed) for cls in (NONCROPLAND, CROPLAND)]
    drawn = rng.choice(np.flatnonzero(allowed), size=sum(counts), replace=False)
    labels = np.full(mined.shape, IGNORE, np.uint8)
    labels.flat[drawn] = np.repeat(np.array([NONCROPLAND, CROPLAND], np.uint8), counts)
    return labels


def select_weak(classes: np.ndarray, valid: np.ndarray, names: Collection[str]) -> np.ndarray:
    """Keep the weak labels of the named classes (cropland, noncropland).

    classes: uint8 (h, w), 0 or 1; valid: bool (h, w). Returns uint8 (h, w), 255 elsewhere.
    """
    chosen = [CLASS_VALUES[name] for name in names]
    return np.where(valid & np.isin(classes, chosen), classes, IGNORE).astype(np.uint8)
