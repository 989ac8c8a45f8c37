import numpy as np
import pytest

from cropmine.errors import CropmineError
from cropmine.features.weak import WeakReader
from cropmine.inputs.contexts import TileContext
from factories.contexts import GRID, SIDE, draw_halves, write_context


def test_the_weak_map_is_described_by_its_neighbourhood_border_and_segment(tmp_path):
    weak, ids = draw_halves()
    reader = WeakReader(GRID, write_context(tmp_path, weak, ids))
    features, valid = reader.describe((0, 0, SIDE, SIDE))
    assert features.shape == (7, SIDE, SIDE) and features.dtype == np.float32 and valid.all()
    own, near, _, _, far, border, share = features
    assert (own == weak).all()
    row = SIDE // 2
    assert near[row, 31] == pytest.approx(2 / 3) and near[row, 32] == pytest.approx(1 / 3)  # 3 pixels of 10 m
    assert 0 < far[row, 45] < far[row, 35] < 1  # 31 pixels
    assert border[row, 31] == pytest.approx(10, rel=0.01) and border[row, 32] == pytest.approx(-10, rel=0.01)
    assert border[row, 2] == 200 and border[row, 60] == -200
    assert share[row, 30] == share[row, 34] == pytest.approx(8 / 12)
    assert share[row, 42] == 0 and share[row, 2] == 1 and share[row, 60] == 0


def test_a_smoothed_map_is_half_its_mean_and_half_its_share_in_the_segment(tmp_path):
    weak, ids = draw_halves()
    reader = WeakReader(GRID, write_context(tmp_path, weak, ids))
    probability, valid = reader.smooth((20, 8, 30, 10), 70)
    assert probability.shape == (10, 30) and valid.all()
    assert probability[5, 11] == pytest.approx((4 / 7 + 8 / 12) / 2)
    assert probability[5, 17] == pytest.approx(0)


def test_invalid_pixels_of_the_weak_map_count_nowhere(tmp_path):
    weak, ids = draw_halves()
    valid = np.ones(weak.shape, bool)
    valid[:, 30:34] = False
    reader = WeakReader(GRID, write_context(tmp_path, weak, ids, valid))
    probability, known = reader.smooth((0, 0, SIDE, SIDE), 30)
    assert (known == valid).all()
    assert probability[20, 29] == pytest.approx((1 + 6 / 8) / 2)


def test_a_window_below_a_pixel_and_a_missing_map_are_refused(tmp_path):
    reader = WeakReader(GRID, write_context(tmp_path, *draw_halves()))
    with pytest.raises(CropmineError, match=r"a window of 5 m is smaller than a pixel of 10 m\. Hint: "):
        reader.smooth((0, 0, 4, 4), 5)
    with pytest.raises(CropmineError, match="the model reads one, and none is given"):
        WeakReader(GRID, TileContext()).describe((0, 0, 4, 4))
