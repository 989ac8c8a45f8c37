import json
import re
import time

import geopandas
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin

from cropmine.errors import CropmineError
from cropmine.findings import Findings
from cropmine.mosaics import MosaicBand, write_mosaics
from cropmine.preflight import check_region
from cropmine.region_settings import Region

BANDS = ["blue", "green", "red", "nir"]
PX, STEP = 64, 10.0
WEST, NORTH = 400_000.0, 100_000.0  # UTM 37N, near the equator
UTM = "EPSG:32637"


def write_tif(
    path, bands=4, dtype="uint16", column=0, crs=UTM, step=STEP, fill=7, names=None, alpha=False, px=PX, **profile
):
    """A raster of 64 × 64 px; column 0 is the first tile, 1 its neighbour to the east."""
    path.parent.mkdir(parents=True, exist_ok=True)
    transform = from_origin(WEST + column * PX * STEP, NORTH, step, step) if crs == UTM else profile.pop("transform")
    values = np.full((bands, px, px), fill, dtype)
    shape = {"driver": "GTiff", "width": px, "height": px, "count": bands, "dtype": dtype}
    with rasterio.open(path, "w", crs=crs, transform=transform, **shape, **profile) as dataset:
        if names:
            dataset.descriptions = names
        if alpha:
            dataset.colorinterp = [ColorInterp.gray] + [ColorInterp.undefined] * (bands - 2) + [ColorInterp.alpha]
        dataset.write(values)
    return path


def write_polygons(path, classes=("cropland", "other"), column=0.0, crs=UTM, **fields):
    """Two polygons a class, 100 m wide, in the tile of a column; the northern one trains, the southern one tests."""
    corners = [
        (x, y) for x in WEST + column * PX * STEP + 150.0 * np.arange(len(classes)) for y in (NORTH - 300, NORTH - 500)
    ]
    boxes = [shapely.box(x, y, x + 100, y + 100) for x, y in corners]
    columns = {"class": np.repeat(classes, 2), "part": ["train", "test"] * len(classes), **fields}
    frame = geopandas.GeoDataFrame(columns, geometry=boxes, crs=UTM)
    frame = frame.to_crs(crs) if crs else frame.set_crs(None, allow_override=True)
    frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_file(path)
    return path


@pytest.fixture
def world(tmp_path):
    """A sound region of two tiles with a mask, a weak map, labels, area and exclusions."""
    for column, tile in enumerate(("a", "b")):
        write_tif(tmp_path / f"imagery/{tile}.tif", column=column, names=BANDS)
        write_tif(tmp_path / f"masks/{tile}.tif", bands=1, dtype="uint8", column=column, fill=0)
    write_tif(tmp_path / "weak.tif", bands=1, dtype="uint8", px=2 * PX, fill=1, nodata=255)
    write_polygons(tmp_path / "labels.gpkg")
    write_polygons(tmp_path / "area.gpkg")
    write_polygons(tmp_path / "water.parquet", column=1)
    return World(tmp_path)


class World:
    """Settings and files of a region, to be spoiled by a test."""

    def __init__(self, folder):
        self.folder, self.tiles = folder, ["a", "b"]
        self.settings = {
            "imagery": f"{folder}/imagery/{{tile}}.tif",
            "bands": BANDS,
            "mask": {"path": f"{folder}/masks/{{tile}}.tif"},
            "area": f"{folder}/area.gpkg",
            "exclude": [{"path": f"{folder}/water.parquet"}],
            "weak": {"world": {"path": f"{folder}/weak.tif", "year": 2021}},
            "labels": {
                "path": f"{folder}/labels.gpkg",
                "class_field": "class",
                "cropland": "cropland",
                "noncropland": "other",
                "definition": "annual crops",
                "year": 2021,
            },
            "split": {"method": "field", "field": "part", "block_m": 50, "buffer_m": 0},
        }

    def check(self):
        region = Region.model_validate(self.settings)
        patterns = list(region.imagery.values()) if isinstance(region.imagery, dict) else [region.imagery]
        masks = [region.mask.path] * len(patterns) if region.mask else []
        files = {
            tile: {
                "images": [p.replace("{tile}", tile) for p in patterns],
                "masks": [p.replace("{tile}", tile) for p in masks],
            }
            for tile in self.tiles
        }
        return check_region(region, files, "regions.r")

    def refuse(self):
        with pytest.raises(CropmineError) as caught:
            self.check()
        return str(caught.value)


