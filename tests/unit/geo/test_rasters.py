"""Raster files are whole, tiled and the same each time, and are read onto any grid."""

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from rasterio.enums import Resampling
from rasterio.warp import reproject

from cropmine.errors import CropmineError
from cropmine.geo.grids import Grid, open_raster
from cropmine.geo.rasters import match_values, read_raster, warp_nearest, write_raster
from factories.rasters import checkerboard, make_grid, write_plain, write_whole

SHAPES = [(1, 1), (3, 1), (2, 40, 300), (1, 257, 600)]
DTYPES = ["uint8", "uint16", "uint32", "int16", "int32", "float32", "float64"]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("write", "dtype"), [*((write_raster, dtype) for dtype in DTYPES), (write_whole, "uint8")])
def test_what_is_written_is_read_again(tmp_path, dtype, shape, write):
    grid = make_grid(shape[-1], shape[-2])
    array = np.random.default_rng(0).integers(0, 100, shape).astype(dtype)
    write(tmp_path / "a" / "b.tif", array, grid)
    assert np.array_equal(
        read_raster(tmp_path / "a" / "b.tif"), array[0] if shape[0] == 1 and len(shape) == 3 else array
    )
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.tif"]


@pytest.mark.parametrize("write", [write_raster, write_whole])
def test_the_same_raster_gives_the_same_bytes(tmp_path, write):
    array = checkerboard(600, 700, 9)
    arguments = {"nodata": 255, "descriptions": ["class"], "tags": {"B": 1, "A": "x"}}
    for name in ("one.tif", "two.tif"):
        write(tmp_path / name, array, make_grid(700, 600), **arguments)
    assert (tmp_path / "one.tif").read_bytes() == (tmp_path / "two.tif").read_bytes()
    with rasterio.open(tmp_path / "one.tif") as file:
        assert file.profile["compress"] == "zstd"
        assert file.block_shapes[0] in ((256, 256), (512, 512))
        assert (file.nodata, file.descriptions, file.tags()["A"], file.tags()["B"]) == (255, ("class",), "x", "1")


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    grid = make_grid(4, 4)
    write_raster(tmp_path / "a.tif", np.ones((4, 4), "u1"), grid)
    with pytest.raises(ValueError, match="doesn't fit"):
        write_raster(tmp_path / "a.tif", np.zeros((4, 5), "u1"), grid)
    with pytest.raises(IndexError):
        write_raster(tmp_path / "a.tif", np.zeros((4, 4), "u1"), grid, descriptions=["one", "too many"])
    assert (read_raster(tmp_path / "a.tif") == 1).all()
    assert len(list(tmp_path.iterdir())) == 1


def test_a_window_is_cut_out(tmp_path):
    array = np.arange(24 * 32, dtype="u2").reshape(24, 32)
    write_raster(tmp_path / "a.tif", array, make_grid())
    assert np.array_equal(read_raster(tmp_path / "a.tif", (5, 2, 7, 3)), array[2:5, 5:12])


def test_a_file_cut_short_is_an_error_that_names_it(tmp_path):
    path = tmp_path / "short.tif"
    write_raster(path, np.random.default_rng(0).integers(0, 255, (300, 300)).astype("u1"), make_grid(300, 300))
    path.write_bytes(path.read_bytes()[:50_000])
    with pytest.raises(CropmineError, match=r"short\.tif"):
        read_raster(path)


def warp(path, grid, band=1):
    with open_raster(path) as file:
        return warp_nearest(file, band, grid)


def reproject_nearest(path, grid):
    """Values of GDAL's own nearest neighbour, -1 outside."""
    with rasterio.open(path) as file:
        return reproject(
            file.read(1).astype("int16"),
            np.full(grid.shape, -1, "int16"),
            src_transform=file.transform,
            src_crs=file.crs,
            dst_transform=grid.transform,
            dst_crs=grid.crs,
            src_nodata=-1,
            dst_nodata=-1,
            resampling=Resampling.nearest,
        )[0]


@pytest.mark.parametrize("offset", [0.0, 0.25, 0.5, -7.5])
@pytest.mark.parametrize("px", [10.0, 5.0, 4.777, 23.0])
def test_a_map_of_the_same_crs_lies_where_gdal_puts_it(tmp_path, offset, px):
    path = write_plain(tmp_path / "map.tif", checkerboard(40, 50), make_grid(50, 40))
    grid = make_grid(70, 60, x=500_000 + offset * 10, y=1_000_000 + offset * 10, px=px)
    values, inside = warp(path, grid)
    assert np.array_equal(np.where(inside, values.astype(int), -1), reproject_nearest(path, grid))
    assert inside.any()


