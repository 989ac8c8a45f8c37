import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tilefactory import write_tile
from torch import nn

import cropmine
from cropmine.codes import NODATA, encode_probability, threshold_code
from cropmine.imagery import read_tile
from cropmine.models import Normalisation
from cropmine.prediction import predict_tile, predict_windows
from cropmine.windows import CORE_PX, tile_windows

LIBRARY = str(Path(cropmine.__file__).parent.parent)
NORM = Normalisation(np.array([700.0, 1700.0]), np.array([900.0, 1100.0]))


class Neighbourhood(nn.Module):
    """A network that sees 16 px around a pixel, less than the halo."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.network = nn.Sequential(nn.Conv2d(2, 4, 17, padding=8), nn.ReLU(), nn.Conv2d(4, 2, 17, padding=8))

    def forward(self, pixels):
        return self.network(pixels) * 5


@pytest.fixture(scope="module")
def tile(tmp_path_factory):
    grid, source, *_ = write_tile(tmp_path_factory.mktemp("tile"), "t", size=300, nodata_columns=20)
    return grid, source


@given(height=st.integers(1, 1500), width=st.integers(1, 1500))
def test_windows_cover_each_pixel_once(height, width):
    seen = np.zeros((height, width), np.uint8)
    for left, top, across, down in tile_windows((height, width)):
        assert 0 < across <= CORE_PX
        assert 0 < down <= CORE_PX
        seen[top : top + down, left : left + across] += 1
    assert (seen == 1).all()


def test_no_seam_shows_where_windows_meet(tile):
    grid, source = tile
    network = Neighbourhood()
    windows = tile_windows(grid.shape)
    assert len(windows) == 4
    codes = predict_tile(network, NORM, source, grid.shape, windows)
    pixels, valid = read_tile(source)
    with torch.inference_mode():
        logits = network(torch.from_numpy(NORM.apply(pixels, valid))[None])[0]
    whole = encode_probability(torch.sigmoid(logits[1] - logits[0]).numpy(), valid)
    inner = np.s_[32:-32, 32:-32]
    assert np.abs(codes[inner].astype(int) - whole[inner]).max() <= 1
    assert (codes == whole)[inner].mean() > 0.999
    np.testing.assert_array_equal(codes == NODATA, ~valid)


def test_a_window_has_the_same_codes_whichever_others_are_asked_for(tile):
    grid, source = tile
    windows = tile_windows(grid.shape)
    together = dict(predict_windows(Neighbourhood(), NORM, source, grid.shape, windows))
    for window in windows:
        ((_, alone),) = predict_windows(Neighbourhood(), NORM, source, grid.shape, [window])
        np.testing.assert_array_equal(alone, together[window])


def test_windows_without_a_valid_pixel_need_no_network(tmp_path):
    grid, source, *_ = write_tile(tmp_path, "t", size=40, nodata_columns=40)
    assert (predict_tile(nn.Identity(), NORM, source, grid.shape, tile_windows(grid.shape)) == NODATA).all()


@pytest.mark.parametrize("size", [1, 2, 5])
def test_the_smallest_tiles_are_predicted(size, tmp_path):
    grid, source, *_ = write_tile(tmp_path, "t", size=size)
    codes = predict_tile(Neighbourhood(), NORM, source, grid.shape, tile_windows(grid.shape))
    assert codes.shape == (size, size)
    assert (codes <= 200).all()


def test_a_threshold_is_strict():
    assert [threshold_code(value) for value in (0, 0.5, 0.503, 0.7, 1)] == [0, 100, 100, 140, 200]
    codes = encode_probability(np.array([0.5, 0.505, 1, 0.2]), np.array([True, True, True, False]))
    assert codes.tolist() == [100, 101, 200, 255]


def test_scoring_and_mapping_import_no_trainer():
    code = "import sys, cropmine.prediction, cropmine.scores, cropmine.maps; print('pytorch_lightning' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": LIBRARY})
    assert run.stdout == "False\n", run.stderr
