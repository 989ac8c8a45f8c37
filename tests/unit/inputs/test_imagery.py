"""A tile's pixels, and which of them count."""

from dataclasses import replace

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.enums import ColorInterp
from rasterio.windows import Window

from cropmine.errors import CropmineError
from cropmine.inputs.imagery import find_overview, read_coarse, read_tile
from cropmine.inputs.tile_sources import TileSource, source_from_settings
from cropmine.training.networks import Normalisation
from factories.rasters import checkerboard, make_grid, write_plain

GRID = make_grid(12, 9)
WHOLE = Window(0, 0, 256, 256)


def make_pixels(bands=4, dtype="uint16", seed=0):
    return np.random.default_rng(seed).integers(1, 200, (bands, 9, 12)).astype(dtype)


def write_dates(folder, *dates, **options):
    return tuple(write_plain(folder / f"{n}.tif", pixels, GRID, **options) for n, pixels in enumerate(dates))


@pytest.mark.parametrize("bands", [1, 3, 6, 16])
def test_any_number_of_bands_is_read_in_the_files_dtype(tmp_path, bands):
    for dtype in ("uint8", "uint16", "int16", "float32"):
        pixels = make_pixels(bands, dtype)
        read, valid = read_tile(TileSource(write_dates(tmp_path, pixels), bands))
        assert read.dtype == dtype
        assert np.array_equal(read, pixels)
        assert valid.all()


def test_dates_are_stacked_in_order(tmp_path):
    dates = [make_pixels(seed=seed) for seed in range(3)]
    source = TileSource(write_dates(tmp_path, *dates), 4)
    assert source.channels == 12
    assert np.array_equal(read_tile(source)[0], np.concatenate(dates))


def test_a_pixel_is_invalid_where_any_band_of_any_date_is_nodata_and_all_its_channels_are_zero(tmp_path):
    first, second = make_pixels(), make_pixels(seed=1)
    first[2, 3, 4] = 0
    second[0, 5, 6] = 0
    read, valid = read_tile(TileSource(write_dates(tmp_path, first, second, nodata=0), 4))
    assert sorted(zip(*np.nonzero(~valid), strict=True)) == [(3, 4), (5, 6)]
    assert not read[:, ~valid].any()
    assert np.array_equal(read[:4, valid], first[:, valid])


def test_values_that_arent_finite_are_invalid_with_any_tag(tmp_path):
    for nodata in (None, float("nan"), -9999):
        pixels = make_pixels(dtype="float32")
        pixels[1, 0, 0], pixels[3, 8, 11], pixels[0, 4, 4] = np.nan, np.inf, -9999
        read, valid = read_tile(TileSource(write_dates(tmp_path, pixels, nodata=nodata), 4))
        assert (~valid).sum() == (3 if nodata == -9999 else 2)
        assert np.isfinite(read).all()


def test_a_nodata_tag_that_the_dtype_cannot_hold_hits_nothing(tmp_path):
    grid, path = make_grid(12, 9), tmp_path / "a.tif"
    write_plain(path, make_pixels(), grid)
    vrt = tmp_path / "a.vrt"
    bands = "".join(
        f'<VRTRasterBand dataType="UInt16" band="{b}"><NoDataValue>-9999</NoDataValue><SimpleSource><SourceFilename '
        f'relativeToVRT="1">a.tif</SourceFilename><SourceBand>{b}</SourceBand></SimpleSource></VRTRasterBand>'
        for b in range(1, 5)
    )
    transform = ", ".join(map(str, grid.transform.to_gdal()))
    vrt.write_text(
        f'<VRTDataset rasterXSize="12" rasterYSize="9"><SRS>EPSG:32637</SRS><GeoTransform>{transform}</GeoTransform>'
        f"{bands}</VRTDataset>"
    )
    assert read_tile(TileSource((str(vrt),), 4))[1].all()


def test_the_near_infrared_of_a_planet_file_isnt_alpha(tmp_path):
    pixels = make_pixels()
    pixels[3, 2, 2] = 0
    images = write_dates(tmp_path, pixels, alpha=True)
    with rasterio.open(images[0]) as file:
        assert file.colorinterp[-1] == ColorInterp.alpha
    read, valid = read_tile(TileSource(images, 4))
    assert valid.all()
    assert np.array_equal(read, pixels)


