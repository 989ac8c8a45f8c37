import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from rasterio.crs import CRS

import cropmine
from cropmine.config.segmentations import SEGMENTATIONS, KMeans
from cropmine.errors import CropmineError
from cropmine.geo.areas import pixel_areas
from cropmine.geo.grids import Grid
from cropmine.mining.clusters import assign_clusters, fit_codebook, sample_pixels, seed_tile, write_codebook
from cropmine.mining.segmentation import divide_tile, number_segments
from cropmine.mining.segments import label_segments
from factories.held_tiles import hold_tile
from workspace import ROOT

LIBRARY = str(Path(cropmine.__file__).parent.parent)
BANDS = ("blue", "green", "red", "nir")
METHODS = ("kmeans", "slic", "watershed")
PIXEL_M2 = 25


def make_grid(shape, epsg=32636, step=5.0, north=100_000.0):
    return Grid(CRS.from_epsg(epsg), Affine(step, 0, 500_000, 0, -step, north), shape[1], shape[0])


def choose(method, **fields):
    sizes = {"clusters": 3} if method == "kmeans" else {"segment_m2": 12 * PIXEL_M2}
    return SEGMENTATIONS.validate({"method": method, "min_area_m2": 0, **sizes, **fields})


def segment(pixels, valid, segmentation, bands=BANDS, grid=None, codebook=""):
    grid = grid or make_grid(valid.shape)
    parts = divide_tile(hold_tile(pixels, valid, grid, bands, fitted=codebook), segmentation)
    return number_segments(parts, grid, segmentation)


def draw_fields(rng, size=96, cell=12, noise=20):
    """A tile of square fields, each of its own colour, and the number of the field of each pixel."""
    fields = np.kron(np.arange((size // cell) ** 2).reshape(size // cell, -1), np.ones((cell, cell), int))
    colours = rng.permuted(np.tile(np.linspace(200, 6000, fields.max() + 1), (4, 1)), axis=1)
    return (colours[:, fields] + rng.normal(0, noise, (4, size, size))).astype(np.uint16), fields


@st.composite
def tiles(draw):
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=14))
    values = st.integers(0, draw(st.sampled_from([1, 5, 3000])))
    pixels = draw(hnp.arrays(draw(st.sampled_from([np.uint16, np.float32])), (4, *shape), elements=values))
    return pixels, draw(hnp.arrays(bool, shape))


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=40)
@given(tile=tiles(), least=st.sampled_from([0, 3]), most=st.sampled_from([None, 20]), extra=st.booleans())
def test_segments_are_4_connected_valid_pixels_within_the_areas_whatever_is_under_the_mask(
    method, tile, least, most, extra
):
    pixels, valid = tile
    areas = np.broadcast_to(pixel_areas(make_grid(valid.shape)), valid.shape)
    limits = {"min_area_m2": least * PIXEL_M2 * 0.99, "max_area_m2": most and most * PIXEL_M2 * 1.01}
    chosen = choose(method, features=("ndvi", "texture") if extra else (), **limits)
    ids, cluster_of_segment = segment(pixels, valid, chosen)
    assert (ids.dtype, cluster_of_segment.dtype) == (np.uint32, np.uint8)
    assert set(np.unique(ids)) | {0} == set(range(len(cluster_of_segment)))
    assert cluster_of_segment[0] == 0
    assert (cluster_of_segment[1:] > 0).all()
    assert not ids[~valid].any()
    for number in range(1, len(cluster_of_segment)):
        assert scipy.ndimage.label(ids == number)[1] == 1
        assert limits["min_area_m2"] <= areas[ids == number].sum() <= (limits["max_area_m2"] or np.inf)
    if method != "kmeans":
        firsts = [np.flatnonzero(ids == number)[0] for number in range(1, len(cluster_of_segment))]
        assert firsts == sorted(firsts)
    if not least and not most:
        assert (ids > 0)[valid].all()
    other = np.where(valid, pixels, np.nan if pixels.dtype == np.float32 else 9999).astype(pixels.dtype)
    np.testing.assert_array_equal(segment(other, valid, chosen)[0], ids)


def test_plain_kmeans_is_clusters_and_their_components(tmp_path):
    pixels, _ = draw_fields(np.random.default_rng(0))
    valid = np.random.default_rng(1).random(pixels.shape[1:]) < 0.9
    chosen = KMeans(clusters=5)
    samples = sample_pixels(pixels, valid, chosen.sample_px, seed_tile(0, "r0c0"))
    codebook = fit_codebook(samples, 5, 0)
    grid = make_grid(valid.shape)
    expected = label_segments(assign_clusters(pixels, valid, codebook), pixel_areas(grid), 500, None)
    write_codebook(tmp_path / "codebook.json", codebook)
    for given_codebook in ("", tmp_path / "codebook.json"):
        for array, wanted in zip(segment(pixels, valid, chosen, codebook=given_codebook), expected, strict=True):
            np.testing.assert_array_equal(array, wanted)


def test_smoothing_makes_fewer_and_larger_segments():
    pixels, _ = draw_fields(np.random.default_rng(3), noise=900)
    valid = np.ones(pixels.shape[1:], bool)
    counts = [len(segment(pixels, valid, choose("kmeans", smooth_px=size))[1]) for size in (1, 3, 5)]
    assert counts[0] > 2 * counts[1] > 2 * counts[2]


@pytest.mark.parametrize("method", ["slic", "watershed"])
def test_superpixels_follow_the_borders_of_fields(method):
    pixels, fields = draw_fields(np.random.default_rng(4))
    valid = np.ones(fields.shape, bool)
    compactness = {"compactness": 0.5} if method == "slic" else {}
    ids, cluster_of_segment = segment(pixels, valid, choose(method, segment_m2=144 * PIXEL_M2 / 2, **compactness))
    assert 64 <= len(cluster_of_segment) - 1 <= 200
    pure = sum(np.bincount(fields[ids == number]).max() for number in range(1, len(cluster_of_segment)))
    assert pure / fields.size > 0.97


