"""Losses over labelled pixels, each pixel weighed by its class and by the source of its label."""

import numpy as np
import torch
from torch import nn

from cropmine.classes import CROPLAND, HUMAN, IGNORE, MINED, NONCROPLAND, RANDOM, WEAK
from cropmine.config.experiments import Model

SOURCES = {"human": HUMAN, "mined": MINED, "weak": WEAK, "random": RANDOM}
DICE_SMOOTHING = 1.0


def encode_labels(target: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Join targets and their sources, uint8 of any shape, as label codes: 2 source + class, 255 where not labelled."""
    return np.where(target == IGNORE, np.uint8(IGNORE), source * np.uint8(2) + (target & np.uint8(1)))


def decode_classes(labels: np.ndarray) -> np.ndarray:
    """The targets of label codes, uint8: 0 non-cropland, 1 cropland, 255 where not labelled."""
    return np.where(labels == IGNORE, np.uint8(IGNORE), labels & np.uint8(1))


def compute_loss(logits: torch.Tensor, labels: torch.Tensor, model: Model) -> torch.Tensor:
    """The loss of a model's settings over labelled pixels; 0, with a gradient, where none is labelled.

    logits: (n, 2, h, w); labels: label codes uint8 (n, h, w). A pixel weighs by `source_weights` and `class_weights`;
    "balanced" lets both classes weigh the same in a batch. Cross entropy and generalised cross entropy (Zhang and
    Sabuncu 2018, equation 6) are weighted means over pixels; Dice is one less the weighted mean over classes of the
    overlap of probability and label (Milletari et al. 2016, with plain sums in the denominator).
    """
    labelled = labels != IGNORE
    target = torch.where(labelled, labels & 1, 0).long()
    weights = _weigh_sources(labels, labelled, model)
    classes = _weigh_classes(target, weights, model)
    logits = logits.float()
    if model.loss == "dice":
        return _compute_dice(logits, target, weights, classes)
    weights = weights * classes[target]
    cross_entropy = nn.functional.cross_entropy(logits, target, reduction="none")
    if model.loss == "generalised_cross_entropy":
        losses = (1 - torch.exp(-model.noise_robustness * cross_entropy)) / model.noise_robustness
    else:
        losses = cross_entropy
    return (weights * losses).sum() / weights.sum().clamp(min=torch.finfo(torch.float32).tiny)


def _weigh_sources(labels: torch.Tensor, labelled: torch.Tensor, model: Model) -> torch.Tensor:
    """Float32 (n, h, w), 0 where not labelled."""
    table = torch.zeros(IGNORE + 1, device=labels.device)
    for name, source in SOURCES.items():
        table[2 * source : 2 * source + 2] = getattr(model.source_weights, name)
    return torch.where(labelled, table[labels.int()], 0.0)


def _weigh_classes(target: torch.Tensor, weights: torch.Tensor, model: Model) -> torch.Tensor:
    """Float32 (2,): of non-cropland and of cropland."""
    if model.class_weights == "none":
        return weights.new_ones(2)
    if model.class_weights == "balanced":
        sums = torch.stack([(weights * (target == cls)).sum() for cls in (NONCROPLAND, CROPLAND)])
        return torch.where(sums > 0, sums.sum() / (2 * sums), 0.0)
    given = model.class_weights
    return weights.new_tensor([given.noncropland, given.cropland])


def _compute_dice(
    logits: torch.Tensor, target: torch.Tensor, weights: torch.Tensor, classes: torch.Tensor
) -> torch.Tensor:
    probability, truth = logits.softmax(1), nn.functional.one_hot(target, 2).movedim(-1, 1)
    shared, sums = ((weights[:, None] * part).sum((0, 2, 3)) for part in (probability * truth, probability + truth))
    overlap = (2 * shared + DICE_SMOOTHING) / (sums + DICE_SMOOTHING)
    return 1 - (classes * overlap).sum() / classes.sum().clamp(min=torch.finfo(torch.float32).tiny)
