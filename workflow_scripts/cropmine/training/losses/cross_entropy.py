"""Cross entropy."""

import torch
from torch import nn

from cropmine.training.losses.weighting import average_losses


def compute(logits: torch.Tensor, target: torch.Tensor, weights: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """Compute the weighted mean of cross entropy over pixels."""
    losses = nn.functional.cross_entropy(logits, target, reduction="none")
    return average_losses(losses, weights * classes[target])
