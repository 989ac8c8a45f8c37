"""Registration: a weak map that was moved comes back, and one that is aligned or can't be judged stays."""

import json

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from scipy import ndimage

from cropmine.errors import CropmineError
from cropmine.geo.grids import Grid
from cropmine.inputs.weak_maps import read_shift
from cropmine.mining.registration import (
    measure_surfaces,
    pool_surfaces,
    read_surfaces,
    write_registration,
    write_surfaces,
)
from cropmine.mining.segments import label_segments
from factories.surfaces import make_surfaces

PIXEL_M, WEAK_PX, TILE_PX, TILES, MARGIN_PX = 5, 4, 112, 2, 16
WEAK_M = PIXEL_M * WEAK_PX


def make_grid(column, row):
    corner = 500_000 + column * TILE_PX * PIXEL_M, 100_000 - row * TILE_PX * PIXEL_M
    return Grid(CRS.from_epsg(32636), Affine(PIXEL_M, 0, corner[0], 0, -PIXEL_M, corner[1]), TILE_PX, TILE_PX)


def make_landscape(seed, shift_px=(0, 0), wrong=0.1):
    """Tiles of segments by name, and the reader of a coarse map moved by pixels (east, south), a share of it wrong."""
    rng = np.random.default_rng(seed)
    side = TILES * TILE_PX + 2 * MARGIN_PX

    def draw(sigma):
        noise = ndimage.gaussian_filter(rng.standard_normal((side, side)), sigma, mode="wrap")
        return noise / noise.std()

    fields = draw(7) > 0.3
    parts = (1 + fields + 2 * (draw(5) > 0)).astype(np.uint8)
    blobs = draw(8)
    seen = np.roll(fields ^ (blobs > np.quantile(blobs, 1 - wrong)), (shift_px[1], shift_px[0]), (0, 1))
    weak = seen.reshape(side // WEAK_PX, WEAK_PX, -1, WEAK_PX).mean(axis=(1, 3)) > 0.5
    fine = np.repeat(np.repeat(weak, WEAK_PX, 0), WEAK_PX, 1).astype(np.uint8)
    origin = make_grid(0, 0)

    def read_weak(grid):
        left, top = (~origin.transform) @ (grid.transform.c, grid.transform.f)
        rows, columns = (
            np.arange(size) + round(start) + MARGIN_PX for size, start in ((grid.height, top), (grid.width, left))
        )
        inside = np.isin(rows, np.arange(side))[:, None] & np.isin(columns, np.arange(side))
        return fine[np.ix_(rows % side, columns % side)] * inside, inside

    tiles = {}
    for row in range(TILES):
        for column in range(TILES):
            cut = np.s_[MARGIN_PX + row * TILE_PX :, MARGIN_PX + column * TILE_PX :]
            part = parts[cut][:TILE_PX, :TILE_PX]
            tiles[f"r{row}c{column}"] = (
                label_segments(part, np.full((1, 1), 25.0), 200, None)[0],
                make_grid(column, row),
            )
    return tiles, read_weak


def register(seed, shift_px=(0, 0), **options):
    tiles, read_weak = make_landscape(seed, shift_px, **options)
    names = list(tiles)
    measured = {}
    for place, name in enumerate(names):
        other = tiles[names[(place + 1) % len(names)]][1]
        measured[name] = measure_surfaces(*tiles[name], read_weak, [other], WEAK_M)
    return pool_surfaces(measured)


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.integers(-5, 5), st.integers(-5, 5))
def test_a_map_that_was_moved_comes_back_or_stays_but_is_never_moved_elsewhere(seed, east_px, south_px):
    found = register(seed, (east_px, south_px))
    best = np.array([found["best_east"] + east_px * PIXEL_M, found["best_north"] - south_px * PIXEL_M])
    if found["applied"]:
        assert np.hypot(*best) <= 0.5 * WEAK_M


@pytest.mark.parametrize("shift_px", [(4, -3), (-5, 2), (3, 5), (-4, -4)])
def test_a_clear_shift_is_found_to_half_a_weak_pixel_and_applied(shift_px):
    applied = 0
    for seed in range(5):
        found = register(seed, shift_px)
        applied += found["applied"]
        if found["applied"]:
            assert found["east"] == pytest.approx(-shift_px[0] * PIXEL_M, abs=0.5 * WEAK_M)
            assert found["north"] == pytest.approx(shift_px[1] * PIXEL_M, abs=0.5 * WEAK_M)
    assert applied >= 4


