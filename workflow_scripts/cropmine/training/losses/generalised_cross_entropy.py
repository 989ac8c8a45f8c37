"""Generalised cross entropy (Zhang and Sabuncu 2018, equation 6)."""

import torch
from torch import nn

from cropmine.training.losses.weighting import average_losses


def compute(
    logits: torch.Tensor, target: torch.Tensor, weights: torch.Tensor, classes: torch.Tensor, noise_robustness: float
) -> torch.Tensor:
    """Compute the weighted mean over pixels of (1 - p^q) / q, with p the label's probability, q noise_robustness."""
    cross_entropy = nn.functional.cross_entropy(logits, target, reduction="none")
    losses = (1 - torch.exp(-noise_robustness * cross_entropy)) / noise_robustness
    return average_losses(losses, weights * classes[target])
