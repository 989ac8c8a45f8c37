"""Trained segmentation networks as predictors: reading them and predicting tiles."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from cropmine.inputs.tile_views import Surroundings
from cropmine.training.checkpoints import load_checkpoint, load_weights
from cropmine.training.networks import Normalisation
from cropmine.training.prediction import fold_norms, predict_strips


@dataclass(frozen=True)
class NetworkPredictor:
    """A trained network."""

    network: nn.Module
    norm: Normalisation
    meta: dict[str, Any]

    def predict_strips(self, view: Surroundings, wanted: np.ndarray | None = None) -> Iterator[tuple[int, np.ndarray]]:
        """Predict a tile from top to bottom: the first row of each strip and its probability codes uint8 (rows, w).

        They are 255 where the tile is invalid and, with `wanted`, bool (h, w), wherever that isn't true.
        """
        return predict_strips(self._folded, self.norm, view, self.meta["precision"], wanted)

    @cached_property
    def _folded(self) -> nn.Module:
        """The network as it maps, folded once for all tiles."""
        return fold_norms(self.network.eval())


def read_model(path: str | Path, threads: int) -> NetworkPredictor:
    """Read a network from a checkpoint, or from exported weights (.safetensors), to predict by `threads` CPU threads.

    Raises CropmineError as load_checkpoint and load_weights do.
    """
    torch.set_num_threads(threads)
    load = load_weights if Path(path).suffix == ".safetensors" else load_checkpoint
    return NetworkPredictor(*load(path))
