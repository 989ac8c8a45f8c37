"""Trained models of any kind behind one interface: what scores or maps a tile needn't know which kind it has.

The kinds are in cropmine/training/models/, their settings in cropmine/config/models.py. The module of a kind defines
`read_model`, and `train_classifier` unless it is a network; `ModelModule` says what these do.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from cropmine.config.models import Model, find_kind_of_file
from cropmine.inputs.contexts import TileContext
from cropmine.inputs.tile_sources import TileSource
from cropmine.inputs.tile_views import Surroundings
from cropmine.training.descriptions import check_imagery


class Predictor(Protocol):
    """A trained model. `meta` is what its file says of it, as Description has it."""

    @property
    def meta(self) -> dict[str, Any]: ...

    def predict_strips(self, view: Surroundings, wanted: np.ndarray | None = None) -> Iterator[tuple[int, np.ndarray]]:
        """Predict a tile from top to bottom: the first row of each strip and its probability codes uint8 (rows, w).

        They are 255 where the tile is invalid and, with `wanted`, bool (h, w), wherever that isn't true.
        """


class ModelModule(Protocol):
    """What the module of a kind of model defines."""

    def read_model(self, path: str | Path, threads: int) -> Predictor:
        """Read a trained model that predicts by `threads` CPU threads; nothing in the file is executed.

        Raises CropmineError if it isn't a whole model of this kind.
        """

    def train_classifier(
        self,
        sources: Mapping[str, TileSource],
        targets: Mapping[str, str | Path],
        model: Any,
        *,
        contexts: Mapping[str, TileContext],
        seed: int,
        bands: list[str],
        dates: int,
        threads: int,
        out_model: str | Path,
    ) -> None:
        """Train a model on tiles, by name, and their targets, and write it, the same bytes for the same seed.

        model: its settings; contexts: the weak map and the segments of tiles, for models that read them; threads:
        of the CPU, which change nothing. Raises CropmineError if a class has no label.
        """


def load_kind(kind: type[Model]) -> ModelModule:
    """Import the module that implements a kind of model."""
    return cast(ModelModule, import_module(kind.module))


def load_predictor(path: str | Path, bands: list[str], dates: int, threads: int) -> Predictor:
    """Read a trained model for imagery of these bands and dates; the suffix of its file says of which kind it is.

    Nothing in the file is executed. Raises CropmineError if it isn't a whole model of cropmine, or was trained on other
    bands or dates.
    """
    predictor = load_kind(find_kind_of_file(path)).read_model(path, threads)
    check_imagery(path, predictor.meta, bands, dates)
    return predictor


def predict_tile(model: Predictor, view: Surroundings, wanted: np.ndarray | None = None) -> np.ndarray:
    """Predict a tile whole: codes uint8 (h, w), as predict_strips gives them in parts."""
    return np.concatenate([codes for _, codes in model.predict_strips(view, wanted)])
