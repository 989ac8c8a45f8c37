import numpy as np
import pytest
import rasterio
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from rasterio import Affine
from rasterio.crs import CRS
from threadpoolctl import threadpool_limits

from cropmine.errors import CropmineError
from cropmine.geo.grids import Grid
from cropmine.geo.rasters import write_raster
from cropmine.mining.clusters import (
    Codebook,
    assign_clusters,
    fit_codebook,
    pool_samples,
    read_codebook,
    sample_pixels,
    seed_tile,
    write_codebook,
)
from cropmine.mining.segment_files import read_segment_strips, read_segments, write_segments
from cropmine.mining.segments import label_segments

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12)
CLUSTERS = hnp.arrays(np.uint8, SHAPES, elements=st.integers(0, 3))


def make_tile(rng, height=64, width=48, channels=4):
    pixels = rng.integers(0, 3000, (channels, height, width), dtype=np.uint16)
    return pixels, rng.random((height, width)) < 0.8


def pool_tiles(tiles, n, rng):
    draws = ((sample_pixels(pixels, valid, n, rng), np.count_nonzero(valid)) for pixels, valid in tiles)
    return pool_samples(draws, n, rng)


def label_by_scipy(clusters, areas, least, most):
    """What label_segments gives, by scipy and plainly."""
    ids, ends = np.zeros(clusters.shape, dtype=np.uint32), [0]
    areas = np.broadcast_to(areas, clusters.shape)
    for cluster in range(1, int(clusters.max()) + 1):
        components, n = scipy.ndimage.label(clusters == cluster)
        firsts = [np.flatnonzero(components == k)[0] for k in range(1, n + 1)]
        for k in np.argsort(firsts) + 1:
            area = areas[components == k].sum()
            if least <= area <= (np.inf if most is None else most):
                ids[components == k] = len(ends)
                ends.append(cluster)
    return ids, np.array(ends, dtype=np.uint8)


@given(CLUSTERS, st.sampled_from([0, 2, 4]), st.sampled_from([None, 6]), st.sampled_from(["one", "rows", "pixels"]))
def test_segments_are_the_4_connected_pixels_of_a_cluster_within_the_areas(clusters, least, most, kind):
    height, width = clusters.shape
    areas = np.arange(1, height * width + 1).reshape(height, width) / 8
    areas = {"one": np.ones((1, 1)), "rows": areas[:, :1], "pixels": areas}[kind]
    ids, cluster_of_segment = label_segments(clusters, areas, least, most)
    expected_ids, expected_clusters = label_by_scipy(clusters, areas, least, most)
    assert ids.dtype == np.uint32
    np.testing.assert_array_equal(ids, expected_ids)
    np.testing.assert_array_equal(cluster_of_segment, expected_clusters)


@given(CLUSTERS, st.integers(1, 40), st.sampled_from([None, 6]), st.sampled_from([1, 20, 1 << 21]))
def test_bands_of_rows_change_no_segment_nor_do_strips_that_are_summed_at_once(clusters, band_px, most, strip_px):
    areas = np.arange(1, len(clusters) + 1)[:, None] / 4
    whole = label_segments(clusters, areas, 1, most)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cropmine.mining.segments.STRIP_PX", strip_px)
        banded = label_segments(clusters, lambda top, bottom: areas[top:bottom], 1, most, band_px=band_px)
    for one, other in zip(whole, banded, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_segment_whose_parts_meet_far_from_its_end_is_one():
    clusters = np.array([[1, 1, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1], [1, 1, 1]], dtype=np.uint8)
    ids, cluster_of_segment = label_segments(clusters, np.ones((1, 1)), 1, None, band_px=1)
    assert cluster_of_segment.tolist() == [0, 1]
    np.testing.assert_array_equal(ids, clusters)


def test_segments_that_span_the_same_bands_stay_apart():
    clusters = np.array([[1, 2, 1, 3]] * 3, dtype=np.uint8)
    ids, cluster_of_segment = label_segments(clusters, np.ones((1, 1)), 1, None, band_px=4)
    assert ids.tolist() == [[1, 3, 2, 4]] * 3
    assert cluster_of_segment.tolist() == [0, 1, 1, 2, 3]


def test_a_segment_that_spans_many_chunks_of_rows_is_one():
    clusters = np.ones((1000, 3), dtype=np.uint8)
    clusters[::2, 1] = 2
    ids, cluster_of_segment = label_segments(clusters, np.full((1000, 1), 2.0), 3, 5000)
    assert cluster_of_segment.tolist() == [0, 1]
    np.testing.assert_array_equal(ids, clusters == 1)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1)])
def test_tiles_of_a_single_row_or_column_are_segmented(shape):
    pixels, valid = np.full((2, *shape), 7, dtype=np.uint16), np.ones(shape, dtype=bool)
    samples = sample_pixels(pixels, valid, 100, np.random.default_rng(0))
    clusters = assign_clusters(pixels, valid, fit_codebook(samples, 10, 0))
    ids, cluster_of_segment = label_segments(clusters, np.ones((shape[0], 1)), 0, None)
    assert (ids == 1).all()
    assert cluster_of_segment.tolist() == [0, 1]


