import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rasterio.crs import CRS

from cropmine.geo.areas import pixel_areas
from cropmine.geo.grids import Grid
from cropmine.inputs.zones import KNOWN_NONCROPLAND, ORDINARY, OUTSIDE
from cropmine.mapping.areas import measure_area
from cropmine.mapping.bands import build_mosaics
from cropmine.mapping.map_tiles import compose_map, write_map
from cropmine.tables import write_json
from factories.tiles import make_grid

CODES = arrays(np.uint8, (3, 4), elements=st.integers(0, 200))


@given(runs=st.lists(CODES, min_size=1, max_size=5), threshold=st.sampled_from([0, 0.35, 0.5, 0.995]))
def test_bands_are_mean_class_and_spread_of_the_runs(runs, threshold):
    probability, classes, spread = compose_map(runs, np.zeros((3, 4), np.uint8), threshold)
    mean = np.mean(runs, axis=0)
    np.testing.assert_array_equal(probability, np.floor(mean + 0.5))
    np.testing.assert_array_equal(classes, probability / 200 > threshold + 1e-9)
    np.testing.assert_allclose(spread, np.std(runs, axis=0), atol=0.501)
    if len(runs) == 1:
        np.testing.assert_array_equal(probability, runs[0])
        assert not spread.any()


def test_zones_rule_the_map():
    codes = np.array([[180, 180, 180, 255, 255]], np.uint8)
    zones = np.array([[ORDINARY, KNOWN_NONCROPLAND, OUTSIDE, ORDINARY, KNOWN_NONCROPLAND]], np.uint8)
    probability, classes, spread = compose_map([codes], zones, 0.5)
    assert probability.tolist() == [[180, 0, 255, 255, 255]]
    assert classes.tolist() == [[1, 0, 255, 255, 255]]
    assert spread.tolist() == [[0, 0, 255, 255, 255]]


def test_a_lower_threshold_maps_no_less_cropland(tmp_path):
    grid = make_grid(4, 1)
    write_map(tmp_path / "t.tif", np.array([[[0, 80, 120, 200]], [[0, 0, 1, 1]], [[0, 0, 0, 0]]], np.uint8), grid, {})
    rows = measure_area([tmp_path / "t.tif"], 0.5, [0.3, 0.7])["by_threshold"]
    pixel = float(pixel_areas(grid).ravel()[0]) / 1e4
    assert [row["threshold"] for row in rows] == [0.3, 0.5, 0.7]
    np.testing.assert_allclose([row["cropland_ha"] for row in rows], [3 * pixel, 2 * pixel, pixel], atol=1e-4)


def write(path, grid, classes):
    bands = np.stack([np.where(classes == 255, 255, classes * 200), classes, np.where(classes == 255, 255, 0)])
    write_map(path, bands.astype(np.uint8), grid, {"threshold": 0.4, "definition": "crops"})
    return path


@pytest.fixture
def quilt(tmp_path):
    """Three tiles in a folder: two of one CRS that overlap by 4 columns, the third in another zone."""
    rng = np.random.default_rng(0)
    grids = [make_grid(20, 16), make_grid(20, 16).window(16, 0, 20, 16)]
    grids.append(Grid(CRS.from_epsg(32736), Affine(5, 0, 3e5, 0, -5, 8e6), 20, 16))
    classes = [rng.integers(0, 2, (16, 20)) for _ in grids]
    classes[1][:8, :4] = 255
    paths = [tmp_path / f"map/t{number}.tif" for number in range(3)]
    for path, grid, values in zip(paths, grids, classes, strict=True):
        write(path, grid, values)
    return paths, grids, classes


def test_a_map_tells_its_bands_threshold_and_definition(quilt):
    with rasterio.open(quilt[0][0]) as dataset:
        assert dataset.nodata == 255
        assert dataset.tags()["definition"] == "crops"
        assert float(dataset.tags()["threshold"]) == 0.4
        assert "probability" in dataset.descriptions[0]
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"


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


def test_areas_count_common_pixels_once_and_agree_with_the_mosaic(quilt, tmp_path):
    paths, grids, classes = quilt
    area = measure_area(paths, 0.4, [0.5])
    assert area["threshold"] == 0.4
    build_mosaics(tmp_path / "map/cropland.vrt", paths)
    with rasterio.open(tmp_path / "map/cropland.vrt") as dataset:
        joined, whole = dataset.read(2), Grid(dataset.crs, dataset.transform, dataset.width, dataset.height)
    expected = (pixel_areas(whole) * (joined == 1)).sum() / 1e4
    np.testing.assert_allclose(area["by_crs"]["EPSG:32636"]["cropland_ha"], expected, rtol=1e-4)
    other = (pixel_areas(grids[2]) * (classes[2] == 1)).sum() / 1e4
    np.testing.assert_allclose(area["total"]["cropland_ha"], expected + other, rtol=1e-4)
    np.testing.assert_allclose(
        area["total"]["valid_ha"], area["total"]["cropland_ha"] + area["total"]["noncropland_ha"]
    )
    by_threshold = [{"threshold": at, "cropland_ha": area["total"]["cropland_ha"]} for at in (0.4, 0.5)]
    assert area["by_threshold"] == by_threshold
    write_json(tmp_path / "area.json", area)
    assert "biased" in (tmp_path / "area.json").read_text()