def test_one_band_more_is_alpha_if_it_says_so(tmp_path):
    seen = checkerboard(9, 12).astype("uint16") * 65535
    pixels = np.concatenate([make_pixels(), seen[None]])
    read, valid = read_tile(TileSource(write_dates(tmp_path, pixels, alpha=True), 4))
    assert np.array_equal(valid, seen > 0)
    assert np.array_equal(read, np.where(valid, pixels[:4], 0))


def test_another_number_of_bands_is_an_error_that_names_the_file(tmp_path):
    (image,) = write_dates(tmp_path, make_pixels(5))
    for bands in (3, 4, 6):
        with pytest.raises(CropmineError, match=rf"0\.tif: has 5 bands, but `bands` names {bands}"):
            read_tile(TileSource((image,), bands))


def test_an_internal_mask_is_honoured(tmp_path):
    seen = checkerboard(9, 12, 2) * 255
    (image,) = write_dates(tmp_path, make_pixels(), mask=seen)
    assert np.array_equal(read_tile(TileSource((image,), 4))[1], seen > 0)


def test_bad_values_of_mask_files_are_invalid_by_date(tmp_path):
    images = write_dates(tmp_path, make_pixels(), make_pixels(seed=1))
    first, second = np.zeros((2, 9, 12), "u1"), np.zeros((2, 9, 12), "u1")
    first[1, 0, 0], first[1, 1, 1], second[1, 2, 2], second[0, 3, 3] = 2, 1, 3, 2
    masks = [write_plain(tmp_path / f"mask{n}.tif", mask, GRID, nodata=3) for n, mask in enumerate((first, second))]
    settings = {"bands": ["b", "g", "r", "n"], "mask_bad": [2, "3"], "mask_band": 2}
    _, valid = read_tile(source_from_settings(list(images), masks, settings))
    assert sorted(zip(*np.nonzero(~valid), strict=True)) == [(0, 0), (2, 2)]


def test_a_mask_on_another_grid_is_read_by_nearest_neighbour_and_beyond_it_all_is_well(tmp_path):
    images = write_dates(tmp_path, make_pixels())
    coarse = make_grid(3, 2, px=20.0)
    mask = write_plain(tmp_path / "mask.tif", np.array([[1, 0, 1], [0, 1, 0]], "u1"), coarse)
    _, valid = read_tile(TileSource(images, 4, (mask,), (1.0,)))
    expected = np.ones((9, 12), bool)
    expected[:4, :6] = np.kron([[0, 1, 0], [1, 0, 1]], np.ones((2, 2))).astype(bool)
    assert np.array_equal(valid, expected)


def test_nothing_depends_on_the_values_under_a_mask(tmp_path):
    seen = checkerboard(9, 12, 3)
    mask = write_plain(tmp_path / "mask.tif", 1 - seen, GRID)
    tiles = []
    for fill in (1, 40_000):
        pixels = np.where(seen, make_pixels(), fill).astype("uint16")
        tiles.append(read_tile(TileSource(write_dates(tmp_path, pixels), 4, (mask,), (1.0,))))
    assert np.array_equal(tiles[0][0], tiles[1][0])
    assert np.array_equal(tiles[0][1], tiles[1][1])


@given(st.integers(-15, 15), st.integers(-15, 15), st.integers(1, 20), st.integers(1, 20))
@settings(max_examples=60)
def test_a_window_beyond_the_tile_is_the_tile_padded_with_invalid_zeros(tmp_path_factory, col, row, width, height):
    folder = tmp_path_factory.mktemp("tile")
    pixels = make_pixels()
    pixels[0, 4, 5] = 0
    mask = write_plain(folder / "mask.tif", checkerboard(5, 6, 2), make_grid(6, 5, px=19.0))
    source = TileSource(write_dates(folder, pixels, nodata=0), 4, (mask,), (1.0,))
    whole, valid = read_tile(source)
    rows, cols = slice(row + 40, row + 40 + height), slice(col + 40, col + 40 + width)
    read, read_valid = read_tile(source, (col, row, width, height))
    assert np.array_equal(read, np.pad(whole, ((0, 0), (40, 40), (40, 40)))[:, rows, cols])
    assert np.array_equal(read_valid, np.pad(valid, 40)[rows, cols])


def test_dates_on_different_grids_or_of_different_dtypes_are_an_error_that_names_the_file(tmp_path):
    first = write_plain(tmp_path / "first.tif", make_pixels(), GRID)
    moved = write_plain(tmp_path / "moved.tif", make_pixels(), make_grid(12, 9, x=500_005))
    typed = write_plain(tmp_path / "typed.tif", make_pixels(dtype="float32"), GRID)
    with pytest.raises(CropmineError, match=r"moved\.tif: its grid isn't that of the tile's first date"):
        read_tile(TileSource((first, moved), 4))
    with pytest.raises(CropmineError, match=r"typed\.tif: has the dtype"):
        read_tile(TileSource((first, typed), 4))


