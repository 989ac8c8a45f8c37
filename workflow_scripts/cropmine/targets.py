"""Training targets: human, mined and weak labels of a tile in one raster, with the source of each pixel."""

import numpy as np
import pandas as pd
from rasterio.features import rasterize

from cropmine.grids import Grid
from cropmine.labels import place_on_grid

NONCROPLAND, CROPLAND, IGNORE = 0, 1, 255
HUMAN, MINED, WEAK, RANDOM = 1, 2, 3, 4


def burn_labels(labels: pd.DataFrame, grid: Grid) -> np.ndarray:
    """Burn label polygons into the pixels whose centres they hold.

    labels: columns target and geometry (EPSG:4326). Returns uint8 (h, w): 0 non-cropland, 1 cropland, 255 where there
    is no label or where labels contradict each other.
    """
    positions, polygons = place_on_grid(labels.geometry, grid)
    return _burn_classes(labels["target"].to_numpy()[positions], polygons, grid)


def burn_label_ids(labels: pd.DataFrame, grid: Grid) -> np.ndarray:
    """Burn the positions of label polygons, counted from 1, into the pixels whose centres they hold.

    labels: as for burn_labels. Returns int32 (h, w), 0 where there is no label or where labels contradict each other;
    of overlapping labels of one class the later stays.
    """
    positions, polygons = place_on_grid(labels.geometry, grid)
    classes = _burn_classes(labels["target"].to_numpy()[positions], polygons, grid)
    ids = _burn(polygons, (positions + 1).astype(np.int32), grid, 0, "int32")
    return np.where(classes == IGNORE, np.int32(0), ids)


def compose_target(
    human: np.ndarray, mined: np.ndarray, weak: np.ndarray, closed: np.ndarray, mined_source: int = MINED
) -> tuple[np.ndarray, np.ndarray]:
    """Lay human labels over mined over weak ones and take out all pixels where nothing may train.

    human, mined, weak: uint8 (h, w), 0, 1 or 255; closed: bool (h, w), invalid or held-out pixels. Returns the target
    and its source (0 none, 1 human, `mined_source`, 3 weak), both uint8 (h, w).
    """
    target, source = np.full(human.shape, IGNORE, np.uint8), np.zeros(human.shape, np.uint8)
    for layer, code in ((weak, WEAK), (mined, mined_source), (human, HUMAN)):
        labelled = (layer != IGNORE) & ~closed
        target[labelled], source[labelled] = layer[labelled], code
    return target, source


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


def select_weak(classes: np.ndarray, valid: np.ndarray, names) -> np.ndarray:
    """Keep the weak labels of the named classes (cropland, noncropland).

    classes: uint8 (h, w), 0 or 1; valid: bool (h, w). Returns uint8 (h, w), 255 elsewhere.
    """
    chosen = [code for name, code in (("noncropland", NONCROPLAND), ("cropland", CROPLAND)) if name in names]
    return np.where(valid & np.isin(classes, chosen), classes, IGNORE).astype(np.uint8)


def _burn_classes(targets: np.ndarray, polygons: np.ndarray, grid: Grid) -> np.ndarray:
    burnt = np.full(grid.shape, IGNORE, np.uint8)
    is_cropland, is_other = (
        _burn(polygons[targets == cls], np.ones(np.count_nonzero(targets == cls), np.uint8), grid, 0, "uint8") == 1
        for cls in (CROPLAND, NONCROPLAND)
    )
    burnt[is_cropland & ~is_other] = CROPLAND
    burnt[is_other & ~is_cropland] = NONCROPLAND
    return burnt


def _burn(polygons: np.ndarray, values: np.ndarray, grid: Grid, fill: int, dtype: str) -> np.ndarray:
    if not len(polygons):
        return np.full(grid.shape, fill, dtype)
    shapes = zip(polygons, values.tolist(), strict=True)
    return rasterize(shapes, out_shape=grid.shape, transform=grid.transform, fill=fill, dtype=dtype)
