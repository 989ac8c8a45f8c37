"""Extremely randomised trees over pixels (Geurts et al. 2006), which may read segments and the weak map."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import cc3d
import numpy as np
from sklearn.ensemble import ExtraTreesClassifier

from cropmine.classes import CLASS_VALUES, CLASS_WORDS, IGNORE
from cropmine.config.models import ExtraTrees
from cropmine.errors import CropmineError
from cropmine.features.pixels import PixelFeatures
from cropmine.geo.rasters import read_raster
from cropmine.inputs.contexts import TileContext
from cropmine.inputs.tile_sources import TileSource
from cropmine.training.trees import describe_samples, list_nodes, read_samples, read_trees, write_trees

read_model = read_trees


def train_classifier(
    sources: Mapping[str, TileSource],
    targets: Mapping[str, str | Path],
    model: ExtraTrees,
    *,
    contexts: Mapping[str, TileContext] | None = None,
    seed: int,
    bands: list[str],
    dates: int,
    threads: int,
    out_model: str | Path,
) -> None:
    """Train trees on the tiles of `sources` and `targets`, and write them.

    Pixels are drawn evenly from all labelled ones, so that classes keep the shares that they have among the labels.
    With `weigh: labels` each patch of connected labelled pixels of a class counts alike, whatever its size. The trees
    are the same whatever the number of threads. Raises CropmineError if a class has no label.
    """
    features = PixelFeatures(tuple(bands), model.neighbourhood_px, model.indices, model.segments, model.weak_map)
    drawn = draw_pixels([targets[tile] for tile in sources], model.sample_px, model.weigh == "labels", seed)
    samples, valid = read_samples(sources, contexts or {}, drawn.places, features)
    samples, classes, weights = samples[valid], drawn.classes[valid], drawn.weights[valid]
    for name, value in CLASS_VALUES.items():
        if not (classes == value).any():
            what = f"no pixel with all features is labelled {CLASS_WORDS[name]}"
            raise CropmineError("training target", what, "more labels, or a source of labels of this class")
    trees = ExtraTreesClassifier(
        model.trees, min_samples_leaf=model.min_leaf, max_features="sqrt", random_state=seed, n_jobs=threads
    ).fit(samples, classes, weights)
    meta = describe_samples(sources, samples, bands, dates)
    meta |= {"raster": None, "neighbourhood_px": list(model.neighbourhood_px), "indices": list(model.indices)}
    write_trees(out_model, list_nodes(trees), meta | {"segments": model.segments, "weak_map": model.weak_map})


class DrawnPixels:
    """Labelled pixels that were drawn: places int32 (n, 3) of tile, row, column, classes uint8 and weights float64."""

    def __init__(self, places: np.ndarray, classes: np.ndarray, weights: np.ndarray):
        self.places, self.classes, self.weights = places, classes, weights


def draw_pixels(targets: Sequence[str | Path], count: int, by_label: bool, seed: int) -> DrawnPixels:
    """Draw labelled pixels of several tiles evenly, without replacement, `count` or all if there are fewer.

    targets: rasters of targets (band 1 the class); by_label: weigh every patch of connected pixels of a class alike.
    Weights have the mean 1.
    """
    rng = np.random.default_rng(seed)
    layers = [read_raster(path)[0] for path in targets]
    totals = [int(np.count_nonzero(layer != IGNORE)) for layer in layers]
    chosen = np.sort(rng.choice(sum(totals), min(count, sum(totals)), replace=False, shuffle=False))
    parts = np.split(chosen, np.searchsorted(chosen, np.cumsum(totals)[:-1]))
    places, classes, weights = [], [], []
    for tile, (layer, own, before) in enumerate(zip(layers, parts, np.cumsum([0, *totals[:-1]]), strict=True)):
        flat = np.flatnonzero(layer != IGNORE)[own - before]
        rows, columns = np.unravel_index(flat, layer.shape)
        places.append(np.column_stack([np.full(len(flat), tile), rows, columns]).astype(np.int32))
        classes.append(layer[rows, columns])
        weights.append(_weigh_patches(layer)[rows, columns] if by_label else np.ones(len(flat)))
    weight = np.concatenate(weights)
    mean = weight.mean() if len(weight) else 1
    return DrawnPixels(np.concatenate(places), np.concatenate(classes), weight / mean)


def _weigh_patches(layer: np.ndarray) -> np.ndarray:
    """One over the number of pixels of each labelled pixel's patch, float64 (h, w)."""
    patches = cc3d.connected_components(layer.astype(np.int16) - IGNORE, connectivity=4)
    return 1 / np.bincount(patches.ravel())[patches]