def test_fewer_distinct_pixels_than_clusters_each_have_a_cluster_of_their_own():
    values = np.array([[5, 9, 9], [5, 200, 5]], dtype=np.uint16)
    pixels = np.stack([values, np.full_like(values, 40_000)])
    valid = np.ones(values.shape, dtype=bool)
    codebook = fit_codebook(sample_pixels(pixels, valid, 99, np.random.default_rng(0)), 10, 0)
    clusters = assign_clusters(pixels, valid, codebook)
    assert len(codebook.centres) == 3
    np.testing.assert_array_equal(clusters, [[1, 2, 2], [1, 3, 1]])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_each_pixel_goes_to_the_nearest_centre(dtype):
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 250, (3, 300, 301)).astype(dtype)
    valid = rng.random((300, 301)) < 0.7
    codebook = fit_codebook(sample_pixels(pixels, valid, 5000, rng), 7, 3)
    standard = (pixels.reshape(3, -1).T - codebook.mean) / codebook.scale
    distances = ((standard[:, None] - codebook.centres) ** 2).sum(axis=2)
    chosen = assign_clusters(pixels, valid, codebook).reshape(-1)
    inside = valid.reshape(-1)
    assert (chosen[~inside] == 0).all()
    nearest = distances.min(axis=1)[inside]
    np.testing.assert_allclose(distances[inside, chosen[inside] - 1], nearest, rtol=1e-4, atol=1e-4)


def test_the_values_under_the_mask_change_nothing():
    pixels, valid = make_tile(np.random.default_rng(2))
    other = np.where(valid, pixels.astype(np.float32), np.nan)
    results = []
    for image in (pixels, other):
        samples = sample_pixels(image, valid, 1000, seed_tile(0, "r0c0"))
        results.append(assign_clusters(image, valid, fit_codebook(samples, 5, 0)))
    np.testing.assert_array_equal(*results)


def test_the_threads_granted_change_no_codebook():
    pixels, valid = make_tile(np.random.default_rng(3), 256, 256)
    samples = sample_pixels(pixels, valid, 40_000, np.random.default_rng(0))
    codebooks = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            codebooks.append(fit_codebook(samples, 10, 0))
    np.testing.assert_array_equal(codebooks[0].centres, codebooks[1].centres)


def test_no_valid_pixel_is_an_error_to_fit():
    told = r"^imagery: no valid pixel to cluster\. Hint: look at nodata and at the mask files\.$"
    with pytest.raises(CropmineError, match=told):
        fit_codebook(np.empty((0, 4), dtype=np.float32), 10, 0)


@given(st.integers(1, 60), st.integers(0, 99))
def test_a_sample_holds_distinct_valid_pixels_only(n, seed):
    rng = np.random.default_rng(seed)
    valid = rng.random((6, 8)) < rng.random()
    pixels = np.arange(48, dtype=np.uint16).reshape(1, 6, 8)
    sample = sample_pixels(pixels, valid, n, rng)
    assert sample.shape == (min(n, valid.sum()), 1)
    assert len(np.unique(sample)) == len(sample)
    assert set(sample[:, 0]) <= set(pixels[0][valid])


def test_every_valid_pixel_of_a_region_has_the_same_chance_of_being_drawn():
    rng = np.random.default_rng(4)
    sizes, hits, draws = [(10, 40), (2, 5), (1, 1), (9, 10)], np.zeros(4), 400
    tiles = [(np.full((2, *size), k, dtype=np.uint8), np.ones(size, dtype=bool)) for k, size in enumerate(sizes)]
    tiles.insert(1, (tiles[0][0] + 9, np.zeros(sizes[0], dtype=bool)))
    for _ in range(draws):
        pool = pool_tiles(tiles, 50, rng)
        assert pool.shape == (50, 2)
        hits += np.bincount(pool[:, 0].astype(int), minlength=4)
    expected = np.array([400, 10, 1, 90]) / 501 * 50 * draws
    assert (np.abs(hits - expected) < 5 * np.sqrt(expected)).all()
    assert len(pool_tiles(tiles, 1000, rng)) == 501


def test_of_tiles_without_a_valid_pixel_there_is_an_empty_sample():
    pool = pool_tiles([(np.ones((2, 3, 4), dtype=np.uint8), np.zeros((3, 4), dtype=bool))], 5, np.random.default_rng(0))
    assert pool.shape == (0, 0) and pool.dtype == np.float32


def test_a_tiles_draw_depends_on_seed_and_name_alone():
    assert seed_tile(0, "r0c0").random() == seed_tile(0, "r0c0").random()
    assert len({seed_tile(seed, tile).random() for seed in (0, 1) for tile in ("r0c0", "r0c1")}) == 4


def test_a_codebook_is_read_back_to_the_last_digit(tmp_path):
    rng = np.random.default_rng(5)
    codebook = Codebook(rng.random(4), rng.random(4), rng.random((6, 4)))
    write_codebook(tmp_path / "codebook.json", codebook)
    again = read_codebook(tmp_path / "codebook.json")
    for name in ("mean", "scale", "centres"):
        np.testing.assert_array_equal(getattr(codebook, name), getattr(again, name))