@pytest.mark.slow
def test_a_map_that_lies_right_is_left_alone_in_95_of_100_landscapes():
    moved = [seed for seed in range(100) if register(seed, wrong=0.3)["applied"]]
    assert len(moved) <= 5


def test_maps_that_are_half_wrong_are_never_moved_for_nothing():
    assert not any(register(seed, wrong=0.5)["applied"] for seed in range(20))


def test_a_shift_is_pooled_from_all_tiles_and_rounded_to_a_quarter_of_a_pixel():
    found = pool_surfaces({name: make_surfaces((2, -1), seed=seed) for seed, name in enumerate("abc")})
    assert found["applied"] and found["reason"] is None
    assert (found["east"], found["north"]) == (pytest.approx(-10, abs=1.25), pytest.approx(20, abs=1.25))
    assert found["east"] % 1.25 == found["north"] % 1.25 == 0
    assert found["peak"] > max(found["null_peaks"].values())


@pytest.mark.parametrize(
    ("tiles", "reason"),
    [
        ({"a": make_surfaces((4, 0)), "b": make_surfaces((4, 0))}, "edge of the window"),
        ({"a": make_surfaces((2, 0)), "b": make_surfaces((-1, 0))}, "two halves disagree"),
        ({"a": make_surfaces((0, 0)), "b": make_surfaces((0, 0))}, "the map is already aligned"),
        (
            {"a": make_surfaces((2, 0), noise=20, nulls=50.0), "b": make_surfaces((2, 0), noise=20, nulls=50.0)},
            "doesn't exceed",
        ),
        ({"a": make_surfaces((2, 0), cells=1)}, "no two halves"),
    ],
)
def test_a_doubtful_shift_is_none_and_the_reason_is_told(tiles, reason):
    found = pool_surfaces(tiles)
    assert (found["east"], found["north"], found["applied"]) == (0, 0, False)
    assert reason in found["reason"]


def test_a_tile_without_segments_or_without_weak_pixels_moves_nothing():
    tiles, read_weak = make_landscape(0)
    ids, grid = tiles["r0c0"]
    empty = measure_surfaces(np.zeros_like(ids), grid, read_weak, [], WEAK_M)
    beyond = measure_surfaces(ids, grid.window(10_000, 0, TILE_PX, TILE_PX), read_weak, [], WEAK_M)
    found = pool_surfaces({"empty": empty, "beyond": beyond})
    assert not found["applied"] and "no segment" in found["reason"]


def test_probabilities_are_registered_as_classes_are():
    tiles, read_weak = make_landscape(1, (4, -3))
    ids, grid = tiles["r0c0"]

    def read_probability(part):
        values, valid = read_weak(part)
        return values.astype(np.float32), valid

    classes, probabilities = (measure_surfaces(ids, grid, read, [], WEAK_M) for read in (read_weak, read_probability))
    np.testing.assert_allclose(classes.unanimity, probabilities.unanimity)


def test_files_of_shifts_are_read_back_the_same_to_the_byte_and_damaged_ones_named(tmp_path):
    surfaces = make_surfaces()
    for name in ("a.npz", "b.npz"):
        write_surfaces(tmp_path / name, surfaces)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    again = read_surfaces(tmp_path / "a.npz")
    np.testing.assert_array_equal(again.unanimity, surfaces.unanimity)
    assert again.maps == surfaces.maps and again.step_m == surfaces.step_m
    result = pool_surfaces({"a": surfaces, "b": surfaces})
    write_registration(tmp_path / "w.json", tmp_path / "w.surfaces.json", result)
    assert json.loads((tmp_path / "w.json").read_text()) == {"east": result["east"], "north": result["north"]}
    assert read_shift(tmp_path / "w.json") == (result["east"], result["north"])
    (tmp_path / "w.json").write_text("{}")
    (tmp_path / "a.npz").write_text("no")
    for read, name in ((read_shift, "w.json"), (read_surfaces, "a.npz")):
        with pytest.raises(CropmineError, match=name):
            read(tmp_path / name)
