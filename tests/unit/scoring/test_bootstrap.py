"""The bootstrap over label blocks."""

import numpy as np

from cropmine.scoring.bootstrap import draw_blocks


def test_blocks_are_drawn_within_their_class():
    has_cropland = np.array([True] * 3 + [False] * 5)
    times = draw_blocks(has_cropland, 200, np.random.default_rng(0))
    assert (times[:, has_cropland].sum(axis=1) == 3).all()
    assert (times[:, ~has_cropland].sum(axis=1) == 5).all()
