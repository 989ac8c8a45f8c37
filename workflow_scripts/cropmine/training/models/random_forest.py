"""Random forests over pixels and their neighbourhoods (Breiman 2001): the baseline that networks have to beat."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from cropmine.classes import CROPLAND, NONCROPLAND
from cropmine.config.models import RandomForest
from cropmine.features.pixels import PixelFeatures
from cropmine.inputs.contexts import TileContext
from cropmine.inputs.tile_sources import TileSource
from cropmine.training.patches import index_labels
from cropmine.training.trees import describe_samples, list_nodes, read_samples, read_trees, write_trees

read_model = read_trees


def draw_samples(
    sources: Mapping[str, TileSource],
    targets: Mapping[str, str | Path],
    contexts: Mapping[str, TileContext],
    forest: RandomForest,
    features: PixelFeatures,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw labelled pixels of both classes: features float32 (n, features) and classes uint8 (n,).

    Each class has up to `forest.sample_px` pixels, in equal shares by source of label as far as they go. Raises
    CropmineError if a class has no label.
    """
    rng = np.random.default_rng(seed)
    strata = index_labels([str(targets[tile]) for tile in sources], rng, forest.sample_px)
    drawn, classes = [], []
    for cls in (NONCROPLAND, CROPLAND):
        own = [found for (_, other), found in sorted(strata.items()) if other == cls]
        share = -(-forest.sample_px // len(own))
        for found in own:
            drawn.append(found[np.sort(rng.permutation(len(found))[:share])])
            classes.append(np.full(len(drawn[-1]), cls, np.uint8))
    samples, _ = read_samples(sources, contexts, np.concatenate(drawn), features)
    return samples, np.concatenate(classes)


def train_classifier(
    sources: Mapping[str, TileSource],
    targets: Mapping[str, str | Path],
    model: RandomForest,
    *,
    contexts: Mapping[str, TileContext] | None = None,
    seed: int,
    bands: list[str],
    dates: int,
    threads: int,
    out_model: str | Path,
) -> None:
    """Train a forest on the tiles of `sources`, as use_rasters gives them, and `targets`, and write it.

    Both classes weigh alike, and the trees are the same whatever the number of threads. Raises CropmineError if a class
    has no label.
    """
    features = PixelFeatures(tuple(bands), model.neighbourhood_px)
    samples, classes = draw_samples(sources, targets, contexts or {}, model, features, seed)
    forest = RandomForestClassifier(
        model.trees,
        max_depth=model.max_depth,
        min_samples_leaf=model.min_leaf,
        class_weight="balanced",
        random_state=seed,
        n_jobs=threads,
    ).fit(samples, classes)
    meta = describe_samples(sources, samples, bands, dates)
    meta |= {"raster": model.features, "neighbourhood_px": list(model.neighbourhood_px)}
    write_trees(out_model, list_nodes(forest), meta)
