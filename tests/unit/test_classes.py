"""Codes of pixels: classes and probabilities."""

import numpy as np

from cropmine.classes import encode_probability, threshold_code


def test_a_threshold_is_strict():
    assert [threshold_code(value) for value in (0, 0.5, 0.503, 0.7, 1)] == [0, 100, 100, 140, 200]
    codes = encode_probability(np.array([0.5, 0.505, 1, 0.2]), np.array([True, True, True, False]))
    assert codes.tolist() == [100, 101, 200, 255]