@pytest.mark.parametrize("source", ["EPSG:4326", "EPSG:3857", "EPSG:32637", "EPSG:3035", "ESRI:54009"])
@pytest.mark.parametrize("target", ["EPSG:4326", "EPSG:3857", "EPSG:32638"])
def test_a_map_of_another_crs_and_resolution_lies_where_gdal_puts_it(tmp_path, source, target):
    lon, lat = 41.5, 21.3
    x, y = Transformer.from_crs("EPSG:4326", source, always_xy=True).transform(lon, lat)
    px = 0.0001 if source == "EPSG:4326" else 11.0
    path = write_plain(tmp_path / "map.tif", checkerboard(60, 70), make_grid(70, 60, source, x, y, px))
    x, y = Transformer.from_crs("EPSG:4326", target, always_xy=True).transform(lon, lat)
    px = 0.00004 if target == "EPSG:4326" else 4.777
    grid = make_grid(120, 90, target, x + 10 * px, y - 10 * px, px)
    values, inside = warp(path, grid)
    assert (np.where(inside, values.astype(int), -1) == reproject_nearest(path, grid)).mean() > 0.999
    assert inside.mean() > 0.5


@given(
    st.integers(-60, 60), st.integers(-60, 60), st.integers(1, 50), st.integers(1, 50), st.sampled_from([0, 0.5, 0.3])
)
@settings(max_examples=40)
def test_a_pixel_has_the_same_value_whatever_window_is_read(tmp_path_factory, col, row, width, height, offset):
    path = tmp_path_factory.mktemp("map") / "map.tif"
    x, y = Transformer.from_crs("EPSG:32637", "EPSG:3857", always_xy=True).transform(500_000, 1_000_000)
    write_plain(path, checkerboard(40, 50), make_grid(50, 40, "EPSG:3857", x, y, 9.554))
    whole = make_grid(200, 200, "EPSG:3857", x + offset * 9.554, y - offset * 9.554, 4.777).padded(70)
    values, inside = warp(path, whole)
    part = (slice(row + 70, row + 70 + height), slice(col + 70, col + 70 + width))
    part_values, part_inside = warp(path, whole.window(col + 70, row + 70, width, height))
    assert np.array_equal(part_values, values[part])
    assert np.array_equal(part_inside, inside[part])


@pytest.mark.parametrize("nodata", [None, 0, 255])
def test_outside_a_map_is_told_from_every_value(tmp_path, nodata):
    array = np.arange(256, dtype="u1").reshape(16, 16)
    path = write_plain(tmp_path / "map.tif", array, make_grid(16, 16), nodata)
    values, inside = warp(path, make_grid(16, 16).padded(3))
    assert np.array_equal(inside, np.pad(np.ones((16, 16), bool), 3))
    assert np.array_equal(values, np.pad(array, 3))


def test_alpha_and_internal_masks_are_outside_the_map(tmp_path):
    array, seen = np.full((8, 8), 7, "u1"), checkerboard(8, 8)
    masked = write_plain(tmp_path / "masked.tif", array, make_grid(8, 8), mask=seen * 255)
    alpha = write_plain(tmp_path / "alpha.tif", np.stack([array, seen * 255]), make_grid(8, 8), alpha=True)
    for path in (masked, alpha):
        assert np.array_equal(warp(path, make_grid(8, 8))[1], seen == 1)


def test_a_map_on_the_other_side_of_the_earth_covers_nothing(tmp_path):
    path = write_plain(tmp_path / "map.tif", np.ones((8, 8), "u1"), make_grid(8, 8))
    assert not warp(path, make_grid(8, 8, "EPSG:3857", -1.7e7, -4e6))[1].any()
    assert not warp(path, make_grid(8, 8, "EPSG:32660"))[1].any()


def test_one_band_of_several_is_warped_and_a_missing_one_is_an_error(tmp_path):
    path = write_plain(tmp_path / "map.tif", np.stack([np.zeros((8, 8), "u1"), checkerboard(8, 8)]), make_grid(8, 8), 1)
    values, inside = warp(path, make_grid(8, 8), band=2)
    assert inside.all()
    assert np.array_equal(values, checkerboard(8, 8))
    with pytest.raises(CropmineError, match=r"map\.tif: has 2 bands, no band 3"):
        warp(path, make_grid(8, 8), band=3)


def test_a_map_without_crs_is_an_error(tmp_path):
    bare = Grid(rasterio.crs.CRS(), make_grid().transform, 32, 24)
    path = write_plain(tmp_path / "bare.tif", np.zeros((24, 32), "u1"), bare)
    with pytest.raises(CropmineError, match="no CRS"):
        warp(path, make_grid())


def test_values_that_a_dtype_cannot_hold_match_nothing():
    values = np.array([0, 1, 255], "u1")
    assert match_values(values, [-9999, 256, 0.5, None, float("nan"), float("inf")]).tolist() == [False] * 3
    assert match_values(values, [255]).tolist() == [False, False, True]
    assert match_values(values, [1.0, 0]).tolist() == [True, True, False]
    lowest = np.finfo("f4").min
    assert match_values(np.array([lowest, 0.1, np.nan], "f4"), [float(lowest)]).tolist() == [True, False, False]
    assert match_values(np.array([lowest, 0.1], "f4"), [0.1]).tolist() == [False, True]