def test_a_sound_region_gets_a_verdict_without_warnings(world):
    verdict = world.check()
    assert verdict["warnings"] == []
    assert verdict["dtype"] == "uint16"
    assert verdict["channels"] == 4
    assert verdict["resolution_m"] == pytest.approx(10, rel=2e-3)
    assert list(verdict["tiles"]) == ["a", "b"]
    assert json.loads(json.dumps(verdict)) == verdict


def test_the_verdict_stays_when_the_pixels_of_a_tile_change(world):
    before = json.dumps(world.check())
    write_tif(world.folder / "imagery/a.tif", names=BANDS, fill=900)
    assert json.dumps(world.check()) == before


def test_every_fault_of_a_region_is_told_at_once(world):
    (world.folder / "imagery/a.tif").unlink()
    write_tif(world.folder / "imagery/b.tif", bands=3, column=1)
    (world.folder / "masks/b.tif").write_text("not a raster")
    world.settings["labels"]["path"] = f"{world.folder}/labls.gpkg"
    world.settings["area"] = f"{world.folder}/nowhere/area.gpkg"
    text = world.refuse()
    assert text.startswith("regions.r: 5 faults:\n")
    assert (
        f"regions.r.imagery: no such file: {world.folder}/imagery/a.tif. Hint: {world.folder}/imagery has b.tif."
        in text
    )
    assert "regions.r.imagery: 3 bands, but `bands` names 4: " in text
    assert "regions.r.mask.path: not a readable raster" in text
    assert f"labls.gpkg. Hint: {world.folder} has labels.gpkg." in text
    assert "Hint: there is no folder" in text
    assert text.count("Hint:") == 5


def test_files_with_the_same_fault_are_one_line(world):
    world.tiles = [f"t{number}" for number in range(100)]
    del world.settings["mask"], world.settings["exclude"], world.settings["area"]
    text = world.refuse()
    assert len(text.splitlines()) == 1
    assert "t0.tif" in text
    assert "and 97 more. Hint: " in text


def test_a_file_that_is_cut_short_is_found(world):
    path = world.folder / "imagery/a.tif"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "the file is cut short or damaged" in world.refuse()


def test_a_fourth_band_is_data_and_a_fifth_may_be_alpha(world):
    write_tif(world.folder / "imagery/a.tif", bands=5, alpha=True)
    write_tif(world.folder / "imagery/b.tif", bands=4, alpha=True, column=1)
    world.check()
    write_tif(world.folder / "imagery/a.tif", bands=5)
    assert "5 bands, but `bands` names 4" in world.refuse()


def test_a_wrong_band_name_is_told_with_the_names_of_the_file(world):
    world.settings["bands"] = ["blue", "green", "red", "nri"]
    text = world.refuse()
    assert "regions.r.bands: wrong band name: nri; the bands are called blue, green, red, nir: " in text


def test_a_wrong_order_of_bands_is_a_fault(world):
    world.settings["bands"] = ["red", "green", "blue", "nir"]
    assert "the files' order is another: blue, green, red, nir" in world.refuse()


def test_band_names_match_without_case_and_with_a_date_behind(world):
    for column, tile in enumerate("ab"):
        names = ["Blue_2021-03", "GREEN 2021", "red", "NIR.2021-03"]
        write_tif(world.folder / f"imagery/{tile}.tif", column=column, names=names)
    assert world.check()["warnings"] == []


def test_sensor_codes_are_a_warning_and_numbers_say_nothing(world):
    for column, tile in enumerate("ab"):
        write_tif(world.folder / f"imagery/{tile}.tif", column=column, names=["B02", "B03", "B04", "B8A"])
    assert "taken for the files' bands B02, B03, B04, B8A" in world.check()["warnings"][0]
    for column, tile in enumerate("ab"):
        write_tif(world.folder / f"imagery/{tile}.tif", column=column, names=["Band 1", "Band 2", "Band 3", "Band 4"])
    assert world.check()["warnings"] == []


