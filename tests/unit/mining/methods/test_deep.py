import numpy as np
import pytest
import scipy.ndimage
import torch
from torch import nn

from cropmine.config.models import Network
from cropmine.config.segmentations import Deep
from cropmine.geo.rasters import write_raster
from cropmine.inputs.imagery import read_tile
from cropmine.inputs.neighbours import tile_windows
from cropmine.inputs.tile_sources import TileSource
from cropmine.mining.clusters import smooth_clusters
from cropmine.mining.methods import deep
from cropmine.mining.methods.deep import cluster_features, read_decoder_features, read_validity
from cropmine.mining.segmentation import number_segments
from cropmine.training.networks import Normalisation, build_network
from factories.tiles import make_grid, write_tile

NORM = Normalisation(np.array([700.0, 1700.0]), np.array([900.0, 1100.0]))
DEEP = Deep(experiment="half_human", clusters=4, min_area_m2=0, sample_px=2000)


class Neighbourhood(nn.Module):
    """A network whose decoder sees 8 px around a pixel, less than the halo; its head is never asked."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.decoder = nn.Sequential(nn.Conv2d(2, 3, 17, padding=8), nn.ReLU())
        self.segmentation_head = nn.Conv2d(3, 2, 1)

    def forward(self, pixels):
        return self.segmentation_head(self.decoder(pixels))


@pytest.fixture(scope="module")
def tile(tmp_path_factory):
    grid, source, _, truth = write_tile(tmp_path_factory.mktemp("tile"), "t", size=300, nodata_columns=20)
    return grid, source, truth


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return build_network(Network(encoder="resnet18", encoder_weights=None, decoder_channels=(16, 8, 8, 8, 6)), 2)


def read_features(network, source, shape, windows=None):
    windows = windows or tile_windows(shape)
    features = {}
    for (left, top, width, height), part in read_decoder_features(network, NORM, source, shape, windows, "32"):
        assert part.shape[1:] == (height, width)
        features[left, top] = part
    return features


def test_features_are_what_the_head_is_given_and_no_seam_shows(tile):
    grid, source, _ = tile
    network, whole = Neighbourhood(), np.full((3, *grid.shape), np.nan, np.float32)
    for (left, top), part in read_features(network, source, grid.shape).items():
        whole[:, top : top + part.shape[1], left : left + part.shape[2]] = part
    with torch.inference_mode():
        expected = network.decoder(torch.from_numpy(NORM.apply(*read_tile(source)))[None])[0].numpy()
    inner = np.s_[:, 32:-32, 32:-32]
    np.testing.assert_allclose(whole[inner], expected[inner], atol=1e-5)
    assert np.isfinite(whole).all()


def test_a_window_has_the_same_features_whichever_others_are_asked_for(tile, network):
    grid, source, _ = tile
    windows = tile_windows(grid.shape)
    together = read_features(network, source, grid.shape)
    assert len(together) == len(windows) == 4
    alone = read_features(network, source, grid.shape, windows[2:3])
    np.testing.assert_array_equal(alone[windows[2][:2]], together[windows[2][:2]])


@pytest.mark.parametrize("architecture", ["fpn", "linknet"])
def test_a_decoder_that_is_coarser_than_the_imagery_is_enlarged(tile, architecture, tmp_path):
    _, source, *_ = write_tile(tmp_path, "small", size=40)
    network = build_network(Network(architecture=architecture, encoder="resnet18", encoder_weights=None), 2)
    (features,) = read_features(network, source, (40, 40)).values()
    assert features.shape[1:] == (40, 40)
    assert features.dtype == np.float32


def test_clusters_lie_on_valid_pixels_and_depend_on_nothing_else(tile, network):
    grid, source, _ = tile
    valid = read_validity(source, grid.shape)
    np.testing.assert_array_equal(valid, read_tile(source)[1])
    valid[:, 250:] = False
    one, two = (cluster_features(network, NORM, source, valid, DEEP, "t") for _ in range(2))
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one > 0, valid)
    assert set(np.unique(one)) == {0, 1, 2, 3, 4}


def test_segments_of_deep_clusters_are_4_connected_within_the_areas(tile, network):
    grid, source, _ = tile
    valid = read_validity(source, grid.shape)
    clusters = smooth_clusters(cluster_features(network, NORM, source, valid, DEEP, "t"), 5)
    chosen = DEEP.model_copy(update={"min_area_m2": 2000.0, "max_area_m2": 100_000.0})
    ids, cluster_of_segment = number_segments(clusters, grid, chosen)
    assert len(cluster_of_segment) > 2
    np.testing.assert_array_equal(clusters[ids > 0], cluster_of_segment[ids][ids > 0])
    assert not ids[~valid].any()
    for number in range(1, len(cluster_of_segment)):
        assert scipy.ndimage.label(ids == number)[1] == 1
    pixels = np.bincount(ids.ravel())[1:]
    assert pixels.min() * 25 * 1.01 >= 2000
    assert pixels.max() * 25 * 0.99 <= 100_000


def test_the_values_under_the_mask_change_nothing(network, tmp_path):
    rng, grid = np.random.default_rng(0), make_grid(80, 80)
    image = rng.integers(1, 3000, (2, 80, 80), dtype=np.uint16)
    bad = np.zeros((80, 80), np.uint8)
    bad[20:40, 30:70] = 1
    write_raster(tmp_path / "mask.tif", bad, grid)
    clusters = []
    for name, under in (("a", image), ("b", 60_000)):
        write_raster(tmp_path / f"{name}.tif", np.where(bad, under, image).astype(np.uint16), grid)
        source = TileSource((str(tmp_path / f"{name}.tif"),), 2, (str(tmp_path / "mask.tif"),), (1.0,))
        valid = read_validity(source, grid.shape)
        clusters.append(cluster_features(network, NORM, source, valid, DEEP, "t"))
    np.testing.assert_array_equal(*clusters)
    assert not clusters[0][bad > 0].any()


def test_clusters_are_fitted_to_some_windows_and_assigned_in_all(tile, monkeypatch):
    grid, source, truth = tile
    monkeypatch.setattr(deep, "FIT_WINDOWS", 1)
    valid = read_validity(source, grid.shape)
    clusters = cluster_features(Neighbourhood(), NORM, source, valid, DEEP, "t")
    np.testing.assert_array_equal(clusters > 0, valid)
    counts = np.array([np.bincount(clusters[valid & (truth == kind)], minlength=5) for kind in (False, True)])
    assert counts.max(axis=0).sum() / valid.sum() > 0.7


def test_a_tile_without_a_valid_pixel_needs_no_network(tmp_path):
    grid, source, *_ = write_tile(tmp_path, "t", size=40, nodata_columns=40)
    valid = read_validity(source, grid.shape)
    assert not valid.any()
    assert not cluster_features(nn.Identity(), NORM, source, valid, DEEP, "t").any()


@pytest.mark.parametrize(("size", "value"), [(1, None), (2, None), (40, 700)])
def test_the_smallest_tiles_and_one_value_are_clustered(size, value, network, tmp_path):
    grid, source, *_ = write_tile(tmp_path, "t", size=size)
    if value:
        write_raster(tmp_path / "t.tif", np.full((2, size, size), value, np.uint16), grid)
    clusters = cluster_features(network, NORM, source, read_validity(source, grid.shape), DEEP, "t")
    assert (clusters > 0).all()
