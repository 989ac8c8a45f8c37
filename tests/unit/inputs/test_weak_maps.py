"""Weak maps on a tile's grid."""

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from rasterio.crs import CRS
from scipy import ndimage

from cropmine.config.regions import WeakMap
from cropmine.errors import CropmineError
from cropmine.geo.grids import Grid, pixel_size_m
from cropmine.geo.rasters import write_raster
from cropmine.inputs.weak_maps import erode_weak_map, find_within, load_weak, read_weak_map
from factories.rasters import checkerboard, make_grid, write_plain, write_polygons

GRID = make_grid(40, 30)
WIDE = GRID.padded(20)


def weak_map(**options):
    return WeakMap(path="weak.tif", **options)


def make_blobs(shape=(70, 80), seed=0):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 3)
    return (noise > 0).astype("u1")


def distances_brute(mask, pixel_m):
    """Distance from each pixel's centre to the nearest point of any pixel of a mask."""
    rows, cols = np.indices(mask.shape)
    result = np.full(mask.shape, np.inf)
    for row, col in zip(*np.nonzero(mask), strict=True):
        across = np.maximum(np.abs(cols - col) - 0.5, 0) * pixel_m[0]
        up = np.maximum(np.abs(rows - row) - 0.5, 0) * pixel_m[1]
        result = np.minimum(result, np.hypot(across, up))
    return result


def test_class_values_become_cropland_or_not_and_nodata_invalid(tmp_path):
    array = np.tile(np.array([0, 10, 20, 255], "u1"), (30, 10))
    path = write_plain(tmp_path / "weak.tif", array, GRID, nodata=255)
    values, valid = read_weak_map(path, weak_map(cropland=[10, "20"]), GRID)
    assert values.dtype == np.uint8
    assert np.array_equal(values, np.tile([0, 1, 1, 0], (30, 10)))
    assert np.array_equal(valid, array != 255)


def test_zero_may_be_cropland_and_is_so_only_inside_the_map(tmp_path):
    path = write_plain(tmp_path / "weak.tif", checkerboard(30, 40), GRID)
    values, valid = read_weak_map(path, weak_map(cropland=0), WIDE)
    assert np.array_equal(valid, np.pad(np.ones((30, 40), bool), 20))
    assert np.array_equal(values, np.pad(1 - checkerboard(30, 40), 20))


def test_nodata_of_the_settings_stands_in_for_the_files_tag(tmp_path):
    array = np.tile(np.array([0, 1, 9, 7], "u1"), (30, 10))
    path = write_plain(tmp_path / "weak.tif", array, GRID, nodata=0)
    assert np.array_equal(read_weak_map(path, weak_map(), GRID)[1], array != 0)
    assert np.array_equal(read_weak_map(path, weak_map(nodata=9), GRID)[1], array != 9)


def test_probabilities_are_scaled_to_one(tmp_path):
    percent = np.tile(np.array([0, 50, 100, 255], "u1"), (30, 10))
    path = write_plain(tmp_path / "weak.tif", np.stack([percent * 0, percent]), GRID, nodata=255)
    values, valid = read_weak_map(path, weak_map(probability=True, scale=0.01, band=2), GRID)
    assert values.dtype == np.float32
    assert np.allclose(values, np.tile([0, 0.5, 1, 0], (30, 10)))
    assert np.array_equal(valid, percent != 255)
    shares = np.where(percent == 255, np.nan, percent / 100).astype("f4")
    path = write_plain(tmp_path / "shares.tif", shares, GRID)
    again, valid_again = read_weak_map(path, weak_map(probability=True), GRID)
    assert np.allclose(again, values)
    assert np.array_equal(valid_again, valid)


@pytest.mark.parametrize("value", [1.01, -0.2])
def test_probabilities_outside_zero_to_one_are_an_error_that_names_the_file(tmp_path, value):
    path = write_plain(tmp_path / "weak.tif", np.full((30, 40), value, "f4"), GRID)
    with pytest.raises(CropmineError, match=r"weak\.tif: probabilities .* not of 0 to 1"):
        read_weak_map(path, weak_map(probability=True), GRID)
    assert read_weak_map(path, weak_map(probability=True, nodata=np.float32(value)), GRID)[1].sum() == 0