def test_a_tile_without_a_crs_or_with_another_dtype_is_a_fault(world):
    world.tiles.append("c")
    for tile in world.tiles[2:]:
        write_tif(world.folder / f"masks/{tile}.tif", bands=1, dtype="uint8", column=2)
        write_tif(world.folder / f"imagery/{tile}.tif", column=2, dtype="int16")
    assert "dtype int16, but most files have uint16" in world.refuse()
    write_tif(world.folder / "imagery/c.tif", crs=None, transform=from_origin(0, 0, 1, 1))
    assert "has no CRS" in world.refuse()
    write_tif(world.folder / "imagery/c.tif", dtype="uint32")
    assert "dtype uint32 isn't read" in world.refuse()


def test_another_ground_resolution_is_a_fault_in_any_crs(world):
    world.tiles.append("c")
    write_tif(world.folder / "masks/c.tif", bands=1, dtype="uint8")
    write_tif(world.folder / "imagery/c.tif", step=STEP * 1.02)
    assert "pixels of 10.2 by 10.2 m on the ground, but most tiles have 10 by 10 m: c" in world.refuse()
    degrees = from_origin(38.1, 0.9, STEP / 111_320, STEP / 110_574)
    write_tif(world.folder / "imagery/c.tif", crs="EPSG:4326", transform=degrees)
    world.check()


def test_a_mosaic_in_web_mercator_passes_with_a_warning(tmp_path):
    for tile, north in (("a", 0.0), ("b", 2_000_000.0)):
        write_tif(tmp_path / f"{tile}.tif", crs="EPSG:3857", transform=from_origin(4e6, north, 4.777, 4.777))
    region = Region(imagery=f"{tmp_path}/{{tile}}.tif", bands=BANDS)
    verdict = check_region(region, {tile: {"images": [f"{tmp_path}/{tile}.tif"], "masks": []} for tile in "ab"})
    assert "the ground size of a pixel differs by 5% over the region" in verdict["warnings"][0]


def test_dates_share_a_grid_and_each_has_every_tile(world):
    world.settings["imagery"] = {
        "2021-03": f"{world.folder}/imagery/{{tile}}.tif",
        "2021-09": f"{world.folder}/late/{{tile}}.tif",
    }
    write_tif(world.folder / "late/a.tif", column=0.5)
    text = world.refuse()
    assert "regions.r.imagery: the dates of a tile lie on different grids: a." in text
    assert (
        f"regions.r.imagery.2021-09: no such file: {world.folder}/late/b.tif. Hint: {world.folder}/late has a.tif."
        in text
    )
    for column, tile in enumerate("ab"):
        write_tif(world.folder / f"late/{tile}.tif", column=column)
    assert world.check()["channels"] == 8


def test_a_mask_elsewhere_or_without_its_band_is_a_fault_and_a_small_one_a_warning(world):
    world.settings["mask"]["band"] = 2
    assert "regions.r.mask.band: band 2, but there are 1" in world.refuse()
    world.settings["mask"]["band"] = 1
    write_tif(world.folder / "masks/a.tif", bands=1, dtype="uint8", column=5)
    assert "the mask lies elsewhere than its tile" in world.refuse()
    write_tif(world.folder / "masks/a.tif", bands=1, dtype="uint8", column=0.5)
    assert "the mask covers a part of its tile" in world.check()["warnings"][0]


def test_a_weak_map_must_meet_the_imagery(world):
    write_tif(world.folder / "weak.tif", bands=1, dtype="uint8", column=50)
    text = world.refuse()
    assert "regions.r.weak.world.path: meets no tile: it covers longitude " in text
    write_tif(world.folder / "weak.tif", bands=1, dtype="uint8", fill=1)
    assert "1 of 2 tiles lie outside: b" in world.check()["warnings"][0]


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
    assert world.check()["warnings"] == []
    blind = re.sub(r"<NODATA>255</NODATA>", "", (world.folder / "weak.vrt").read_text())
    (world.folder / "weak.vrt").write_text(blind)
    (told,) = world.check()["warnings"]
    assert "in 1 of 1 overlaps of its parts one has data that the map lacks: below.tif and top.tif" in told


