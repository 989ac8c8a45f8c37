"""A tile is read together with the neighbours around it."""

import numpy as np
import pytest

from cropmine.inputs.imagery import read_tile
from cropmine.inputs.tile_views import surround_tile
from factories.tiles import write_tile


@pytest.fixture
def sources(tmp_path):
    """Two tiles of 64 px side by side."""
    return {name: write_tile(tmp_path, name, column=column, seed=column)[1] for column, name in enumerate("ab")}


def test_beyond_its_edge_a_tile_shows_its_neighbour_and_beyond_all_tiles_nothing(sources):
    pixels, valid, own = surround_tile("a", sources).read((-8, 40, 144, 32))
    (left, _), (right, _) = read_tile(sources["a"]), read_tile(sources["b"])
    np.testing.assert_array_equal(pixels[:, :24, 8:136], np.concatenate([left, right], axis=2)[:, 40:])
    inside = np.zeros((32, 144), bool)
    inside[:24, 8:136] = True
    np.testing.assert_array_equal(valid, inside)
    assert not pixels[:, ~inside].any()
    np.testing.assert_array_equal(own, inside & (np.arange(144) < 72))


def test_windows_read_together_are_as_each_alone(sources):
    view = surround_tile("b", sources)
    windows = [(-20, 0, 40, 40), (0, 0, 64, 64), (-10, 20, 30, 30)]
    for together, window in zip(view.read_many(windows), windows, strict=True):
        for one, other in zip(together, view.read(window), strict=True):
            np.testing.assert_array_equal(one, other)


def test_panes_are_the_same_on_the_ground_whichever_tile_asks_for_them(sources):
    found = []
    for name, shift in (("a", 0), ("b", 64)):
        panes = [pane for _, line in surround_tile(name, sources).lay_panes() for pane in line]
        windows = [np.add(pane.window, (shift, 0, 0, 0)).tolist() for pane in panes]
        places = [(pane.column + shift, pane.row) for pane in panes]
        found.append(dict(zip(places, zip(windows, (pane.margins for pane in panes), strict=True), strict=True)))
    shared = found[0].keys() & found[1].keys()
    assert shared
    assert all(found[0][place] == found[1][place] for place in shared)
