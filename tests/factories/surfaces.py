"""Correlation of a weak map with imagery at every shift of a window."""

import numpy as np

from cropmine.mining.registration import Surfaces


def make_surfaces(peak=(1, 0), cells=4, noise=0.0, seed=0, nulls=0.0):
    """Surfaces of one tile with a smooth peak so many steps to the north and east, and nulls of noise."""
    rng = np.random.default_rng(seed)
    north, east = np.indices((9, 9)) - 4
    hill = np.exp(-((north - peak[0]) ** 2 + (east - peak[1]) ** 2) / 3)
    real = np.array([100 + 10 * hill + noise * rng.standard_normal((9, 9)) for _ in range(cells)])
    maps = ("map", "rotated", "mirrored", "flipped")
    others = [100 + 10 * nulls * hill + rng.standard_normal((cells, 9, 9)) for _ in maps[1:]]
    return Surfaces((10.0, 10.0), 20.0, 5.0, maps, np.array([real, *others]))
