"""Random forests over pixels and their neighbourhoods (Breiman 2001): the baseline that networks have to beat.

A trained forest is kept as plain arrays: nothing in its file is executed when it is read.
"""

import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree._tree import NODE_DTYPE, Tree

from cropmine.classes import CROPLAND, NODATA, NONCROPLAND, STEPS
from cropmine.config.models import RandomForest
from cropmine.errors import CropmineError
from cropmine.files import replacing
from cropmine.geo.grids import measure_pixel, read_grid
from cropmine.inputs.imagery import read_tile
from cropmine.inputs.neighbours import PixelWindow, tile_windows
from cropmine.inputs.tile_sources import TileSource
from cropmine.inputs.tile_views import Surroundings
from cropmine.training.descriptions import MOST_CHANNELS, Description, check_description
from cropmine.training.patches import index_labels

FORMAT = 2
BLOCK_PX = 512
CHUNK_PX = 1 << 17
NODE_KEYS = ("feature", "threshold", "left", "right", "share")
HINT = "it is made by train_forest; delete it to train it again"
Read = Callable[[PixelWindow], tuple[np.ndarray, np.ndarray]]


class ForestDescription(Description):
    """The imagery and the features of a forest; `raster` is the region's raster they were read from, or none."""

    raster: str | None
    features: Annotated[int, Field(ge=1, le=100 * MOST_CHANNELS)]
    neighbourhood_px: tuple[int, ...]


