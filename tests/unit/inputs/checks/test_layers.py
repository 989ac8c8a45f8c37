"""What the preflight says of weak maps, labels, areas and units over the imagery."""

import re

import geopandas
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely

from cropmine.geo.mosaics import MosaicBand, write_mosaics
from cropmine.inputs.checks.findings import Findings
from cropmine.inputs.checks.layers import check_contradictions, find_contradictions
from factories.regions import NORTH, PX, UTM, WEST, make_world, write_polygons, write_tif


@pytest.fixture
def world(tmp_path):
    return make_world(tmp_path)


def test_a_weak_map_must_meet_the_imagery(world):
    write_tif(world.folder / "weak.tif", bands=1, dtype="uint8", column=50)
    text = world.refuse()
    assert "regions.r.weak.world.path: meets no tile: it covers longitude " in text
    write_tif(world.folder / "weak.tif", bands=1, dtype="uint8", fill=1)
    assert re.search(r"1 of 2 tiles lie outside \S+/weak.tif: b\.$", world.check().warnings[0])


def test_a_part_of_a_weak_map_without_data_that_hides_another_is_a_warning(world):
    """Two parts overlap over the first tile; the one on top has no data in its western half."""
    for name, column, fill in (("below", 0, 1), ("top", 0.5, 1)):
        write_tif(world.folder / f"{name}.tif", bands=1, dtype="uint8", column=column, px=2 * PX, fill=fill, nodata=255)
    with rasterio.open(world.folder / "top.tif", "r+") as dataset:
        values = dataset.read(1)
        values[:, :PX] = 255
        dataset.write(values, 1)
    parts = [world.folder / "below.tif", world.folder / "top.tif"]
    write_mosaics(world.folder / "weak.vrt", parts, [MosaicBand(1, "class", "uint8", 255)])
    world.settings["weak"]["world"]["path"] = f"{world.folder}/weak.vrt"
    assert world.check().warnings == []
    blind = re.sub(r"<NODATA>255</NODATA>", "", (world.folder / "weak.vrt").read_text())
    (world.folder / "weak.vrt").write_text(blind)
    (told,) = world.check().warnings
    assert "in 1 of 1 overlaps of its parts one has data that the map lacks: below.tif and top.tif" in told


def test_a_cropland_value_that_is_not_seen_is_a_warning(world):
    world.settings["weak"]["world"]["cropland"] = [40]
    assert "regions.r.weak.world.cropland: 40 was not seen over the imagery, but 1" in world.check().warnings[0]
    world.settings["weak"]["world"] |= {"cropland": [1.0], "nodata": 1}
    assert "no valid pixel was seen over the imagery" in world.check().warnings[0]


def test_percent_taken_for_probabilities_are_a_fault(world):
    write_tif(world.folder / "weak.tif", bands=1, dtype="uint8", px=2 * PX, fill=80, nodata=255)
    world.settings["weak"]["world"]["probability"] = True
    assert "probabilities of 80 to 80 after scaling" in world.refuse()
    world.settings["weak"]["world"]["scale"] = 0.01
    assert world.check().warnings == []


@pytest.mark.parametrize("name", ["weak.gpkg", "weak.parquet"])
def test_weak_polygons_need_their_field_and_class(world, name):
    write_polygons(world.folder / name)
    world.settings["weak"]["world"] |= {"path": f"{world.folder}/{name}", "class_field": "clas", "cropland": "cropland"}
    assert "there is no field 'clas': " in world.refuse()
    assert "did you mean 'class'?" in world.refuse()
    world.settings["weak"]["world"]["class_field"] = "class"
    assert world.check().warnings == []
    world.settings["weak"]["world"]["cropland"] = "maize"
    assert "maize was not seen over the imagery, but cropland, other" in world.check().warnings[0]


def test_labels_off_the_imagery_are_a_fault_and_swapped_axes_are_told(world):
    write_polygons(world.folder / "labels.gpkg", column=50)
    assert "regions.r.labels.path: none lies on a tile: they cover longitude" in world.refuse()
    frame = geopandas.read_file(write_polygons(world.folder / "labels.gpkg", crs="EPSG:4326"))
    frame.geometry = shapely.transform(frame.geometry.to_numpy(), lambda xy: xy[:, ::-1])
    frame.to_file(world.folder / "labels.gpkg")
    assert "Hint: are longitude and latitude swapped?" in world.refuse()


