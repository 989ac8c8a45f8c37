"""Cloud-optimised GeoTIFFs: whole, the same each time, with overviews of their own classes."""

import numpy as np
import rasterio
from rasterio.windows import Window

from cropmine.geo.cogs import write_cog
from cropmine.geo.rasters import read_raster
from factories.rasters import checkerboard, make_grid, write_whole


def test_a_cog_has_the_colours_and_scales_of_its_values(tmp_path):
    part = (Window(0, 0, 4, 4), np.ones((1, 4, 4), np.uint8))
    colours = [(value, 8, 7, 255) for value in range(256)]
    write_cog(tmp_path / "a.tif", make_grid(4, 4), [part], 255, ["class"], {}, scales=[0.005], colours=colours)
    with rasterio.open(tmp_path / "a.tif") as file:
        assert (file.colormap(1)[9], file.scales, file.offsets) == ((9, 8, 7, 255), (0.005,), (0,))


def test_what_no_part_of_a_cog_covers_is_nodata(tmp_path):
    corner = (Window(1000, 900, 100, 100), np.full((1, 100, 100), 7, np.uint8))
    sizes = []
    for sparse in (True, False):
        write_cog(tmp_path / "a.tif", make_grid(1100, 1000), [corner], 255, ["class"], {}, sparse=sparse)
        values = read_raster(tmp_path / "a.tif")
        assert (values[900:, 1000:] == 7).all() and (values == 7).sum() == 100 * 100
        assert (values == 255).sum() == values.size - 100 * 100
        sizes.append((tmp_path / "a.tif").stat().st_size)
    assert sizes[0] < sizes[1]


def test_overviews_hold_no_class_that_the_raster_lacks(tmp_path):
    write_whole(tmp_path / "a.tif", checkerboard(1100, 1100, 3) * 200, make_grid(1100, 1100))
    with rasterio.open(tmp_path / "a.tif") as file:
        assert file.overviews(1)[0] == 2
        assert set(np.unique(file.read(1, out_shape=(275, 275)))) <= {0, 200}