@pytest.mark.parametrize("method", ["slic", "watershed"])
@pytest.mark.parametrize("north", [0.0, 8_400_000.0])
def test_the_mean_area_of_superpixels_is_in_true_square_metres(method, north):
    grid = make_grid((200, 200), 3857, 10.0, north)
    area = pixel_areas(grid).mean()
    assert (area > 99) == (north == 0)
    valid = np.ones(grid.shape, bool)
    pixels = np.random.default_rng(5).integers(0, 2, (4, *grid.shape), dtype=np.uint16)
    compactness = {"compactness": 5} if method == "slic" else {}
    _, cluster_of_segment = segment(pixels, valid, choose(method, segment_m2=2500, **compactness), grid=grid)
    assert len(cluster_of_segment) - 1 == pytest.approx(area * valid.size / 2500, rel=0.25)


def test_an_island_without_a_marker_is_a_segment_of_its_own():
    valid = np.zeros((8, 8), bool)
    valid[0, 0] = valid[5:, 5:] = True
    ids, cluster_of_segment = segment(np.ones((4, 8, 8)), valid, choose("watershed", segment_m2=1e4))
    np.testing.assert_array_equal(ids, np.where(valid, np.where(np.arange(8) < 5, 1, 2), 0))
    assert cluster_of_segment.tolist() == [0, 1, 1]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (23, 17)])
def test_a_tile_of_one_value_is_segmented_whole(method, shape):
    pixels, valid = np.full((4, *shape), 0.1, np.float32), np.ones(shape, bool)
    ids, cluster_of_segment = segment(
        pixels, valid, choose(method, segment_m2=1e6) if method != "kmeans" else choose(method)
    )
    np.testing.assert_array_equal(ids, 1)
    assert cluster_of_segment.tolist() == [0, 1]
    texture = segment(pixels, valid, choose(method, features=("texture", "evi")))[0]
    np.testing.assert_array_equal(texture > 0, True)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_sixty_bands_are_segmented(method, dtype):
    pixels = np.random.default_rng(6).integers(0, 250, (60, 30, 20)).astype(dtype)
    pixels[7] = 3
    ids, _ = segment(pixels, np.ones((30, 20), bool), choose(method), bands=[f"b{k}" for k in range(30)])
    assert ids.all()


@pytest.mark.parametrize("method", METHODS)
def test_a_tile_without_a_valid_pixel_has_no_segments(method):
    pixels, valid = np.full((4, 9, 9), np.nan, np.float32), np.zeros((9, 9), bool)
    ids, cluster_of_segment = segment(pixels, valid, choose(method, features=("savi", "texture")))
    assert not ids.any()
    assert cluster_of_segment.tolist() == [0]


@pytest.mark.parametrize("method", METHODS)
def test_a_feature_whose_bands_are_missing_is_refused(method):
    with pytest.raises(CropmineError, match="evi needs the bands blue, red, nir"):
        segment(np.ones((2, 9, 9)), np.ones((9, 9), bool), choose(method, features=("evi",)), bands=("red", "nir"))


def test_texture_tells_rough_land_from_smooth_land_of_the_same_colour():
    rough = np.broadcast_to(np.arange(40) >= 20, (40, 40))
    noise = np.random.default_rng(7).normal(0, np.where(rough, 30, 3), (1, 40, 40))
    pixels, valid = (2000 + noise).astype(np.uint16), np.ones((40, 40), bool)
    purities = []
    for names in ((), ("texture",)):
        chosen = choose("kmeans", clusters=4, features=names)
        clusters = divide_tile(hold_tile(pixels, valid, make_grid(valid.shape), ["pan"]), chosen)
        counts = [np.bincount(clusters[rough == kind], minlength=5) for kind in (False, True)]
        purities.append(np.max(counts, axis=0).sum() / valid.size)
    assert purities[0] < 0.9
    assert purities[1] > 0.95


@pytest.mark.parametrize("method", METHODS)
def test_the_same_tile_is_segmented_the_same_twice(method):
    pixels, _ = draw_fields(np.random.default_rng(8), noise=900)
    valid = np.ones(pixels.shape[1:], bool)
    one, two = (segment(pixels.copy(), valid, choose(method))[0] for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_a_tile_with_a_codebook_imports_neither_a_learner_nor_superpixels(tmp_path):
    code = """
import sys, numpy as np
from affine import Affine
from rasterio.crs import CRS
from cropmine.config.segmentations import KMeans
from cropmine.geo.grids import Grid
from cropmine.mining.clusters import Codebook, write_codebook
from cropmine.mining.segmentation import divide_tile, number_segments
from factories.held_tiles import hold_tile
chosen = KMeans(clusters=2, scope="region")
write_codebook("codebook.json", Codebook(np.zeros(1), np.ones(1), np.array([[0.0], [2.0]])))
grid = Grid(CRS.from_epsg(32636), Affine(5, 0, 5e5, 0, -5, 1e5), 9, 9)
tile = hold_tile(np.ones((1, 9, 9)), np.ones((9, 9), bool), grid, ["red"], fitted="codebook.json")
number_segments(divide_tile(tile, chosen), grid, chosen)
print([name for name in ("sklearn", "skimage", "torch", "scipy", "geopandas", "pandas") if name in sys.modules])
"""
    environment = {"PYTHONPATH": f"{LIBRARY}:{ROOT / 'tests'}"}
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert run.stdout == "[]\n", run.stderr