def compute_features(read: Read, window: PixelWindow, windows_px: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Compute what a forest sees of a window (column, row, width, height), which may leave the tile.

    read: gives pixels (channels, h, w) and validity bool (h, w) of any window. Returns features float32 (n, h, w): the
    channels, then for each odd side of a neighbourhood the mean and the standard deviation of each channel over its
    valid pixels; and validity, bool (h, w). Values under the mask change nothing.
    """
    column, row, width, height = window
    reach = max(windows_px, default=1) // 2
    pixels, valid = read((column - reach, row - reach, width + 2 * reach, height + 2 * reach))
    pixels = pixels.astype(np.float64)
    inner = np.s_[..., reach : reach + height, reach : reach + width]
    layers = [pixels[inner]]
    for size in windows_px:
        cut = reach - size // 2
        around = np.s_[..., cut : cut + height + size - 1, cut : cut + width + size - 1]
        count = np.maximum(_sum_boxes(valid[around].astype(np.float64), size), 1)
        mean = _sum_boxes(pixels[around], size) / count
        squares = _sum_boxes(np.square(pixels[around]), size) / count
        layers += [mean, np.sqrt(np.maximum(squares - np.square(mean), 0))]
    return np.concatenate(layers).astype(np.float32), valid[inner]


def _sum_boxes(values: np.ndarray, size: int) -> np.ndarray:
    """Sums over all squares of a side within the array, exact for whole numbers under 2**53."""
    sums = np.pad(values.cumsum(-1).cumsum(-2), [(0, 0)] * (values.ndim - 2) + [(1, 0), (1, 0)])
    return sums[..., size:, size:] - sums[..., :-size, size:] - sums[..., size:, :-size] + sums[..., :-size, :-size]


def draw_samples(
    sources: Mapping[str, TileSource], targets: Mapping[str, str | Path], forest: RandomForest, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw labelled pixels of both classes: features float32 (n, features) and classes uint8 (n,).

    Each class has up to `forest.sample_px` pixels, in equal shares by source of label as far as they go. Raises
    CropmineError if a class has no label.
    """
    rng = np.random.default_rng(seed)
    strata = index_labels([str(targets[tile]) for tile in sources], rng, forest.sample_px)
    found_places, found_classes = [], []
    for cls in (NONCROPLAND, CROPLAND):
        own = [found for (_, other), found in sorted(strata.items()) if other == cls]
        share = -(-forest.sample_px // len(own))
        for found in own:
            found_places.append(found[np.sort(rng.permutation(len(found))[:share])])
            found_classes.append(np.full(len(found_places[-1]), cls, np.uint8))
    places, classes = np.concatenate(found_places), np.concatenate(found_classes)
    features: np.ndarray | None = None
    for tile, source in enumerate(sources.values()):
        for rows, values in _read_places(source, places, tile, forest):
            features = np.zeros((len(places), values.shape[1]), np.float32) if features is None else features
            features[rows] = values
    if features is None:
        raise ValueError("no labelled pixel lies on a tile")
    return features, classes


def _read_places(
    source: TileSource, places: np.ndarray, tile: int, forest: RandomForest
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows of `places` on a tile and their features, block by block."""
    here = np.flatnonzero(places[:, 0] == tile)
    blocks = places[here, 1:] // BLOCK_PX
    for row, column in np.unique(blocks, axis=0):
        own = here[(blocks == (row, column)).all(axis=1)]
        window = int(column) * BLOCK_PX, int(row) * BLOCK_PX, BLOCK_PX, BLOCK_PX
        values, _ = compute_features(partial(read_tile, source), window, forest.neighbourhood_px)
        yield own, values[:, places[own, 1] - window[1], places[own, 2] - window[0]].T


def fit_forest(features: np.ndarray, classes: np.ndarray, forest: RandomForest, seed: int, threads: int) -> list[dict]:
    """Fit a forest, both classes weighted alike; the same trees whatever the number of threads.

    Gives the arrays of each tree: feature, threshold, left, right and share, the cropland's share in each node.
    """
    model = RandomForestClassifier(
        forest.trees,
        max_depth=forest.max_depth,
        min_samples_leaf=forest.min_leaf,
        class_weight="balanced",
        random_state=seed,
        n_jobs=threads,
    ).fit(features, classes)
    trees = []
    for estimator in model.estimators_:
        tree = estimator.tree_
        shares = tree.value[:, 0, :] / tree.value[:, 0, :].sum(axis=1, keepdims=True)
        trees.append(
            {
                "feature": tree.feature.astype(np.int32),
                "threshold": tree.threshold,
                "left": tree.children_left.astype(np.int32),
                "right": tree.children_right.astype(np.int32),
                "share": shares[:, 1],
            }
        )
    return trees


@dataclass(frozen=True)
class TrainedForest:
    """A forest that was read: its trees, what its file says of it, and the threads that it predicts by."""

    trees: list[Tree]
    meta: dict
    threads: int

    def predict_strips(self, view: Surroundings, wanted: np.ndarray | None = None) -> Iterator[tuple[int, np.ndarray]]:
        """Predict a tile from top to bottom: the first row of each strip and its probability codes uint8 (rows, w).

        They are 255 where the tile is invalid and, with `wanted`, bool (h, w), wherever that isn't true.
        """
        with ThreadPoolExecutor(self.threads) as pool:
            for row, windows in groupby(tile_windows(view.grid.shape), key=lambda window: window[1]):
                parts = [self._predict_window(view, window, wanted, pool) for window in windows]
                yield row, np.concatenate(parts, axis=1)

    def _predict_window(
        self, view: Surroundings, window: PixelWindow, wanted: np.ndarray | None, pool: ThreadPoolExecutor
    ) -> np.ndarray:
        left, top, width, height = window
        codes = np.full((height, width), NODATA, np.uint8)
        asked = np.True_ if wanted is None else wanted[top : top + height, left : left + width]
        if asked.any():
            chosen = asked & view.read(window)[2]
            features, _ = compute_features(lambda around: view.read(around)[:2], window, self.meta["neighbourhood_px"])
            codes[chosen] = self._predict_pixels(features[:, chosen].T, pool)
        return codes

    def _predict_pixels(self, pixels: np.ndarray, pool: ThreadPoolExecutor) -> np.ndarray:
        codes = np.empty(len(pixels), np.uint8)
        for start in range(0, len(pixels), CHUNK_PX):
            chunk = np.ascontiguousarray(pixels[start : start + CHUNK_PX])
            total = np.zeros(len(chunk))
            for share in pool.map(lambda tree, seen=chunk: tree.predict(seen)[:, 0], self.trees):
                total += share
            codes[start : start + CHUNK_PX] = np.rint(total / len(self.trees) * STEPS)
        return codes


def train_classifier(
    sources: Mapping[str, TileSource],
    targets: Mapping[str, str | Path],
    model: RandomForest,
    *,
    seed: int,
    bands: list[str],
    dates: int,
    threads: int,
    out_model: str | Path,
) -> None:
    """Train a forest on the tiles of `sources`, as use_rasters gives them, and `targets`, and write it.

    Raises CropmineError if a class has no label.
    """
    features, classes = draw_samples(sources, targets, model, seed)
    trees = fit_forest(features, classes, model, seed, threads)
    meta = {"bands": list(bands), "dates": dates, "raster": model.features, "features": features.shape[1]}
    meta["resolution_m"] = measure_pixel([read_grid(source.images[0]) for source in sources.values()])
    seen = features[:, : next(iter(sources.values())).channels].astype(np.float64)
    meta |= {"mean": seen.mean(axis=0).tolist(), "std": seen.std(axis=0).tolist()}
    write_forest(out_model, trees, meta | {"neighbourhood_px": list(model.neighbourhood_px)})


def write_forest(path: str | Path, trees: list[dict], meta: dict) -> None:
    """Write a forest as .npz, the same bytes for the same forest. meta: plain values, `neighbourhood_px` among them."""
    arrays = {key: np.concatenate([tree[key] for tree in trees]) for key in NODE_KEYS}
    ends = np.cumsum([len(tree["left"]) for tree in trees])
    text = np.frombuffer(json.dumps(meta | {"format": FORMAT}, sort_keys=True).encode(), np.uint8)
    with replacing(path) as temporary, temporary.open("wb") as file:
        # The stubs of NumPy take any further name for the flag allow_pickle.
        np.savez_compressed(file, ends=ends, meta=text, **arrays)  # type: ignore[arg-type]


def read_model(path: str | Path, threads: int) -> TrainedForest:
    """Read a forest that predicts by `threads` threads; nothing in the file is executed.

    Raises CropmineError if it isn't a whole forest of cropmine.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            arrays = {name: content[name] for name in content.files}
        meta = json.loads(arrays.pop("meta").tobytes())
        check_description(path, ForestDescription, meta, HINT)
        parts = zip(*(np.split(arrays[key], arrays["ends"][:-1]) for key in NODE_KEYS), strict=True)
        trees = [_build_tree(dict(zip(NODE_KEYS, part, strict=True)), meta["features"]) for part in parts]
    except FileNotFoundError as error:
        raise CropmineError(path, "no such file", HINT) from error
    except (OSError, ValueError, LookupError, TypeError, EOFError, MemoryError, zipfile.BadZipFile) as error:
        raise CropmineError(path, f"isn't a forest, or is broken: {error}", HINT) from error
    if meta.get("format") != FORMAT or not trees:
        raise CropmineError(path, f"isn't a forest of format {FORMAT}", HINT)
    return TrainedForest(trees, meta, threads)


def _build_tree(arrays: dict[str, np.ndarray], features: int) -> Tree:
    """A tree of scikit-learn, whose prediction trusts its indices; so these are checked first."""
    feature, threshold, left, right, share = (arrays[key] for key in NODE_KEYS)
    leaf = left == -1
    children, parents = np.concatenate([left[~leaf], right[~leaf]]), np.tile(np.flatnonzero(~leaf), 2)
    sound = len(left) and (right[leaf] == -1).all() and (children > parents).all() and (children < len(left)).all()
    used = feature[~leaf]
    if not (sound and (used >= 0).all() and (used < features).all() and np.isfinite(share).all()):
        raise ValueError("the nodes of a tree don't make a tree")
    nodes = np.zeros(len(left), NODE_DTYPE)
    nodes["left_child"], nodes["right_child"], nodes["feature"], nodes["threshold"] = left, right, feature, threshold
    values = np.ascontiguousarray(share, np.float64).reshape(-1, 1, 1)
    tree = Tree(features, np.array([1], np.intp), 1)
    tree.__setstate__({"max_depth": len(left), "node_count": len(left), "nodes": nodes, "values": values})
    return tree
