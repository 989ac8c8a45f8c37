"""Rates of weak labels: purity, contamination and recall, with intervals over blocks."""

import numpy as np
import pandas as pd
import pytest

from cropmine.geo.areas import pixel_areas
from cropmine.scoring.audit_rates import bound_shares, estimate_rates
from factories.audits import GRID, draw_truth, find_row, make_pieces, omit_labels, run_audit


def test_purity_is_that_of_a_case_worked_by_hand(tmp_path):
    truth = draw_truth()
    pieces = make_pieces(truth)
    table, summary = run_audit(tmp_path, omit_labels(truth, pieces, 15), pieces)
    row = find_row(table, source="mined", **{"class": "noncropland", "threshold": 0.2})
    assert row["contamination_by_label"] == row["contamination_by_pixel"] == 0.25
    assert row["recall"] == 1
    assert row["purity"] == pytest.approx(0.7 / (0.7 + 0.3 * 0.25), abs=1e-6)
    assert row["purity_lo"] < row["purity"] < row["purity_hi"]
    assert (row["labels"], row["other_labels"], row["other_blocks"]) == (60, 60, summary["blocks"]["cropland"])
    cropland = find_row(table, source="mined", **{"class": "cropland", "threshold": 0.8})
    assert cropland["recall"] == 0.75
    assert cropland["purity"] == 1
    assert cropland["coverage"] == pytest.approx(1 - row["coverage"])
    assert cropland["coverage_ha"] + row["coverage_ha"] == pytest.approx(pixel_areas(GRID).mean() * 256**2 / 1e4, 1e-4)
    assert summary["weak_map"]["omission_by_label"]["value"] == summary["weak_map"]["omitted_whole"]["value"] == 0.25


def test_each_label_counts_once_by_label_and_each_pixel_by_pixel():
    pieces = pd.DataFrame({"label": [0, 0, 1, 2], "target": [1, 1, 1, 0], "block": ["a", "b", "c", "d"]})
    hits = np.zeros((2, 4, 1))
    hits[0] = [[10], [0], [30], [5]]
    values = estimate_rates(hits, np.array([10, 10, 180, 5]), pieces, 0.5).values
    assert values["contamination_by_label"][0, 0] == pytest.approx((0.5 + 30 / 180) / 2)
    assert values["contamination_by_pixel"][0, 0] == pytest.approx(40 / 200)
    assert np.isnan(values["purity_lo"]).all()


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
    values = estimate_rates(hits, np.ones(40, int), pieces, 0.3).values
    assert values["purity"][0, 0] == values["purity_hi"][0, 0] == 1
    assert values["purity_lo"][0, 0] < 0.95
