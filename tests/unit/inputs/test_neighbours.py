import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cropmine
from cropmine.inputs.neighbours import (
    CORE_PX,
    OVERLAP_PX,
    STEP_PX,
    Location,
    find_neighbours,
    tile_windows,
)

LIBRARY = str(Path(cropmine.__file__).parent.parent)
PIXEL = 30.0
CELL = Location("EPSG:32636", 0.0, 0.0, PIXEL, PIXEL, 2 * STEP_PX, 2 * STEP_PX)


def quilt(side: int, west: float = 15.0, north: float = -15.0, size: int = 2 * STEP_PX) -> dict[str, Location]:
    """Tiles that touch, side by side, their corner at a half pixel as Landsat's is."""
    return {
        f"r{row}c{column}": replace(
            CELL, west=west + column * size * PIXEL, north=north - row * size * PIXEL, width=size, height=size
        )
        for row in range(side)
        for column in range(side)
    }


@given(west=st.floats(-2e7, 2e7), north=st.floats(-2e7, 2e7))
def test_neighbours_of_large_tiles_are_those_that_touch(west, north):
    found = find_neighbours(quilt(3, west, north))
    assert set(found["r1c1"]) == set(quilt(3)) - {"r1c1"}
    assert set(found["r0c0"]) == {"r0c1", "r1c0", "r1c1"}


@given(size=st.integers(20, 1500), west=st.integers(-2000, 2000))
def test_each_tile_sees_those_that_see_it_in_the_same_windows(size, west):
    places = quilt(4, west * PIXEL + 15, 0, size)
    found = find_neighbours(places)
    for tile, others in found.items():
        assert others == [name for name in places if name != tile and places[tile].sees(places[name])]


def test_tiles_that_do_not_touch_or_lie_on_another_grid_are_no_neighbours():
    far = replace(CELL, west=(4 * STEP_PX + OVERLAP_PX) * PIXEL)
    zone = replace(CELL, crs="EPSG:32637", west=2 * STEP_PX * PIXEL)
    coarse = replace(CELL, pixel_width=2 * PIXEL, pixel_height=2 * PIXEL, west=2 * STEP_PX * PIXEL)
    assert find_neighbours({"a": CELL, "far": far, "zone": zone, "coarse": coarse})["a"] == []


@pytest.mark.parametrize("noise", [-1e-6, 1e-6])
def test_rounding_moves_no_corner_of_whole_or_half_pixels(noise):
    for west in (0.0, 15.0, 3e5 + 15.0):
        assert replace(CELL, west=west + noise * PIXEL).corner == replace(CELL, west=west).corner


def test_neighbours_are_found_without_opening_a_raster():
    code = "import sys, cropmine.inputs.neighbours; print({'numpy', 'rasterio', 'pyproj'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": LIBRARY})
    assert run.stdout == "set()\n", run.stderr


@given(height=st.integers(1, 1500), width=st.integers(1, 1500))
def test_windows_cover_each_pixel_once(height, width):
    seen = np.zeros((height, width), np.uint8)
    for left, top, across, down in tile_windows((height, width)):
        assert 0 < across <= CORE_PX
        assert 0 < down <= CORE_PX
        seen[top : top + down, left : left + across] += 1
    assert (seen == 1).all()
