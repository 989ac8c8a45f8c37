import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from cropmine.errors import CropmineError
from cropmine.mining.clusters import (
    Codebook,
    _move_centres,
    assign_clusters,
    find_centres,
    fit_codebook,
    pool_samples,
    read_codebook,
    sample_pixels,
    seed_tile,
    smooth_clusters,
    write_codebook,
)


@pytest.mark.parametrize(("clusters", "seed"), [(1, 0), (2, 1), (10, 0), (30, 5)])
def test_centres_are_those_of_scikit_learn(clusters, seed):
    rng = np.random.default_rng(seed)
    samples = rng.normal(rng.integers(0, 6, (3000, 1)), 0.4, (3000, 4))
    with threadpool_limits(1):
        expected = KMeans(clusters, n_init=1, random_state=seed).fit(samples).cluster_centers_
    np.testing.assert_allclose(find_centres(samples, clusters, seed), expected, rtol=1e-9, atol=1e-12)


def test_as_many_clusters_as_almost_all_places_stay_apart():
    samples = np.repeat(np.random.default_rng(0).normal(size=(24, 2)), 50, axis=0)
    for seed in range(20):
        centres = find_centres(samples, 20, seed)
        assert np.isfinite(centres).all()
        assert len(np.unique(centres.round(9), axis=0)) == 20


@pytest.mark.parametrize("away", [1, 2])
def test_clusters_without_a_sample_take_the_farthest_ones_as_in_scikit_learn(away):
    samples = np.random.default_rng(2).normal(size=(400, 2))
    start = np.concatenate([samples[:3], np.full((away, 2), 50.0) + np.arange(away)[:, None]])
    with threadpool_limits(1):
        expected = KMeans(len(start), init=start, n_init=1).fit(samples).cluster_centers_
    np.testing.assert_allclose(_move_centres(samples, start), expected, rtol=1e-9, atol=1e-12)


def test_the_threads_granted_change_no_centre():
    samples = np.random.default_rng(1).normal(size=(20_000, 5))
    with threadpool_limits(1):
        one = find_centres(samples, 8, 0)
    with threadpool_limits(2):
        np.testing.assert_array_equal(one, find_centres(samples, 8, 0))


def make_tile(rng, height=64, width=48, channels=4):
    pixels = rng.integers(0, 3000, (channels, height, width), dtype=np.uint16)
    return pixels, rng.random((height, width)) < 0.8


def pool_tiles(tiles, n, rng):
    draws = ((sample_pixels(pixels, valid, n, rng), np.count_nonzero(valid)) for pixels, valid in tiles)
    return pool_samples(draws, n, rng)


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
    hint = r"Hint: delete it and it will be made again\.$"
    with pytest.raises(CropmineError, match=rf"codebook\.json: {fault}\. {hint}"):
        read_codebook(path)


def test_numbers_of_a_codebook_are_of_double_precision_however_they_are_written(tmp_path):
    (tmp_path / "whole.json").write_text('{"mean": [0], "scale": [1], "centres": [[1], [2]]}')
    codebook = read_codebook(tmp_path / "whole.json")
    assert {part.dtype for part in (codebook.mean, codebook.scale, codebook.centres)} == {np.dtype(np.float64)}


def smooth_plainly(clusters, size):
    """What smooth_clusters gives, pixel by pixel."""
    margin, out = size // 2, np.zeros_like(clusters)
    for row, column in np.argwhere(clusters > 0):
        rows, columns = (slice(max(place - margin, 0), place + margin + 1) for place in (row, column))
        counts = np.bincount(clusters[rows, columns].ravel(), minlength=256)
        counts[0] = 0
        own = clusters[row, column]
        out[row, column] = own if counts[own] == counts.max() else counts.argmax()
    return out


@settings(max_examples=60)
@given(
    hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=14), elements=st.sampled_from([0, 1, 2, 7])),
    st.sampled_from([1, 3, 5, 7, 13]),
)
def test_smoothing_is_a_majority_among_valid_pixels_where_the_own_cluster_wins_ties(clusters, size):
    np.testing.assert_array_equal(smooth_clusters(clusters, size), smooth_plainly(clusters, size))


def test_the_largest_window_counts_right_and_strips_leave_no_trace():
    clusters = np.random.default_rng(2).choice([0, 1, 1, 250], (300, 40)).astype(np.uint8)
    np.testing.assert_array_equal(smooth_clusters(clusters, 31), smooth_plainly(clusters, 31))