def test_a_huge_map_is_read_only_where_the_tile_is(tmp_path):
    source = write_plain(tmp_path / "part.tif", checkerboard(30, 40), GRID)
    vrt = tmp_path / "huge.vrt"
    vrt.write_text(
        f'<VRTDataset rasterXSize="400000" rasterYSize="300000"><SRS>EPSG:32637</SRS><GeoTransform>-1500000, 10, 0, '
        f'2500000, 0, -10</GeoTransform><VRTRasterBand dataType="Byte" band="1"><SimpleSource><SourceFilename>{source}'
        f'</SourceFilename><SourceBand>1</SourceBand><SrcRect xOff="0" yOff="0" xSize="40" ySize="30"/>'
        f'<DstRect xOff="200000" yOff="150000" xSize="40" ySize="30"/>'
        "</SimpleSource></VRTRasterBand></VRTDataset>"
    )
    values, valid = read_weak_map(vrt, weak_map(), GRID)
    assert valid.all()
    assert np.array_equal(values, checkerboard(30, 40))


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:32637"])
def test_registration_moves_the_map_by_true_ground_metres(tmp_path, crs):
    x, y = Transformer.from_crs("EPSG:32637", crs, always_xy=True).transform(500_000, 5_000_000)
    grid = make_grid(60, 50, crs, x, y, 0.0001 if crs == "EPSG:4326" else 10.0)
    array = make_blobs((50, 60))
    path = write_plain(tmp_path / "weak.tif", array, grid)
    east, north = pixel_size_m(grid)
    moved, valid = read_weak_map(path, weak_map(register=[3 * east, -2 * north]), grid)
    assert np.array_equal(moved[2:, 3:], array[:-2, :-3])
    assert np.array_equal(valid, np.pad(np.ones((48, 57), bool), ((2, 0), (3, 0))))


def test_the_guard_leaves_out_what_is_near_a_boundary_of_the_classes_alone(tmp_path):
    array = np.zeros((70, 80), "u1")
    array[:, 50:] = 1
    array[:, :25] = 255
    path = write_plain(tmp_path / "weak.tif", array, WIDE, nodata=255)
    _, valid = read_weak_map(path, weak_map(guard_m=25.1), GRID)
    expected = np.ones(GRID.shape, bool)
    expected[:, :5] = False
    expected[:, 27:33] = False
    assert np.array_equal(valid, expected)


@pytest.mark.parametrize("metres", [1.0, 5.1, 17.0, 44.0])
def test_guard_and_erosion_agree_with_brute_force(tmp_path, metres):
    array = make_blobs()
    array[30:34, 40:42] = 255
    path = write_plain(tmp_path / "weak.tif", array, WIDE, nodata=255)
    size, inner = pixel_size_m(GRID), (slice(20, -20), slice(20, -20))
    boundary, edge = np.full(array.shape, np.inf), np.full(array.shape, np.inf)
    for own in (0, 1):
        here = array == own
        boundary[here] = distances_brute(array == 1 - own, size)[here]
        edge[here] = distances_brute(array != own, size)[here]
    _, guarded = read_weak_map(path, weak_map(guard_m=metres), GRID)
    assert np.array_equal(guarded, ((array != 255) & (boundary > metres))[inner])
    classes, eroded = erode_weak_map(path, weak_map(), GRID, metres)
    assert np.array_equal(eroded, ((array != 255) & (edge >= metres))[inner])
    assert np.array_equal(classes, np.where(eroded, array[inner], 0))


def test_erosion_by_nothing_is_the_raw_map_and_a_guard_does_not_touch_it(tmp_path):
    path = write_plain(tmp_path / "weak.tif", make_blobs(), WIDE)
    values, valid = read_weak_map(path, weak_map(), GRID)
    classes, eroded = erode_weak_map(path, weak_map(guard_m=50), GRID, 0)
    assert np.array_equal(classes, values)
    assert np.array_equal(eroded, valid)


