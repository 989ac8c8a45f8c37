"""Dice loss (Milletari et al. 2016, with plain sums in the denominator)."""

import torch
from torch import nn

SMOOTHING = 1.0


def compute(logits: torch.Tensor, target: torch.Tensor, weights: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """Compute one less the weighted mean over classes of the overlap of probability and label."""
    probability, truth = logits.softmax(1), nn.functional.one_hot(target, 2).movedim(-1, 1)
    shared, sums = ((weights[:, None] * part).sum((0, 2, 3)) for part in (probability * truth, probability + truth))
    overlap = (2 * shared + SMOOTHING) / (sums + SMOOTHING)
    return 1 - (classes * overlap).sum() / classes.sum().clamp(min=torch.finfo(torch.float32).tiny)
