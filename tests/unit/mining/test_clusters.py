import numpy as np
import pytest
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from cropmine.mining.clusters import _move_centres, find_centres


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
