"""Ensembles of decision trees: their files, which hold plain arrays, and prediction with them.

Nothing in a file is executed when it is read.
"""

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.tree._tree import NODE_DTYPE, Tree

from cropmine.classes import NODATA, STEPS
from cropmine.errors import CropmineError
from cropmine.features.pixels import FeatureReader, PixelFeatures
from cropmine.files import replacing
from cropmine.geo.grids import measure_pixel, read_grid
from cropmine.inputs.contexts import TileContext
from cropmine.inputs.imagery import read_tile
from cropmine.inputs.neighbours import PixelWindow, tile_windows
from cropmine.inputs.tile_sources import TileSource
from cropmine.inputs.tile_views import Surroundings
from cropmine.training.descriptions import MOST_CHANNELS, Description, check_description

FORMAT = 2
BLOCK_PX = 512
CHUNK_PX = 1 << 17
NODE_KEYS = ("feature", "threshold", "left", "right", "share")
HINT = "delete it to train it again"


class TreesDescription(Description):
    """The imagery and the features of trees; `raster` is the region's raster they were read from, or none."""

    raster: str | None
    features: Annotated[int, Field(ge=1, le=100 * MOST_CHANNELS)]
    neighbourhood_px: tuple[int, ...]
    indices: tuple[str, ...] = ()
    segments: bool = False
    weak_map: bool = False


def read_samples(
    sources: Mapping[str, TileSource],
    contexts: Mapping[str, TileContext],
    places: np.ndarray,
    features: PixelFeatures,
) -> tuple[np.ndarray, np.ndarray]:
    """Read the features of pixels of several tiles.

    places: int (n, 3) of tile, by its place in `sources`, row and column. Gives float32 (n, features) and, bool (n,),
    whether all that the features are made of is valid there.
    """
    found, valid = None, np.zeros(len(places), bool)
    for tile, (name, source) in enumerate(sources.items()):
        here = np.flatnonzero(places[:, 0] == tile)
        if not len(here):
            continue
        reader = FeatureReader(
            features, partial(read_tile, source), read_grid(source.images[0]), contexts.get(name, TileContext())
        )
        blocks = places[here, 1:] // BLOCK_PX
        for row, column in np.unique(blocks, axis=0):
            own = here[(blocks == (row, column)).all(axis=1)]
            window = int(column) * BLOCK_PX, int(row) * BLOCK_PX, BLOCK_PX, BLOCK_PX
            values, known = reader.describe(window)
            if found is None:
                found = np.zeros((len(places), len(values)), np.float32)
            inside = places[own, 1] - window[1], places[own, 2] - window[0]
            found[own], valid[own] = values[:, *inside].T, known[inside]
    return np.zeros((0, 0), np.float32) if found is None else found, valid


def describe_samples(sources: Mapping[str, TileSource], samples: np.ndarray, bands: Sequence[str], dates: int) -> dict:
    """What the file of trees says of the imagery that they were trained on; samples: the features, channels first."""
    seen = samples[:, : next(iter(sources.values())).channels].astype(np.float64)
    return {
        "bands": list(bands),
        "dates": dates,
        "features": samples.shape[1],
        "resolution_m": measure_pixel([read_grid(source.images[0]) for source in sources.values()]),
        "mean": seen.mean(axis=0).tolist(),
        "std": seen.std(axis=0).tolist(),
    }


def list_nodes(model: RandomForestClassifier | ExtraTreesClassifier) -> list[dict[str, np.ndarray]]:
    """The arrays of each fitted tree: feature, threshold, left, right and share, the cropland's share in each node."""
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
class TrainedTrees:
    """Trees that were read, what their file says of them, and the threads that they predict by."""

    trees: list[Tree]
    meta: dict[str, Any]
    threads: int

    @property
    def features(self) -> PixelFeatures:
        """The features that the trees read."""
        return PixelFeatures(
            tuple(self.meta["bands"]),
            tuple(self.meta["neighbourhood_px"]),
            tuple(self.meta.get("indices", ())),
            self.meta.get("segments", False),
            self.meta.get("weak_map", False),
        )

    def predict_strips(self, view: Surroundings, wanted: np.ndarray | None = None) -> Iterator[tuple[int, np.ndarray]]:
        """Predict a tile from top to bottom: the first row of each strip and its probability codes uint8 (rows, w).

        They are 255 where the tile, or the weak map if the trees read it, is invalid and, with `wanted`, bool (h, w),
        wherever that isn't true.
        """
        reader = FeatureReader(self.features, lambda window: view.read(window)[:2], view.grid, view.context)
        with ThreadPoolExecutor(self.threads) as pool:
            for row, windows in groupby(tile_windows(view.grid.shape), key=lambda window: window[1]):
                parts = [self._predict_window(view, reader, window, wanted, pool) for window in windows]
                yield row, np.concatenate(parts, axis=1)

    def _predict_window(
        self,
        view: Surroundings,
        reader: FeatureReader,
        window: PixelWindow,
        wanted: np.ndarray | None,
        pool: ThreadPoolExecutor,
    ) -> np.ndarray:
        left, top, width, height = window
        codes = np.full((height, width), NODATA, np.uint8)
        asked = np.True_ if wanted is None else wanted[top : top + height, left : left + width]
        if asked.any():
            own = asked & view.read(window)[2]
            features, known = reader.describe(window)
            chosen = own & known
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


def write_trees(path: str | Path, trees: list[dict], meta: dict) -> None:
    """Write trees as the arrays of .npz, the same bytes for the same trees.

    meta: plain values, `neighbourhood_px` among them.
    """
    arrays = {key: np.concatenate([tree[key] for tree in trees]) for key in NODE_KEYS}
    ends = np.cumsum([len(tree["left"]) for tree in trees])
    text = np.frombuffer(json.dumps(meta | {"format": FORMAT}, sort_keys=True).encode(), np.uint8)
    with replacing(path) as temporary, temporary.open("wb") as file:
        # The stubs of NumPy take any further name for the flag allow_pickle.
        np.savez_compressed(file, ends=ends, meta=text, **arrays)  # type: ignore[arg-type]


def read_trees(path: str | Path, threads: int) -> TrainedTrees:
    """Read trees that predict by so many threads; nothing in the file is executed.

    Raises CropmineError if it isn't a whole file of trees.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            arrays = {name: content[name] for name in content.files}
        meta = json.loads(arrays.pop("meta").tobytes())
        check_description(path, TreesDescription, meta, HINT)
        parts = zip(*(np.split(arrays[key], arrays["ends"][:-1]) for key in NODE_KEYS), strict=True)
        trees = [_build_tree(dict(zip(NODE_KEYS, part, strict=True)), meta["features"]) for part in parts]
    except FileNotFoundError as error:
        raise CropmineError(path, "no such file", HINT) from error
    except (OSError, ValueError, LookupError, TypeError, EOFError, MemoryError, zipfile.BadZipFile) as error:
        raise CropmineError(path, f"isn't a forest, or is broken: {error}", HINT) from error
    if meta.get("format") != FORMAT or not trees:
        raise CropmineError(path, f"isn't a forest of format {FORMAT}", HINT)
    return TrainedTrees(trees, meta, threads)


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