def test_rescaled_imagery_has_the_statistics_asked_for_and_the_same_validity(tmp_path):
    pixels = make_pixels()
    pixels[2, 3, 4] = 0
    source = TileSource(write_dates(tmp_path, pixels, nodata=0), 4)
    (plain, valid), norms = read_tile(source), []
    for mean, std in ((plain[:, valid].mean(1), plain[:, valid].std(1)), (np.arange(4.0), np.full(4, 2.0))):
        norms.append(Normalisation(mean, std))
    read, same = read_tile(replace(source, rescale=norms[0].match(norms[1])))
    assert np.array_equal(valid, same)
    assert read.dtype == np.float32
    assert np.allclose(read[:, valid].mean(1), range(4), atol=1e-4)
    assert np.allclose(read[:, valid].std(1), 2, atol=1e-4)
    assert not read[:, ~valid].any()


def test_a_tile_is_read_coarsely_with_all_that_makes_a_pixel_invalid(tmp_path):
    pixels, grid = np.arange(1, 4 * 40 * 60 + 1, dtype="uint16").reshape(4, 40, 60), make_grid(60, 40)
    pixels[2, :, :30] = 0
    image = write_plain(tmp_path / "image.tif", pixels, grid, nodata=0)
    bad = np.zeros((20, 30), np.uint8)  # of pixels twice as wide
    bad[:10] = 2
    mask = write_plain(tmp_path / "mask.tif", bad, make_grid(30, 20, px=20))
    read, valid, part = read_coarse(TileSource((image,), 4, (mask,), (2.0,)), 20)
    assert part == Window(0, 0, 60, 40)
    assert read.shape == (4, 20, 20) and valid.shape == (20, 20)
    assert not valid[:10].any() and not valid[:, :10].any() and valid[10:, 10:].all()
    assert not read[:, ~valid].any() and set(read[:, valid].ravel()) <= set(pixels.ravel())
    assert read_coarse(TileSource((image,), 4), 256)[0].shape == (4, 40, 60)
    assert read_coarse(TileSource((image,), 4), 256, factor=4)[0].shape == (4, 10, 15)


def test_a_part_of_a_tile_is_read_coarsely(tmp_path):
    pixels = np.arange(1, 40 * 60 + 1, dtype="uint16").reshape(1, 40, 60)
    image = write_plain(tmp_path / "image.tif", pixels, make_grid(60, 40))
    bad = np.zeros((40, 60), np.uint8)
    bad[10:20, 30:] = 2
    mask = write_plain(tmp_path / "mask.tif", bad, make_grid(60, 40))
    chosen = Window(20, 0, 40, 20)
    read, valid, part = read_coarse(TileSource((image,), 1, (mask,), (2.0,)), 20, choose=lambda _: chosen)
    assert part == chosen and read.shape == (1, 20, 20)
    assert not valid[10:, 5:].any() and valid[:10].all() and valid[:, :5].all()
    assert set(read[:, valid].ravel()) <= set(pixels[:, :20, 20:].ravel())


def test_a_coarse_read_may_be_refused_for_any_file_of_a_tile(tmp_path):
    image = write_plain(tmp_path / "image.tif", np.ones((1, 256, 256), "uint8"), make_grid(256, 256))
    mask = write_plain(tmp_path / "mask.tif", np.zeros((256, 256), "uint8"), make_grid(256, 256))
    source = TileSource((image,), 1, (mask,), (2.0,))
    for refused in (image, mask):
        assert read_coarse(source, 32, choose=lambda file, name=refused: None if file.name == name else WHOLE) is None
    assert read_coarse(source, 32, choose=lambda _: WHOLE)[0].shape == (1, 32, 32)


def test_the_overview_from_which_a_file_is_read_is_the_coarsest_that_is_fine_enough(tmp_path):
    image = write_plain(tmp_path / "image.tif", np.ones((1, 256, 512), "uint8"), make_grid(512, 256))
    with rasterio.open(image, "r+") as dataset:
        assert find_overview(dataset, 32) == 1
        dataset.build_overviews([2, 4, 16])
    with rasterio.open(image) as dataset:
        assert [find_overview(dataset, side) for side in (16, 32, 64, 127, 128, 129, 300)] == [16, 4, 4, 2, 2, 1, 1]
