import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import cropmine
from cropmine.classes import NODATA, encode_probability
from cropmine.config.models import Network
from cropmine.geo.grids import Grid
from cropmine.geo.rasters import write_raster
from cropmine.inputs.imagery import read_tile
from cropmine.inputs.neighbours import (
    OVERLAP_PX,
    STEP_PX,
    lattice_reach,
    lattice_starts,
)
from cropmine.inputs.tile_sources import TileSource
from cropmine.inputs.tile_views import HALO_PX, locate_grid, surround_tile
from cropmine.training.models.network import NetworkPredictor
from cropmine.training.networks import Normalisation, build_network
from cropmine.training.prediction import RAMP, fold_norms, predict_strips
from cropmine.training.predictors import predict_tile
from factories.tiles import PIXEL_M, UTM, write_tile

LIBRARY = str(Path(cropmine.__file__).parent.parent)
NORM = Normalisation(np.array([700.0, 1700.0]), np.array([900.0, 1100.0]))
# North-western corner of the region that is cut: windows meet in it, and it starts on no multiple of 32 px.
COLUMN, ROW, SIDE = 200 * STEP_PX - 87, -40 * STEP_PX - 75, 160


def predict(network, view, precision="auto", wanted=None):
    return predict_tile(NetworkPredictor(network, NORM, {"precision": precision}), view, wanted)