def test_the_threads_granted_change_no_cluster():
    pixels, valid = make_tile(np.random.default_rng(7), 300, 301)
    codebook = fit_codebook(sample_pixels(pixels, valid, 2000, np.random.default_rng(0)), 10, 0)
    one = assign_clusters(pixels, valid, codebook, threads=1)
    np.testing.assert_array_equal(one, assign_clusters(pixels, valid, codebook, threads=3))


def test_strips_of_segments_are_those_of_the_whole_file(tmp_path, monkeypatch):
    monkeypatch.setattr("cropmine.mining.segment_files.STRIP_PX", 256 * 40)
    clusters = np.random.default_rng(8).integers(0, 3, (600, 40), dtype=np.uint8)
    ids, cluster_of_segment = label_segments(clusters, np.ones((1, 1)), 0, None)
    write_segments(
        tmp_path / "a.tif",
        ids,
        cluster_of_segment,
        Grid(CRS.from_epsg(3857), Affine(4.777, 0, 1e6, 0, -4.777, 2e6), 40, 600),
    )
    for top, bottom in [(0, 600), (0, 1), (255, 257), (300, 600)]:
        strips = [strip.copy() for strip in read_segment_strips(tmp_path / "a.tif", top, bottom)]
        np.testing.assert_array_equal(np.concatenate(strips), ids[top:bottom])
        assert {strip.dtype for strip in strips} == {np.dtype(np.uint32)}
    assert len(strips) == 2
    monkeypatch.setattr("cropmine.mining.segment_files.STRIP_PX", 1)
    assert [len(strip) for strip in read_segment_strips(tmp_path / "a.tif", 0, 600)] == [256, 256, 88]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", r"isn't a codebook \(JSONDecodeError.*\)"),
        ("[]", r"isn't a codebook \(TypeError.*\)"),
        ('{"mean": [0]}', r"isn't a codebook \(KeyError\('scale'\)\)"),
        ('{"mean": ["a"], "scale": [1], "centres": [[1]]}', r"isn't a codebook \(ValueError.*\)"),
        ('{"mean": [0], "scale": [1, 2], "centres": [[1]]}', "the shapes of its arrays disagree"),
        ('{"mean": [0], "scale": [1], "centres": [1]}', "the shapes of its arrays disagree"),
    ],
)
def test_a_file_that_is_no_codebook_is_named(tmp_path, text, fault):
    path = tmp_path / "codebook.json"
    path.write_text(text)
    hint = r"Hint: delete it and it will be fitted anew\.$"
    with pytest.raises(CropmineError, match=rf"codebook\.json: {fault}\. {hint}"):
        read_codebook(path)


def test_numbers_of_a_codebook_are_of_double_precision_however_they_are_written(tmp_path):
    (tmp_path / "whole.json").write_text('{"mean": [0], "scale": [1], "centres": [[1], [2]]}')
    codebook = read_codebook(tmp_path / "whole.json")
    assert {part.dtype for part in (codebook.mean, codebook.scale, codebook.centres)} == {np.dtype(np.float64)}


@pytest.mark.parametrize("case", ["ordinary", "no segments", "a cluster without segments"])
def test_segments_are_read_back_and_written_to_the_same_bytes(tmp_path, case):
    clusters = np.random.default_rng(6).choice([0, 1, 2, 4], (30, 40)).astype(np.uint8)
    least = 1e9 if case == "no segments" else 2
    ids, cluster_of_segment = label_segments(clusters, np.ones((1, 1)), least, None)
    grid = Grid(CRS.from_epsg(3857), Affine(4.777, 0, 1e6, 0, -4.777, 2e6), 40, 30)
    for name in ("a.tif", "b.tif"):
        write_segments(tmp_path / name, ids, cluster_of_segment, grid)
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()
    again, clusters_again = read_segments(tmp_path / "a.tif")
    assert again.dtype == np.uint32
    np.testing.assert_array_equal(again, ids)
    np.testing.assert_array_equal(clusters_again, cluster_of_segment)
    assert clusters_again.dtype == np.uint8
    with rasterio.open(tmp_path / "a.tif") as dataset:
        assert (dataset.nodata, dataset.descriptions) == (0, ("segment",))


def test_a_file_that_holds_no_segments_is_named(tmp_path):
    (tmp_path / "broken.tif").write_text("no raster")
    with pytest.raises(
        CropmineError, match=r"broken\.tif: can't be read \(.+\)\. Hint: delete it and it will be made anew"
    ):
        read_segments(tmp_path / "broken.tif")
    grid = Grid(CRS.from_epsg(3857), Affine(4.777, 0, 1e6, 0, -4.777, 2e6), 4, 3)
    write_raster(tmp_path / "other.tif", np.zeros(grid.shape, np.uint32), grid)
    what = r"other\.tif: has no tag CLUSTER_ENDS, so it holds no segments\. Hint: delete it to make it anew\.$"
    with pytest.raises(CropmineError, match=what):
        read_segments(tmp_path / "other.tif")
