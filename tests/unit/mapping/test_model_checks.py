import numpy as np
import pytest
import torch
from affine import Affine
from rasterio.crs import CRS

from cropmine.config.models import Network
from cropmine.errors import CropmineError
from cropmine.geo.grids import Grid
from cropmine.geo.rasters import write_raster
from cropmine.inputs.tile_sources import TileSource
from cropmine.mapping.model_checks import check_model
from cropmine.training.checkpoints import save_checkpoint
from cropmine.training.networks import Normalisation, build_network

TINY = Network(encoder="resnet18", encoder_weights=None, decoder_channels=(16, 8, 8, 8, 8))
BANDS = ["red", "nir"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.ckpt"
    network = build_network(TINY, 2)
    norm = Normalisation(np.array([900.0, 2500.0]), np.array([300.0, 600.0]))
    save_checkpoint(path, network.state_dict(), TINY, norm, bands=BANDS, dates=1, resolution_m=10.0, precision="32")
    return path


def write_tile(folder, name="t", scale=1.0, metres=10.0, empty=False):
    """A tile of values such as the model was trained on, times a scale, on pixels of some metres."""
    rng = np.random.default_rng(0)
    image = rng.normal([[[900]], [[2500]]], [[[300]], [[600]]], (2, 100, 100)).clip(1) * scale * (not empty)
    grid = Grid(CRS.from_epsg(32636), Affine(metres, 0, 500_000, 0, -metres, 100_000), 100, 100)
    write_raster(folder / f"{name}.tif", image.astype(np.float32), grid, nodata=0)
    return TileSource((str(folder / f"{name}.tif"),), 2)


def test_imagery_like_that_of_the_training_passes(model, tmp_path):
    verdict = check_model(model, [write_tile(tmp_path, scale=1.5), write_tile(tmp_path, "e", empty=True)], BANDS, 1)
    assert verdict["region"]["resolution_m"] == pytest.approx(10, rel=1e-2)
    assert np.divide(verdict["region"]["bright"], verdict["model"]["bright"]) == pytest.approx(1.5, rel=0.1)


@pytest.mark.parametrize(
    ("change", "bands", "dates", "words"),
    [
        ({"scale": 1e-4}, BANDS, 1, "was trained on values up to about .* Hint: reflectance against digital numbers"),
        ({"scale": 100}, BANDS, 1, "was trained on values up to about"),
        ({"metres": 30.0}, BANDS, 1, "was trained on pixels of 10 m, those of the imagery are 30.* m.*gdalwarp"),
        ({}, ["nir", "red"], 1, "was trained on the bands"),
        ({}, BANDS, 2, "on 2"),
    ],
)
def test_other_units_pixels_bands_or_dates_are_refused(model, tmp_path, change, bands, dates, words):
    with pytest.raises(CropmineError, match=words):
        check_model(model, [write_tile(tmp_path, **change)], bands, dates)


def test_every_fault_is_told_at_once(model, tmp_path):
    with pytest.raises(CropmineError, match="2 faults"):
        check_model(model, [write_tile(tmp_path, scale=1e-4, metres=30.0)], BANDS, 1)


def test_a_region_of_nothing_but_nodata_has_no_units_to_check(model, tmp_path):
    assert check_model(model, [write_tile(tmp_path, empty=True)], BANDS, 1)["region"]["bright"] is None


def test_a_checkpoint_of_another_encoder_or_cut_short_is_refused(model, tmp_path):
    content = torch.load(model, weights_only=True)
    torch.save(content | {"model": content["model"] | {"encoder": "resnet34"}}, tmp_path / "other.ckpt")
    (tmp_path / "cut.ckpt").write_bytes(model.read_bytes()[:-1000])
    tile = write_tile(tmp_path)
    with pytest.raises(CropmineError, match="weights of another network"):
        check_model(tmp_path / "other.ckpt", [tile], BANDS, 1)
    with pytest.raises(CropmineError, match=r"cut.ckpt: isn't a checkpoint, or is broken"):
        check_model(tmp_path / "cut.ckpt", [tile], BANDS, 1)
