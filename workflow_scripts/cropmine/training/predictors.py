"""Trained models of any kind behind one face: what scores a tile and maps it needn't know which it has."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cropmine.errors import CropmineError
from cropmine.inputs.imagery import TileSource
from cropmine.inputs.tile_views import Surroundings

if TYPE_CHECKING:
    from torch import nn

    from cropmine.training.forests import TrainedForest
    from cropmine.training.networks import Normalisation


@dataclass(frozen=True)
class NetworkPredictor:
    """A trained network."""

    network: "nn.Module"
    norm: "Normalisation"
    meta: dict[str, Any]

    def predict_strips(self, view: Surroundings, wanted: np.ndarray | None = None) -> Iterator[tuple[int, np.ndarray]]:
        """Predict a tile from top to bottom: the first row of each strip and its probability codes uint8 (rows, w).

        They are 255 where the tile is invalid and, with `wanted`, bool (h, w), wherever that isn't true.
        """
        from cropmine.training.prediction import predict_strips

        return predict_strips(self._folded, self.norm, view, self.meta["precision"], wanted)

    @cached_property
    def _folded(self) -> "nn.Module":
        """The network as it maps, folded once for all tiles."""
        from cropmine.training.prediction import fold_norms

        return fold_norms(self.network.eval())


@dataclass(frozen=True)
class ForestPredictor:
    """A trained random forest."""

    forest: "TrainedForest"
    threads: int

    @property
    def meta(self) -> dict[str, Any]:
        return self.forest.meta

    def predict_strips(self, view: Surroundings, wanted: np.ndarray | None = None) -> Iterator[tuple[int, np.ndarray]]:
        """Predict as NetworkPredictor does."""
        return self.forest.predict_strips(view, self.threads, wanted)


Predictor = NetworkPredictor | ForestPredictor


def predict_tile(model: Predictor, view: Surroundings, wanted: np.ndarray | None = None) -> np.ndarray:
    """Predict a tile whole: codes uint8 (h, w), as predict_strips gives them in parts."""
    return np.concatenate([codes for _, codes in model.predict_strips(view, wanted)])


def use_rasters(sources: Mapping[str, TileSource], rasters: Sequence[str]) -> dict[str, TileSource]:
    """Put rasters of features, one a tile in the same order, in the place of imagery; without any it is left as it is.

    Raises CropmineError if a raster isn't on the imagery's grid.
    """
    if not rasters:
        return dict(sources)
    from cropmine.training.forests import use_features

    named = zip(sources.items(), rasters, strict=True)
    return {tile: use_features(source, raster) for (tile, source), raster in named}


def load_predictor(path: str | Path, bands: list[str], dates: int, threads: int) -> Predictor:
    """Read a trained model for imagery of these bands and dates: a checkpoint, weights (.safetensors) or forest (.npz).

    Nothing in the file is executed. Raises CropmineError if it isn't a whole model of cropmine, or was trained on other
    bands or dates.
    """
    if Path(path).suffix == ".npz":
        from cropmine.training.forests import read_forest

        predictor = ForestPredictor(read_forest(path), threads)
    else:
        import torch

        from cropmine.training.checkpoints import load_checkpoint, load_weights

        torch.set_num_threads(threads)
        load = load_weights if Path(path).suffix == ".safetensors" else load_checkpoint
        predictor = NetworkPredictor(*load(path))
    _check_imagery(path, predictor.meta, bands, dates)
    return predictor


def _check_imagery(path: str | Path, meta: dict[str, Any], bands: list[str], dates: int) -> None:
    if list(meta["bands"]) != list(bands) or meta["dates"] != dates:
        trained, given = f"{meta['bands']} on {meta['dates']} dates", f"{list(bands)} on {dates}"
        raise CropmineError(path, f"was trained on the bands {trained}, the imagery has {given}")
