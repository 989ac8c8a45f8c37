import numpy as np

from cropmine.features.pixels import PixelFeatures
from cropmine.geo.rasters import write_raster
from cropmine.inputs.tile_sources import TileSource
from cropmine.training.trees import read_samples
from factories.rasters import make_grid


def test_samples_are_the_features_of_their_pixels_in_the_order_of_places(tmp_path):
    grid, sources, arrays = make_grid(700, 30), {}, {}
    for number, name in enumerate(("a", "b")):
        arrays[name] = np.random.default_rng(number).integers(1, 9000, (2, 30, 700)).astype(np.uint16)
        write_raster(tmp_path / f"{name}.tif", arrays[name], grid, nodata=0)
        sources[name] = TileSource((str(tmp_path / f"{name}.tif"),), 2)
    places = np.array([[1, 3, 650], [0, 29, 5], [1, 0, 0], [0, 10, 600]])
    samples, valid = read_samples(sources, {}, places, PixelFeatures(("red", "nir"), (3,)))
    assert samples.shape == (4, 6) and valid.all()
    for sample, (tile, row, column) in zip(samples, places, strict=True):
        array = arrays["ab"[tile]]
        assert (sample[:2] == array[:, row, column]).all()
        around = array[:, max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2].reshape(2, -1)
        np.testing.assert_allclose(sample[2:4], around.mean(axis=1), rtol=1e-5)
        np.testing.assert_allclose(sample[4:], around.std(axis=1), rtol=1e-3)
