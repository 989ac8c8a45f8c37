import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cropmine.errors import CropmineError
from cropmine.geo.rasters import write_raster
from cropmine.training.patches import (
    LabelledTile,
    PatchBatches,
    PatchReader,
    index_labels,
    measure_normalisation,
    schedule_strata,
    turn_patches,
)
from factories.tiles import make_grid, write_tile


def is_labelled(codes, cls):
    """Where label codes are of a class."""
    return (codes != 255) & (codes & 1 == cls)


@pytest.fixture(scope="module")
def tiles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiles")
    made = [
        write_tile(folder, f"t{number}", size, number, number, (1, 2), nodata)
        for number, size, nodata in ((0, 64, 0), (1, 48, 5))
    ]
    return [LabelledTile(source, target) for _, source, target, _ in made]


@pytest.fixture(scope="module")
def batches(tiles):
    reader = PatchReader(tiles)
    strata = index_labels([tile.target for tile in tiles], np.random.default_rng(0))
    return PatchBatches(reader, strata, measure_normalisation(reader), batch_size=8, patch_px=32, seed=3)


@given(
    column=st.integers(-80, 80), row=st.integers(-80, 80), width=st.integers(1, 70), height=st.integers(1, 70),
    tile=st.integers(0, 1),
)  # fmt: skip
def test_a_window_is_the_same_from_memory_and_from_the_files(tiles, column, row, width, height, tile):
    memory, files = PatchReader(tiles), PatchReader(tiles, in_memory_bytes=0)
    cuts = [reader.cut(tile, (column, row, width, height)) for reader in (memory, files)]
    for one, other in zip(*cuts, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype
    pixels, valid, target = cuts[0]
    assert pixels.shape == (2, height, width)
    assert (target[~valid] == 255).all()
    assert (pixels[:, ~valid] == 0).all()


def test_labels_are_drawn_of_every_source_and_class_in_proportion_to_the_tiles(tiles):
    paths = [tile.target for tile in tiles]
    strata = index_labels(paths, np.random.default_rng(0), per_stratum=100)
    assert set(strata) == {(source, cls) for source in (1, 2) for cls in (0, 1)}
    reader = PatchReader(tiles)
    for (_, cls), places in strata.items():
        assert 100 <= len(places) <= 102
        assert len(np.unique(places, axis=0)) == len(places)
        shares = np.bincount(places[:, 0]) / len(places)
        labelled = np.array([np.count_nonzero(is_labelled(kept[2], cls)) for kept in reader._kept])
        np.testing.assert_allclose(shares, labelled / labelled.sum(), atol=0.08)
        for tile, row, column in places:
            assert is_labelled(reader.cut(tile, (column, row, 1, 1))[2], cls)


def test_a_class_without_a_label_is_refused_with_the_recipes_way_out(tmp_path):
    target = np.stack([np.ones((8, 8), np.uint8), np.full((8, 8), 2, np.uint8)])
    write_raster(tmp_path / "target.tif", target, make_grid(8, 8), nodata=255)
    with pytest.raises(CropmineError, match=r"labelled non-cropland.*mined.*mined.noncropland"):
        index_labels([str(tmp_path / "target.tif")], np.random.default_rng(0))


def test_classes_take_turns_and_sources_within_a_class():
    strata = dict.fromkeys([(1, 0), (2, 0), (1, 1)], np.zeros((1, 3), int))
    assert schedule_strata(strata, 0, 6) == [(1, 0), (1, 1), (2, 0), (1, 1), (1, 0), (1, 1)]
    assert schedule_strata(strata, 4, 2) == schedule_strata(strata, 0, 6)[4:]


def test_every_patch_holds_a_label_of_its_class(batches):
    for number in range(6):
        pixels, target = batches.cut_batch(number)
        assert pixels.shape == (8, 2, 32, 32)
        assert pixels.dtype == np.float32
        for turn, patch in enumerate(target):
            assert is_labelled(patch, turn % 2).any()


def test_a_batch_is_a_function_of_the_seed_and_its_number(batches):
    ahead = list(batches.cut_batches(2, 14))
    assert len(ahead) == 12
    for number, (pixels, target) in enumerate(ahead, start=2):
        again = batches.cut_batch(number)
        np.testing.assert_array_equal(pixels, again[0])
        np.testing.assert_array_equal(target, again[1])
    assert (ahead[0][0] != ahead[1][0]).any()


def test_invalid_pixels_of_a_batch_are_zero_and_not_labelled(batches):
    pixels, target = batches.cut_batch(0)
    outside = (pixels == 0).all(axis=1)
    assert outside.any()
    assert (target[outside] == 255).all()


def test_statistics_are_those_of_valid_pixels(tiles):
    reader = PatchReader(tiles)
    norm = measure_normalisation(reader)
    values = np.concatenate([pixels[:, valid] for pixels, valid, _ in reader._kept], axis=1).astype(float)
    np.testing.assert_allclose(norm.mean, values.mean(1))
    np.testing.assert_allclose(norm.std, values.std(1))


def test_a_constant_band_has_deviation_one_and_no_valid_pixel_is_refused(tmp_path):
    grid = make_grid(16, 16)
    write_raster(tmp_path / "target.tif", np.zeros((2, 16, 16), np.uint8), grid)
    for value in (9, 0):
        write_raster(tmp_path / f"{value}.tif", np.full((2, 16, 16), value, np.uint16), grid, nodata=0)
    source = write_tile(tmp_path, "t")[1]
    of = {value: type(source)((str(tmp_path / f"{value}.tif"),), 2) for value in (9, 0)}
    reader = PatchReader([LabelledTile(of[9], str(tmp_path / "target.tif"))])
    np.testing.assert_array_equal(measure_normalisation(reader).std, [1, 1])
    with pytest.raises(CropmineError, match="no pixel"):
        measure_normalisation(PatchReader([LabelledTile(of[0], str(tmp_path / "target.tif"))]))


def test_patches_are_turned_into_eight_positions_with_their_targets():
    patch = np.arange(9).reshape(3, 3)
    turns = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)], bool)
    pixels, target = turn_patches(np.stack([[patch, patch + 100]] * 8), np.stack([patch] * 8), turns)
    assert len({turned.tobytes() for turned in target}) == 8
    np.testing.assert_array_equal(pixels[:, 0], target)
    np.testing.assert_array_equal(pixels[:, 1], target + 100)
