"""Settings of experiments."""

import pytest

from factories.configs import read, refuse


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan"), "much", [0.8]])
def test_a_threshold_outside_0_to_1_is_refused(threshold):
    text = refuse(read(experiments__mined__mined__cropland=threshold))
    assert text.startswith("experiments.mined.mined.cropland: must be ")
    assert "Hint: a segment with a higher weak fraction is cropland." in text


@pytest.mark.parametrize("cropland, noncropland", [(0.2, 0.8), (0.5, 0.5)])
def test_the_cropland_threshold_must_be_above_the_noncropland_threshold(cropland, noncropland):
    text = refuse(read(experiments__mined__mined={"cropland": cropland, "noncropland": noncropland}))
    assert text.startswith("experiments.mined.mined: the cropland threshold must be above the noncropland threshold.")
