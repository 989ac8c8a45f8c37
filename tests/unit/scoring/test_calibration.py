import numpy as np
import pytest

from cropmine.scoring.calibration import measure_calibration
from factories.scores import make_scores, piece


def test_the_brier_score_is_the_mean_squared_difference():
    measured = measure_calibration([piece(1, 1, [200, 100]), piece(2, 0, [100, 0, 20])], "test")
    assert measured["brier"] == pytest.approx((0 + 0.25 + 0.25 + 0 + 0.01) / 5)
    assert (measured["share"], measured["brier_constant"]) == (0.4, pytest.approx(0.24))
    assert measured["brier_lo"] is None


def test_probabilities_that_are_shares_lie_on_the_diagonal():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 201, 40_000)
    cropland = rng.random(len(codes)) < codes / 200
    blocks = rng.integers(0, 20, len(codes))
    pieces = [
        piece(number, target, codes[(blocks == number) & (cropland == target)], block=f"b{number}")
        for number in range(20)
        for target in (0, 1)
    ]
    measured = measure_calibration(pieces, "test")
    assert [row["lo"] for row in measured["bins"]] == [number / 10 for number in range(10)]
    for row in measured["bins"]:
        assert row["share"] == pytest.approx(row["probability"], abs=0.03)
        assert row["share_lo"] <= row["share"] <= row["share_hi"]
    assert sum(row["pixels"] for row in measured["bins"]) == len(codes)


def test_no_labels_no_calibration_and_the_interval_holds_the_score():
    assert measure_calibration([], "test") is None
    measured = measure_calibration(make_scores(40, 12), "test")
    assert measured["brier_lo"] < measured["brier"] < measured["brier_hi"] < measured["brier_constant"]