def test_labels_that_were_repaired_or_dropped_are_told(world):
    frame = geopandas.read_file(world.folder / "labels.gpkg")
    (west, south, east, north) = frame.geometry[0].bounds
    bowtie = shapely.Polygon([(west, south), (east, north), (east, south), (west, north)])
    more = geopandas.GeoDataFrame({"class": "cropland", "part": "train"}, index=[0, 1], geometry=[bowtie, None])
    pd.concat([frame, more.set_crs(frame.crs)]).to_file(world.folder / "labels.gpkg")
    warnings = world.check().warnings
    assert any("1 invalid polygons are repaired: " in told and "labels.gpkg" in told for told in warnings)
    assert any("1 rows without a geometry are dropped: " in told for told in warnings)


def test_labels_that_lack_a_class_on_the_imagery_are_a_warning(world):
    write_polygons(world.folder / "more.gpkg", column=50)
    write_polygons(world.folder / "labels.gpkg", ["cropland"])
    world.settings["labels"]["path"] = [f"{world.folder}/labels.gpkg", f"{world.folder}/more.gpkg"]
    warnings = "\n".join(world.check().warnings)
    assert "4 of 6 labels lie on no tile" in warnings
    assert "no noncropland label lies on a tile" in warnings


def test_what_is_wrong_in_each_label_file_is_told(world):
    write_polygons(world.folder / "labels.gpkg", ["croplnd"])
    write_polygons(world.folder / "more.gpkg", crs=None)
    world.settings["labels"]["path"] = [f"{world.folder}/labels.gpkg", f"{world.folder}/more.gpkg"]
    text = world.refuse()
    assert "'croplnd'" in text
    assert "did you mean 'cropland'?" in text
    assert "no CRS" in text


def test_zones_must_be_polygons_with_a_crs(world):
    points = geopandas.GeoDataFrame(geometry=[shapely.Point(WEST + 5, NORTH - 5)], crs=UTM)
    points.to_file(world.folder / "area.gpkg")
    write_polygons(world.folder / "water.parquet", crs=None)
    text = world.refuse()
    assert "regions.r.area: holds Point" in text
    assert "regions.r.exclude.0.path: the file has no CRS" in text


def test_an_area_elsewhere_is_a_fault_and_an_exclusion_elsewhere_a_warning(world):
    write_polygons(world.folder / "area.gpkg", column=50)
    assert "regions.r.area: meets no tile" in world.refuse()
    write_polygons(world.folder / "area.gpkg", crs="EPSG:3857")
    write_polygons(world.folder / "water.parquet", column=50)
    assert "regions.r.exclude.0.path: the polygons meet no tile" in world.check().warnings[0]


def test_units_need_their_field(world):
    write_polygons(world.folder / "wards.gpkg")
    world.settings["units"] = {"path": f"{world.folder}/wards.gpkg", "id_field": "klass"}
    assert "regions.r.units.id_field: there is no field 'klass': " in world.refuse()


def test_a_class_that_no_test_block_holds_is_a_fault(world):
    path = world.folder / "labels.gpkg"
    labels = geopandas.read_file(path)
    labels[(labels["class"] == "other") | (labels["part"] == "train")].to_file(path)
    text = world.refuse()
    assert "regions.r.split: no test block holds a cropland label. Hint: a smaller block_m" in text
    assert "noncropland" not in text


def boxes(*lefts):
    return np.array([shapely.box(left, 0, left + 10, 10) for left in lefts], dtype=object)


def test_labels_of_both_classes_over_the_same_ground_are_named_by_their_rows():
    findings = Findings()
    check_contradictions(boxes(0, 5, 20), np.array([1, 0, 1]), np.array([4, 7, 9]), "r.labels.path", findings)
    (warning,) = findings.warnings
    assert "1 pairs of a cropland and another label lie over the same ground: rows 5 and 8" in warning


def test_a_common_border_and_an_overlap_of_one_class_are_no_contradiction():
    assert find_contradictions(boxes(0, 9.5), np.array([1, 0])) == []
    assert find_contradictions(boxes(0, 5), np.array([1, 1])) == []
    assert find_contradictions(boxes(0, 10), np.array([1, 0])) == []
    assert find_contradictions(boxes(), np.array([])) == []


def test_a_small_label_inside_a_large_one_of_the_other_class_is_a_contradiction():
    shapes = np.array([shapely.box(0, 0, 1000, 1000), shapely.box(5, 5, 15, 15)], dtype=object)
    assert find_contradictions(shapes, np.array([0, 1])) == [(1, 0)]
