"""What the preflight says of a region's imagery and masks, all at once."""

import pytest
from rasterio.transform import from_origin

from cropmine.config.regions import Region
from cropmine.inputs.checks import regions
from cropmine.inputs.checks.findings import Findings
from cropmine.inputs.checks.regions import check_capacity, check_region
from factories.regions import BANDS, PX, STEP, make_world, write_tif


@pytest.fixture
def world(tmp_path):
    return make_world(tmp_path)


def test_a_sound_region_gets_a_verdict_without_warnings(world):
    verdict = world.check()
    assert verdict.warnings == []
    assert verdict.dtype == "uint16"
    assert verdict.channels == 4
    assert verdict.resolution_m == pytest.approx(10, rel=2e-3)
    assert list(verdict.tiles) == ["a", "b"]


def test_the_verdict_stays_when_the_pixels_of_a_tile_change(world):
    before = world.check()
    write_tif(world.folder / "imagery/a.tif", names=BANDS, fill=900)
    assert world.check() == before


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
    assert world.check().warnings == []


def test_sensor_codes_are_a_warning_and_numbers_say_nothing(world):
    for column, tile in enumerate("ab"):
        write_tif(world.folder / f"imagery/{tile}.tif", column=column, names=["B02", "B03", "B04", "B8A"])
    assert "taken for the files' bands B02, B03, B04, B8A" in world.check().warnings[0]
    for column, tile in enumerate("ab"):
        write_tif(world.folder / f"imagery/{tile}.tif", column=column, names=["Band 1", "Band 2", "Band 3", "Band 4"])
    assert world.check().warnings == []


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
    assert "the ground size of a pixel differs by 5% over the region" in verdict.warnings[0]


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
    assert world.check().channels == 8


def test_a_mask_elsewhere_or_without_its_band_is_a_fault_and_a_small_one_a_warning(world):
    world.settings["mask"]["band"] = 2
    assert "regions.r.mask.band: band 2, but there are 1" in world.refuse()
    world.settings["mask"]["band"] = 1
    write_tif(world.folder / "masks/a.tif", bands=1, dtype="uint8", column=5)
    assert "the mask lies elsewhere than its tile" in world.refuse()
    write_tif(world.folder / "masks/a.tif", bands=1, dtype="uint8", column=0.5)
    assert "the mask covers a part of its tile" in world.check().warnings[0]


def test_years_over_one_apart_are_a_warning(world):
    world.settings["labels"]["year"] = 2018
    world.settings["imagery"] = {"2019-12": world.settings["imagery"]}
    warnings = "\n".join(world.check().warnings)
    assert "imagery and weak.world are 2 years apart" in warnings
    assert "weak.world and labels are 3 years apart" in warnings
    assert "imagery and labels" not in warnings


def test_a_region_of_imagery_alone_is_sound(world):
    for key in ("mask", "area", "exclude", "weak", "labels"):
        del world.settings[key]
    assert world.check().warnings == []


def test_few_tiles_are_unpacked_to_be_seen_whole_and_many_are_not(world, monkeypatch):
    asked = []
    look = regions.survey_tile
    monkeypatch.setattr(regions, "survey_tile", lambda source, whole: asked.append(whole) or look(source, whole))
    world.check()
    monkeypatch.setattr(regions, "FEW_PIXELS", 2 * PX * PX - 1)
    world.check()
    monkeypatch.setattr(regions, "FEW_PIXELS", 2 * PX * PX)
    world.check()
    monkeypatch.setattr(regions, "FEW_TILES", 1)
    world.check()
    assert asked == [True] * 2 + [False] * 2 + [True] * 2 + [False] * 2


def test_a_run_that_no_disk_holds_and_a_tile_that_no_memory_holds_are_told(tmp_path):
    findings = Findings()
    check_capacity([10**15], 4, tmp_path, "regions.r", findings)
    disk, memory = findings.warnings
    assert "outputs will take about 4000000.0 GB" in disk
    assert "MB, and this machine has" in memory
    findings = Findings()
    check_capacity([10**4], 4, tmp_path, "regions.r", findings)
    assert findings.warnings == []
