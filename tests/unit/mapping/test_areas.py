import geopandas
import numpy as np
import pytest
import rasterio
import rasterio.warp
import shapely
from affine import Affine
from rasterio.crs import CRS

from cropmine.errors import CropmineError
from cropmine.geo.areas import pixel_areas
from cropmine.geo.grids import Grid
from cropmine.mapping.areas import measure_area, measure_units, read_units, write_units
from cropmine.mapping.map_tiles import write_map
from cropmine.mapping.mosaics import build_mosaics
from cropmine.tables import write_json
from factories import tiles

GRID = Grid(CRS.from_epsg(32737), Affine(10, 0, 250_000, 0, -10, 9_890_000), 40, 30)


def make_units(path, crs="EPSG:32737"):
    west, south, _, north = GRID.bounds
    boxes = [
        shapely.box(west, south, west + 100, north),
        shapely.box(west + 100, south, west + 250, north),
        shapely.box(west - 9000, south, west - 8000, north),
        shapely.box(west + 250, south, west + 500, north),
    ]
    frame = geopandas.GeoDataFrame({"name": ["a", "b", "far", "a"]}, geometry=boxes, crs=GRID.crs.to_wkt())
    frame.to_crs(crs).to_file(path)
    return path


def write_tile(path, grid, classes):
    write_map(path, np.stack([classes * np.uint8(1), classes, classes]), grid, {"threshold": "0.5"})
    return path


def test_hectares_are_counted_by_unit_with_true_areas(tmp_path):
    classes = np.zeros(GRID.shape, np.uint8)
    classes[:, :15], classes[:5, 10:25] = 1, 255
    maps = [write_tile(tmp_path / "t.tif", GRID, classes)]
    units = read_units(make_units(tmp_path / "u.gpkg"), "name")
    table = measure_units(maps, units, "v1").set_index("unit")
    areas = np.broadcast_to(pixel_areas(GRID), GRID.shape) / 1e4
    a = np.r_[0:10, 25:40]
    assert table.loc["a", "cropland_ha"] == pytest.approx((areas * (classes == 1))[:, a].sum(), abs=1e-3)
    assert table.loc["b", "cropland_ha"] == pytest.approx((areas * (classes == 1))[:, 10:25].sum(), abs=1e-3)
    assert table.loc["b", "valid_share"] == pytest.approx(25 / 30, abs=1e-3)
    assert table.loc["far", "mapped_ha"] == 0 and np.isnan(table.loc["far", "cropland_share"])
    assert table.loc["b", "unit_ha"] == pytest.approx(areas[:, 10:25].sum(), rel=1e-4)
    assert table["note"].str.contains("biased").all()


def test_a_place_in_two_tiles_counts_once_and_files_are_written(tmp_path):
    ones = np.ones(GRID.shape, np.uint8)
    maps = [write_tile(tmp_path / f"{name}.tif", GRID, ones) for name in "xy"]
    units = read_units(make_units(tmp_path / "u.gpkg", "EPSG:4326"), "name")
    table = measure_units(maps, units, "v1")
    areas = np.broadcast_to(pixel_areas(GRID), GRID.shape) / 1e4
    assert table["cropland_ha"].sum() == pytest.approx(areas.sum(), rel=1e-3)
    write_units(tmp_path / "a.csv", tmp_path / "a.gpkg", table)
    assert (tmp_path / "a.csv").read_text().startswith("unit,cropland_ha,noncropland_ha,mapped_ha,unit_ha")
    assert geopandas.read_file(tmp_path / "a.gpkg")["unit"].tolist() == ["a", "b", "far"]


def test_a_field_that_is_not_there_is_told(tmp_path):
    with pytest.raises(CropmineError, match="there is no field 'ward'"):
        read_units(make_units(tmp_path / "u.gpkg"), "ward")


def test_a_lower_threshold_maps_no_less_cropland(tmp_path):
    grid = tiles.make_grid(4, 1)
    write_map(tmp_path / "t.tif", np.array([[[0, 80, 120, 200]], [[0, 0, 1, 1]], [[0, 0, 0, 0]]], np.uint8), grid, {})
    rows = measure_area([tmp_path / "t.tif"], 0.5, [0.3, 0.7])["by_threshold"]
    pixel = float(pixel_areas(grid).ravel()[0]) / 1e4
    assert [row["threshold"] for row in rows] == [0.3, 0.5, 0.7]
    np.testing.assert_allclose([row["cropland_ha"] for row in rows], [3 * pixel, 2 * pixel, pixel], atol=1e-4)


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
