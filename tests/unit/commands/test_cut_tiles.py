import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from cropmine.commands.cut_tiles import cut_mosaic
from cropmine.errors import CropmineError

BANDS = ("blue", "nir")


@pytest.fixture
def mosaic(tmp_path):
    """A mosaic of 100 × 70 px whose upper left quarter holds nothing."""
    values = np.random.default_rng(0).integers(1, 9000, (2, 70, 100)).astype("uint16")
    values[:, :48, :48] = 0
    shape = {"driver": "GTiff", "width": 100, "height": 70, "count": 2, "dtype": "uint16"}
    place = {"crs": "EPSG:32637", "transform": from_origin(400_000, 100_000, 5, 5), "nodata": 0}
    with rasterio.open(tmp_path / "mosaic.tif", "w", **shape, **place) as dataset:
        dataset.write(values)
        dataset.descriptions = BANDS
    return tmp_path / "mosaic.tif", values


def test_tiles_hold_the_mosaics_pixels_at_their_places(mosaic, tmp_path):
    path, values = mosaic
    written, empty = cut_mosaic(path, tmp_path / "tiles", 48)
    assert [one.name for one in written] == [
        "r000c001.tif",
        "r000c002.tif",
        "r001c000.tif",
        "r001c001.tif",
        "r001c002.tif",
    ]
    assert empty == 1
    joined = np.zeros_like(values)
    with rasterio.open(path) as whole:
        for one in written:
            with rasterio.open(one) as tile:
                assert (tile.crs, tile.nodata, tile.descriptions) == (whole.crs, 0, BANDS)
                window = whole.window(*tile.bounds).round_offsets().round_lengths()
                joined[:, *window.toslices()] = tile.read()
    np.testing.assert_array_equal(joined, values)


def test_alpha_and_masks_are_kept(mosaic, tmp_path):
    path, _ = mosaic
    with rasterio.open(path, "r+") as dataset:
        dataset.nodata = None
        mask = np.full(dataset.shape, 255, np.uint8)
        mask[:, 90:] = 0
        dataset.write_mask(mask)
    written, empty = cut_mosaic(path, tmp_path / "tiles", 80)
    assert empty == 0
    with rasterio.open(written[1]) as tile:
        assert not tile.dataset_mask()[:, 10:].any()
        assert tile.dataset_mask()[:, :10].all()


def test_a_folder_with_other_rasters_and_an_odd_size_are_refused(mosaic, tmp_path):
    path, _ = mosaic
    cut_mosaic(path, tmp_path / "tiles", 32)
    with pytest.raises(CropmineError, match=r"holds rasters that this cut doesn't make: r000c003.tif"):
        cut_mosaic(path, tmp_path / "tiles", 48)
    with pytest.raises(CropmineError, match=r"a multiple of 16"):
        cut_mosaic(path, tmp_path / "others", 100)