def test_erosion_keeps_away_from_the_end_of_the_map(tmp_path):
    path = write_plain(tmp_path / "weak.tif", np.ones((30, 40), "u1"), GRID)
    _, valid = erode_weak_map(path, weak_map(), GRID, 30)
    assert np.array_equal(valid, np.pad(np.ones((24, 34), bool), 3))


@given(st.integers(0, 30), st.integers(0, 30), st.sampled_from([0.0, 25.0, 61.0]), st.booleans())
@settings(max_examples=25)
def test_the_edges_of_tiles_leave_no_trace(tmp_path_factory, col, row, metres, probability):
    blobs = make_blobs((60, 60))
    path = tmp_path_factory.mktemp("weak") / "weak.tif"
    write_plain(path, blobs.astype("f4") if probability else blobs, make_grid(60, 60))
    whole, part = make_grid(60, 60), make_grid(60, 60).window(col, row, 28, 25)
    cut = (slice(row, row + 25), slice(col, col + 28))
    options = weak_map(guard_m=metres, probability=probability)
    for read in (lambda grid: read_weak_map(path, options, grid), lambda g: erode_weak_map(path, options, g, metres)):
        for of_whole, of_part in zip(read(whole), read(part), strict=True):
            assert np.array_equal(of_part, of_whole[cut])


@given(st.floats(0, 60), st.sampled_from([(10.0, 10.0), (4.0, 9.0), (9.0, 4.0)]), st.integers(0, 99))
@settings(max_examples=40)
def test_distances_are_to_the_nearest_point_of_a_pixel(limit, pixel_m, seed):
    mask = np.random.default_rng(seed).random((13, 17)) > 0.97
    distances = distances_brute(mask, pixel_m)
    clear = np.abs(distances - limit) > 1e-9
    assert np.array_equal(find_within(mask, limit, pixel_m)[clear], (distances <= limit)[clear])


@pytest.mark.parametrize("suffix", ["gpkg", "parquet"])
def test_polygons_without_a_class_are_cropland_within_the_bounds_of_the_file(tmp_path, suffix):
    west, _, _, north = GRID.bounds
    boxes = [
        shapely.box(west + 50, north - 100, west + 150, north - 50),
        shapely.box(west, north - 250, west + 200, north),
    ]
    boxes[1] = shapely.Polygon(
        boxes[1].exterior, [shapely.box(west + 10, north - 240, west + 190, north - 10).exterior]
    )
    path = write_polygons(tmp_path / f"weak.{suffix}", boxes, GRID.crs, kind=["a", "b"])
    values, valid = read_weak_map(path, weak_map(), GRID)
    expected = np.pad(np.ones((5, 10), "u1"), ((5, 20), (5, 25)))
    expected[:25, :20] |= np.pad(np.zeros((23, 18), "u1"), 1, constant_values=1)
    assert np.array_equal(values, expected)
    assert np.array_equal(valid, np.pad(np.ones((25, 20), bool), ((0, 5), (0, 20))))


def test_polygons_with_a_class_are_valid_where_one_class_covers(tmp_path):
    west, _, _, north = GRID.bounds
    boxes = [shapely.box(west + 100 * n, north - 200, west + 100 * n + 150, north) for n in range(3)]
    path = write_polygons(tmp_path / "weak.gpkg", boxes, GRID.crs, kind=[1.0, 2.0, 1.0])
    values, valid = read_weak_map(path, weak_map(cropland=["1"], class_field="kind"), GRID)
    assert values[0].tolist() == [1] * 10 + [0] * 5 + [0] * 5 + [0] * 5 + [1] * 10 + [0] * 5
    assert valid[0].tolist() == [True] * 10 + [False] * 5 + [True] * 5 + [False] * 5 + [True] * 10 + [False] * 5
    assert not valid[20:].any()
    with pytest.raises(CropmineError, match=r"weak\.gpkg: there is no field 'class'.*kind"):
        read_weak_map(path, weak_map(class_field="class"), GRID)


