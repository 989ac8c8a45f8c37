"""Weights of labelled pixels by class and by the source of their labels, and the loss that is computed with them.

The losses are in cropmine/training/losses/, their settings in cropmine/config/models.py. The module of a loss defines
`compute`; `LossModule` says what it does.
"""

from importlib import import_module
from typing import Any, Protocol, cast

import numpy as np
import torch

from cropmine.classes import CROPLAND, HUMAN, IGNORE, MINED, NONCROPLAND, RANDOM, WEAK
from cropmine.config.models import Loss, Network

SOURCES = {"human": HUMAN, "mined": MINED, "weak": WEAK, "random": RANDOM}


class LossModule(Protocol):
    """What the module of a loss defines."""

    def compute(
        self, logits: torch.Tensor, target: torch.Tensor, weights: torch.Tensor, classes: torch.Tensor, **settings: Any
    ) -> torch.Tensor:
        """Compute the loss of a batch, a scalar with a gradient, 0 where all weights are 0.

        logits: float32 (n, 2, h, w); target: 0 or 1, int64 (n, h, w); weights: of pixels by the source of their label,
        float32 (n, h, w), 0 where not labelled; classes: weights of both classes, float32 (2,); settings: those of the
        loss, by name.
        """


def load_loss(loss: Loss) -> LossModule:
    """Import the module that implements a loss."""
    return cast(LossModule, import_module(loss.module))


def encode_labels(target: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Join targets and their sources, uint8 of any shape, as label codes: 2 source + class, 255 where not labelled."""
    return np.where(target == IGNORE, np.uint8(IGNORE), source * np.uint8(2) + (target & np.uint8(1)))


def compute_loss(logits: torch.Tensor, labels: torch.Tensor, model: Network) -> torch.Tensor:
    """Compute the loss of a model's settings over labelled pixels; 0, with a gradient, where none is labelled.

    logits: (n, 2, h, w); labels: label codes uint8 (n, h, w). A pixel weighs by `source_weights` and `class_weights`;
    "balanced" lets both classes weigh the same in a batch.
    """
    labelled = labels != IGNORE
    target = torch.where(labelled, labels & 1, 0).long()
    weights = _weigh_sources(labels, labelled, model)
    classes = _weigh_classes(target, weights, model)
    settings = {key: value for key, value in model.loss if key != "method"}
    return load_loss(model.loss).compute(logits.float(), target, weights, classes, **settings)


def average_losses(losses: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Average the losses of pixels by their weights, both (n, h, w); 0 if these are all 0."""
    return (weights * losses).sum() / weights.sum().clamp(min=torch.finfo(torch.float32).tiny)


def _weigh_sources(labels: torch.Tensor, labelled: torch.Tensor, model: Network) -> torch.Tensor:
    """Float32 (n, h, w), 0 where not labelled."""
    table = torch.zeros(IGNORE + 1, device=labels.device)
    for name, source in SOURCES.items():
        table[2 * source : 2 * source + 2] = getattr(model.source_weights, name)
    return torch.where(labelled, table[labels.int()], 0.0)


def _weigh_classes(target: torch.Tensor, weights: torch.Tensor, model: Network) -> torch.Tensor:
    """Float32 (2,): of non-cropland and of cropland."""
    if model.class_weights == "none":
        return weights.new_ones(2)
    if model.class_weights == "balanced":
        sums = torch.stack([(weights * (target == cls)).sum() for cls in (NONCROPLAND, CROPLAND)])
        return torch.where(sums > 0, sums.sum() / (2 * sums), 0.0)
    given = model.class_weights
    return weights.new_tensor([given.noncropland, given.cropland])