class Neighbourhood(nn.Module):
    """A network that sees 16 px around a pixel."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.network = nn.Sequential(nn.Conv2d(2, 4, 17, padding=8), nn.ReLU(), nn.Conv2d(4, 2, 17, padding=8))

    def forward(self, pixels):
        return self.network(pixels) * 5


class WholeWindow(nn.Module):
    """A network in which every pixel of a window changes all others: the hardest to leave no seam."""

    def forward(self, pixels):
        mean = pixels.mean((1, 2, 3), keepdim=True)
        corner = pixels[:, :1, :1, :1]
        return torch.cat([-pixels[:, :1] + mean, pixels[:, 1:2] * mean + corner], 1)


def build_unet() -> nn.Module:
    torch.manual_seed(0)
    network = build_network(Network(encoder="resnet18", encoder_weights=None, decoder_channels=(16, 8, 8, 8, 8)), 2)
    nn.init.normal_(network.segmentation_head[0].weight, std=1.0)
    return network


@pytest.fixture(scope="module")
def tile(tmp_path_factory):
    grid, source, *_ = write_tile(tmp_path_factory.mktemp("tile"), "t", size=300, nodata_columns=20)
    return grid, source


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    """Imagery of a region with a hole, and the sources of the tiles that it is cut into, by how many a side."""
    rng = np.random.default_rng(3)
    image = rng.integers(500, 3000, (2, SIDE, SIDE), dtype=np.uint16)
    image[:, 30:90, 70:85] = 0
    whole = Grid(UTM, Affine(PIXEL_M, 0, COLUMN * PIXEL_M, 0, -PIXEL_M, -ROW * PIXEL_M), SIDE, SIDE)
    cuts = {}
    for across in (1, 2, 4):
        folder, size = tmp_path_factory.mktemp(f"cut{across}"), SIDE // across
        for row in range(0, SIDE, size):
            for column in range(0, SIDE, size):
                path, part = folder / f"r{row}c{column}.tif", np.s_[:, row : row + size, column : column + size]
                write_raster(path, image[part], whole.window(column, row, size, size), nodata=0)
                cuts.setdefault(across, {})[row, column] = TileSource((str(path),), 2)
    return image, cuts


def map_region(network, sources, precision="32"):
    codes = np.zeros((SIDE, SIDE), np.uint8)
    for row, column in sources:
        part = predict(network, surround_tile((row, column), sources), precision)
        codes[row : row + part.shape[0], column : column + part.shape[1]] = part
    return codes


@pytest.mark.parametrize(("build", "precision"), [(build_unet, "bf16"), (WholeWindow, "32")])
def test_a_region_has_one_map_whether_it_is_cut_into_1_4_or_16_tiles(region, build, precision):
    image, cuts = region
    whole, four, sixteen = (map_region(build(), cuts[across], precision) for across in (1, 2, 4))
    assert np.ptp(whole[image[0] > 0]) > 20
    for codes in (four, sixteen):
        assert np.abs(codes.astype(int) - whole).max() <= 1
        assert (codes == whole).mean() > 0.999
    for codes in (whole, four, sixteen):
        np.testing.assert_array_equal(codes == NODATA, image[0] == 0)


def test_without_its_neighbours_a_tile_would_differ_along_their_border(region):
    _, cuts = region
    lonely = map_region(WholeWindow(), {(0, 0): cuts[4][0, 0]})
    amid = map_region(WholeWindow(), cuts[4])
    assert (lonely[:40, :40] != amid[:40, :40]).any()


def test_tiles_that_touch_nothing_are_mapped_each_by_itself(tmp_path):
    sources = {name: write_tile(tmp_path, name, 64, column=40 * place)[1] for place, name in enumerate("ab")}
    for name in sources:
        view = surround_tile(name, sources)
        assert not view.others
        assert (predict(Neighbourhood(), view) <= 200).all()


@given(start=st.integers(-(10**7), 10**7), size=st.integers(1, 3000))
def test_the_weights_of_the_windows_of_the_lattice_add_up_to_one(start, size):
    near, far = lattice_reach(start, start + size)
    weights = np.zeros(far - near)
    for left in lattice_starts(start, start + size):
        weights[left - near : left - near + len(RAMP)] += RAMP
    inner = weights[start - near : start - near + size]
    np.testing.assert_allclose(inner, 1, atol=1e-6)
    assert near > start - STEP_PX - OVERLAP_PX
    assert far < start + size + STEP_PX + OVERLAP_PX


def test_no_seam_shows_where_windows_meet_nor_at_the_edges_of_a_tile_alone(tile):
    grid, source = tile
    network = Neighbourhood()
    view = surround_tile("t", {"t": source})
    assert len([pane for _, panes in view.lay_panes() for pane in panes]) > 1
    codes = predict(network, view, "32")
    pixels, valid = read_tile(source)
    mirrored = np.pad(NORM.apply(pixels, valid), ((0, 0), (HALO_PX, HALO_PX), (HALO_PX, HALO_PX)), mode="reflect")
    with torch.inference_mode():
        logits = network(torch.from_numpy(mirrored)[None])[0, :, HALO_PX:-HALO_PX, HALO_PX:-HALO_PX]
    whole = encode_probability(torch.sigmoid(logits[1] - logits[0]).numpy(), valid)
    apart = np.abs(codes.astype(int) - whole)
    seams = [STEP_PX - corner % STEP_PX for corner in locate_grid(grid).corner]
    near = np.zeros(grid.shape, bool)
    for axis, seam in enumerate(seams):
        for middle in (seam, seam - STEP_PX):
            columns = np.abs(np.arange(grid.width) - middle - OVERLAP_PX // 2) <= OVERLAP_PX
            near |= columns if axis == 0 else columns[:, None]
    assert apart[~near].max() <= 1
    np.testing.assert_array_equal(codes == NODATA, ~valid)


def test_wanted_pixels_have_the_same_codes_as_in_the_whole_tile(tile):
    grid, source = tile
    view = surround_tile("t", {"t": source})
    whole = predict(Neighbourhood(), view)
    wanted = np.zeros(grid.shape, bool)
    wanted[30:60, 100:230] = True
    some = predict(Neighbourhood(), view, wanted=wanted)
    np.testing.assert_array_equal(some[wanted], whole[wanted])
    assert (some[~wanted] == NODATA).all()


def test_strips_hold_a_tile_from_top_to_bottom(tmp_path):
    grid, source, *_ = write_tile(tmp_path, "t", size=1200)
    strips = list(predict_strips(WholeWindow(), NORM, surround_tile("t", {"t": source})))
    assert [row for row, _ in strips] == np.cumsum([0, *(len(codes) for _, codes in strips[:-1])]).tolist()
    assert sum(len(codes) for _, codes in strips) == grid.height
    assert max(len(codes) for _, codes in strips) <= STEP_PX


def test_a_tile_without_a_valid_pixel_needs_no_network(tmp_path):
    _, source, *_ = write_tile(tmp_path, "t", size=40, nodata_columns=40)
    assert (predict(nn.Identity(), surround_tile("t", {"t": source})) == NODATA).all()


@pytest.mark.parametrize("size", [1, 2, 5, 33, 100])
def test_tiles_smaller_than_a_window_or_of_no_multiple_of_32_px_are_predicted(size, tmp_path):
    _, source, *_ = write_tile(tmp_path, "t", size=size)
    codes = predict(build_unet(), surround_tile("t", {"t": source}))
    assert codes.shape == (size, size)
    assert (codes <= 200).all()


def test_a_network_with_its_norms_folded_is_the_same_function():
    network = build_unet().train()
    pixels = torch.randn(2, 2, 64, 96, generator=torch.Generator().manual_seed(1))
    network(3 * pixels + 1)  # its norms have seen something
    network.eval()
    folded = fold_norms(network)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    with torch.inference_mode():
        assert torch.allclose(folded(pixels), network(pixels), atol=1e-4)


def test_a_network_that_looks_at_its_input_is_left_as_it_is():
    network = build_network(Network(architecture="fpn", encoder="resnet18", encoder_weights=None), 2).eval()
    assert fold_norms(network) is network


def test_scoring_and_mapping_import_no_trainer():
    code = (
        "import sys, cropmine.training.prediction, cropmine.scoring.score_files, cropmine.mapping.map_tiles; "
        "print('pytorch_lightning' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": LIBRARY})
    assert run.stdout == "False\n", run.stderr
