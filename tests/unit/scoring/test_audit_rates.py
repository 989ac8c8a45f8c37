"""Rates of an audit and their intervals."""

import numpy as np
import pandas as pd
import pytest

from cropmine.scoring.audit_rates import bound_shares, estimate_rates


def test_each_label_counts_once_by_label_and_each_pixel_by_pixel():
    pieces = pd.DataFrame({"label": [0, 0, 1, 2], "target": [1, 1, 1, 0], "block": ["a", "b", "c", "d"]})
    hits = np.zeros((2, 4, 1))
    hits[0] = [[10], [0], [30], [5]]
    rates = estimate_rates(hits, np.array([10, 10, 180, 5]), pieces, 0.5)
    assert rates.contamination_by_label.value[0, 0] == pytest.approx((0.5 + 30 / 180) / 2)
    assert rates.contamination_by_pixel.value[0, 0] == pytest.approx(40 / 200)
    assert np.isnan(rates.purity.lo).all()


def test_an_interval_is_no_narrower_than_that_of_independent_labels():
    least, most = bound_shares(np.array([0.0, 0.5, 1.0, np.nan]), np.full(4, 20))
    assert most[0] == pytest.approx(1 - 0.025 ** (1 / 20))
    assert least[2] == pytest.approx(0.025 ** (1 / 20))
    assert least[1] == pytest.approx(1 - most[1])
    assert (least[0], most[2]) == (0, 1)
    assert np.isnan(least[3])
    pieces = pd.DataFrame({"label": range(40), "target": [0, 1] * 20, "block": [f"b{i // 2}" for i in range(40)]})
    hits = np.zeros((2, 40, 1))
    hits[0, ::2] = 1
    purity = estimate_rates(hits, np.ones(40, int), pieces, 0.3).purity
    assert purity.value[0, 0] == purity.hi[0, 0] == 1
    assert purity.lo[0, 0] < 0.95