def test_a_cropland_value_that_is_not_seen_is_a_warning(world):
    world.settings["weak"]["world"]["cropland"] = [40]
    assert "regions.r.weak.world.cropland: 40 was not seen over the imagery, but 1" in world.check()["warnings"][0]
    world.settings["weak"]["world"] |= {"cropland": [1.0], "nodata": 1}
    assert "no valid pixel was seen over the imagery" in world.check()["warnings"][0]


def test_percent_taken_for_probabilities_are_a_fault(world):
    write_tif(world.folder / "weak.tif", bands=1, dtype="uint8", px=2 * PX, fill=80, nodata=255)
    world.settings["weak"]["world"]["probability"] = True
    assert "probabilities of 80 to 80 after scaling" in world.refuse()
    world.settings["weak"]["world"]["scale"] = 0.01
    assert world.check()["warnings"] == []


@pytest.mark.parametrize("name", ["weak.gpkg", "weak.parquet"])
def test_weak_polygons_need_their_field_and_class(world, name):
    write_polygons(world.folder / name)
    world.settings["weak"]["world"] |= {"path": f"{world.folder}/{name}", "class_field": "clas", "cropland": "cropland"}
    assert "there is no field 'clas': " in world.refuse()
    assert "did you mean 'class'?" in world.refuse()
    world.settings["weak"]["world"]["class_field"] = "class"
    assert world.check()["warnings"] == []
    world.settings["weak"]["world"]["cropland"] = "maize"
    assert "maize was not seen over the imagery, but cropland, other" in world.check()["warnings"][0]


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
    warnings = world.check()["warnings"]
    assert any("1 invalid polygons are repaired: " in told and "labels.gpkg" in told for told in warnings)
    assert any("1 rows without a geometry are dropped: " in told for told in warnings)


def test_labels_that_lack_a_class_on_the_imagery_are_a_warning(world):
    write_polygons(world.folder / "more.gpkg", column=50)
    write_polygons(world.folder / "labels.gpkg", ["cropland"])
    world.settings["labels"]["path"] = [f"{world.folder}/labels.gpkg", f"{world.folder}/more.gpkg"]
    warnings = "\n".join(world.check()["warnings"])
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
    assert "regions.r.exclude.0.path: the polygons meet no tile" in world.check()["warnings"][0]


def test_units_need_their_field(world):
    write_polygons(world.folder / "wards.gpkg")
    world.settings["units"] = {"path": f"{world.folder}/wards.gpkg", "id_field": "klass"}
    assert "regions.r.units.id_field: there is no field 'klass': " in world.refuse()


def test_years_over_one_apart_are_a_warning(world):
    world.settings["labels"]["year"] = 2018
    world.settings["imagery"] = {"2019-12": world.settings["imagery"]}
    warnings = "\n".join(world.check()["warnings"])
    assert "imagery and weak.world are 2 years apart" in warnings
    assert "weak.world and labels are 3 years apart" in warnings
    assert "imagery and labels" not in warnings


def test_a_region_of_imagery_alone_is_sound(world):
    for key in ("mask", "area", "exclude", "weak", "labels"):
        del world.settings[key]
    assert world.check()["warnings"] == []


def test_fifty_tiles_are_checked_in_a_second(world):
    world.tiles = [f"t{number}" for number in range(100)]
    for number, tile in enumerate(world.tiles):
        write_tif(world.folder / f"imagery/{tile}.tif", column=number, names=BANDS)
        write_tif(world.folder / f"masks/{tile}.tif", bands=1, dtype="uint8", column=number)
    start = time.process_time()
    world.check()
    assert time.process_time() - start < 2


def test_findings_keep_the_rest_of_a_long_list_short():
    findings = Findings()
    for number in range(1000):
        findings.fault("here", f"fault {number}")
    with pytest.raises(CropmineError, match="and 960 faults more"):
        findings.raise_faults("region")


def test_a_class_that_no_test_block_holds_is_a_fault(world):
    path = world.folder / "labels.gpkg"
    labels = geopandas.read_file(path)
    labels[(labels["class"] == "other") | (labels["part"] == "train")].to_file(path)
    text = world.refuse()
    assert "regions.r.split: no test block holds a cropland label. Hint: a smaller block_m" in text
    assert "noncropland" not in text
