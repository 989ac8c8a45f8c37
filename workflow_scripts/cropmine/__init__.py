"""Cropland maps at high resolution from few human labels and a noisy global map."""
