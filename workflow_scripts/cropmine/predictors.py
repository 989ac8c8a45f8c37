"""Trained models of any kind behind one face: what scores a tile and maps it needn't know which it has."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cropmine.errors import CropmineError
from cropmine.imagery import TileSource
from cropmine.windows import Window

if TYPE_CHECKING:
    from torch import nn

    from cropmine.forests import TrainedForest
    from cropmine.models import Normalisation


@dataclass(frozen=True)
class NetworkPredictor:
    """A trained network."""

    network: "nn.Module"
    norm: "Normalisation"
    meta: dict[str, Any]

    def predict(
        self, source: TileSource, shape: tuple[int, int], windows: Sequence[Window], _features: str | None = None
    ) -> np.ndarray:
        """Predict windows of a tile of shape (h, w): probability codes uint8 (h, w), 255 where invalid or not asked."""
        from cropmine.prediction import predict_tile

        return predict_tile(self.network, self.norm, source, shape, windows, self.meta["precision"])


@dataclass(frozen=True)
class ForestPredictor:
    """A trained random forest."""

    forest: "TrainedForest"
    threads: int

    @property
    def meta(self) -> dict[str, Any]:
        return self.forest.meta

    def predict(
        self, source: TileSource, shape: tuple[int, int], windows: Sequence[Window], features: str | None = None
    ) -> np.ndarray:
        """Predict as NetworkPredictor does; `features` is the tile's raster of features that stands for the bands."""
        from cropmine.forests import use_features

        return self.forest.predict(use_features(source, features), shape, windows, self.threads)


def load_predictor(path: str | Path, bands: list[str], dates: int, threads: int) -> NetworkPredictor | ForestPredictor:
    """Read a trained model for imagery of these bands and dates: a checkpoint, weights (.safetensors) or forest (.npz).

    Nothing in the file is executed. Raises CropmineError if it isn't a whole model of cropmine, or was trained on other
    bands or dates.
    """
    if Path(path).suffix == ".npz":
        from cropmine.forests import read_forest

        predictor = ForestPredictor(read_forest(path), threads)
    else:
        import torch

        from cropmine.models import load_checkpoint
        from cropmine.weights import load_weights

        torch.set_num_threads(threads)
        load = load_weights if Path(path).suffix == ".safetensors" else load_checkpoint
        predictor = NetworkPredictor(*load(path))
    _check_imagery(path, predictor.meta, bands, dates)
    return predictor


def _check_imagery(path: str | Path, meta: dict[str, Any], bands: list[str], dates: int) -> None:
    if list(meta["bands"]) != list(bands) or meta["dates"] != dates:
        trained, given = f"{meta['bands']} on {meta['dates']} dates", f"{list(bands)} on {dates}"
        raise CropmineError(path, f"was trained on the bands {trained}, the imagery has {given}")
