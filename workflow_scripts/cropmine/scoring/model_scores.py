"""Scores of a trained model on labels: it predicts the windows that hold them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cropmine.geo.grids import read_grid
from cropmine.inputs.contexts import TileContext
from cropmine.inputs.tile_sources import TileSource
from cropmine.inputs.tile_views import surround_tile
from cropmine.scoring.score_files import collect_scores
from cropmine.training.predictors import Predictor, predict_tile


def score_model(
    model: Predictor,
    sources: Mapping[str, TileSource],
    labels: pd.DataFrame,
    splits: np.ndarray,
    scored: Sequence[str],
    contexts: Mapping[str, TileContext] | None = None,
) -> list[dict[str, Any]]:
    """Score a model on the pieces of labels.parquet that some splits name; gives the pieces of a scores file.

    sources: the tiles that labels are on, with their neighbours; splits: as split_of gives them, of which `scored`
    count; contexts: the weak map and the segments of tiles, for models that read them. Raises CropmineError as reading
    the imagery does.
    """
    known = contexts or {}
    grids = {tile: read_grid(source.images[0]) for tile, source in sources.items()}

    def predict(tile: str, ids: np.ndarray) -> np.ndarray:
        return predict_tile(model, surround_tile(tile, sources, grids, known.get(tile)), ids > 0)

    return collect_scores(labels, splits, grids, predict, scored)