def test_what_cannot_be_read_is_an_error_that_names_the_file(tmp_path):
    path = write_plain(tmp_path / "weak.tif", np.ones((30, 40), "u1"), GRID)
    with pytest.raises(CropmineError, match=r"weak\.tif: has 1 bands, no band 2"):
        read_weak_map(path, weak_map(band=2), GRID)
    with pytest.raises(CropmineError, match=r"weak\.tif: .*cropland.* isn't numbers"):
        read_weak_map(path, weak_map(cropland=["maize"]), GRID)
    with pytest.raises(CropmineError, match=r"none\.tif: no such file"):
        read_weak_map(tmp_path / "none.tif", weak_map(), GRID)


def test_a_map_that_lies_elsewhere_is_invalid_everywhere(tmp_path):
    path = write_plain(tmp_path / "weak.tif", np.ones((30, 40), "u1"), make_grid(40, 30, "EPSG:3857", -1.7e7, -4e6))
    values, valid = read_weak_map(path, weak_map(guard_m=20), GRID)
    assert not valid.any()
    assert not values.any()


def make_consensus(folder, agreement, guard_m=0.0):
    """A consensus of two class maps: pairs of values of all kinds, 255 without data, on one row."""
    grid = Grid(CRS.from_epsg(32737), Affine(10, 0, 250_000, 0, -10, 9_890_000), 6, 1)
    for name, row in (("a", [1, 1, 0, 0, 255, 1]), ("b", [1, 0, 1, 0, 1, 255])):
        write_raster(folder / f"{name}.tif", np.array([row], np.uint8), grid, nodata=255)
    member = WeakMap(path="x").model_dump(mode="json")
    weak = WeakMap(consensus=["a", "b"], agreement=agreement, guard_m=guard_m).model_dump(mode="json")
    return load_weak({"weak": weak, "members": [member, member]}, [folder / "a.tif", folder / "b.tif"]), grid


def test_a_consensus_is_valid_where_its_maps_agree(tmp_path):
    weak, grid = make_consensus(tmp_path, "all")
    values, valid = read_weak_map(*weak, grid)
    assert valid.tolist() == [[True, False, False, True, False, False]]
    assert values.tolist() == [[1, 0, 0, 0, 0, 0]] and values.dtype == np.uint8
    classes, known = erode_weak_map(*weak, grid, 0)
    assert classes.tolist() == values.tolist() and known.tolist() == valid.tolist()


def test_the_mean_of_maps_is_taken_where_all_are_valid(tmp_path):
    weak, grid = make_consensus(tmp_path, "mean")
    values, valid = read_weak_map(*weak, grid)
    assert valid.tolist() == [[True, True, True, True, False, False]]
    assert values.tolist() == [[1, 0.5, 0.5, 0, 0, 0]]


def test_a_map_that_is_registered_is_moved_by_the_shift_of_its_file(tmp_path):
    (tmp_path / "shift.json").write_text('{"east": 20.0, "north": -10.0}')
    (tmp_path / "other.json").write_text('{"east": 0, "north": 5}')
    auto = WeakMap(path="x", register="auto").model_dump(mode="json")
    _, weak = load_weak({"weak": auto, "members": []}, ["x"], [tmp_path / "shift.json"])
    assert weak.register_ == (20, -10)
    whole = WeakMap(consensus=["a", "b", "c"]).model_dump(mode="json")
    fixed = WeakMap(path="x", register=[1, 2]).model_dump(mode="json")
    shifts = [tmp_path / "shift.json", tmp_path / "other.json"]
    _, consensus = load_weak({"weak": whole, "members": [auto, fixed, auto]}, ["a", "b", "c"], shifts)
    assert [member.register_ for member in consensus.members] == [(20, -10), (1, 2), (0, 5)]
    with pytest.raises(ValueError, match="shorter"):
        load_weak({"weak": auto, "members": []}, ["x"])


def test_a_guard_can_be_left_out_when_a_map_is_loaded():
    description = {"weak": WeakMap(path="x", guard_m=30).model_dump(mode="json"), "members": []}
    assert load_weak(description, ["x"])[1].guard_m == 30
    assert load_weak(description, ["x"], guarded=False)[1].guard_m == 0
