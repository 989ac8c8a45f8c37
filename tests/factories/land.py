"""Simulated land in four bands, and lines across it."""

import numpy as np
from PIL import Image

SIDE = 256


ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE].astype(np.float32)


UPRIGHT, LYING, OBLIQUE = COLUMNS > 128, ROWS > 100, COLUMNS + 0.4 * ROWS > 180


def make_land(seed=0, level=1500.0):
    """Land in four bands, (4, 256, 256): hills of all sizes and fields, bands much alike, noise."""
    rng = np.random.default_rng(seed)
    land = np.zeros((SIDE, SIDE), np.float32)
    for cells in (4, 16, 64):
        small = Image.fromarray(rng.normal(0, 0.12, (cells, cells)).astype(np.float32))
        land += np.asarray(small.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    for left, top, width, height in np.column_stack([rng.integers(0, SIDE, (150, 2)), rng.integers(5, 25, (150, 2))]):
        land[top : top + height, left : left + width] += rng.normal(0, 0.15)
    bands = [land * factor + rng.normal(0, 0.03, land.shape) for factor in (0.8, 1.0, 1.2, -0.5)]
    return (level * np.exp(np.stack(bands))).astype(np.float32)
