"""Cropland maps at high resolution from few human labels and a noisy global map."""

__version__ = "0.1.0"
