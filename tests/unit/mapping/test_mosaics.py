"""Mosaics join the tiles of a map."""

import numpy as np
import rasterio
import rasterio.warp

from cropmine.mapping.mosaics import build_mosaics


def test_mosaics_show_the_tiles_in_place_and_may_be_moved(quilt, tmp_path):
    paths, grids, classes = quilt
    (tmp_path / "map/cropland_4326.vrt").write_text("of an earlier mosaic")
    made = build_mosaics(tmp_path / "map/cropland.vrt", paths)
    assert [path.name for path in made] == ["cropland.vrt", "cropland_32736.vrt"]
    assert sorted(path.name for path in tmp_path.glob("map/*.vrt")) == ["cropland.vrt", "cropland_32736.vrt"]
    (tmp_path / "map").rename(tmp_path / "moved")
    with rasterio.open(tmp_path / "moved/cropland.vrt") as dataset:
        assert (dataset.width, dataset.height, dataset.crs) == (36, 16, grids[0].crs)
        assert dataset.transform.almost_equals(grids[0].transform)
        joined = dataset.read(2)
    np.testing.assert_array_equal(joined[:, :16], classes[0][:, :16])
    np.testing.assert_array_equal(joined[:, 20:], classes[1][:, 4:])
    np.testing.assert_array_equal(joined[:8, 16:20], classes[0][:8, 16:])
    np.testing.assert_array_equal(joined[8:, 16:20], classes[1][8:, :4])
    with rasterio.open(tmp_path / "moved/cropland_32736.vrt") as dataset:
        np.testing.assert_array_equal(dataset.read(2), classes[2])


def test_the_mosaic_tells_colours_and_scale(mosaics):
    with rasterio.open(mosaics[0]) as dataset:
        assert dataset.colormap(2)[1] == (0xE6, 0x9F, 0, 255)
        assert dataset.scales == (0.005, 1.0, 0.005)
        assert dataset.tags()["map_version"] == "first-0123abcd"
