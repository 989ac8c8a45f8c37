"""A region of two small tiles that a network can learn."""

import pytest
import torch

from cropmine.training.networks import build_network
from factories.networks import TINY
from factories.tiles import label_boxes, write_tile

BOXES = [(40, 0, 10, 8, 1, "validation"), (40, 8, 10, 8, 0, "validation"), (40, 16, 20, 8, 1, "test")]


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    folder = tmp_path_factory.mktemp("region")
    tiles = {f"t{number}": write_tile(folder, f"t{number}", column=number, seed=number) for number in range(2)}
    return tiles, label_boxes(tiles["t0"][0], BOXES)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return build_network(TINY, 4).eval()
