"""Tiles are found by the names of their files."""

from pathlib import Path

import geopandas
import pytest
import shapely

from cropmine.config.experiments import Training
from cropmine.config.regions import Region
from cropmine.errors import CropmineError
from cropmine.planning.tiles import check_files, choose_training_tiles, count_rows, find_tiles, tile_files


def region(**settings) -> Region:
    return Region(**{"bands": ["red"], "imagery": "images/{tile}.tif"} | settings)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_every_file_that_matches_is_a_tile(folder):
    make(folder, "images/b.tif", "images/a.tif", "images/a.txt", "images/.hidden.tif")
    assert find_tiles("x", region()) == ["a", "b"]


def test_a_pattern_with_glob_characters_is_taken_literally(folder):
    make(folder, "im[1]/a.tif", "im1/b.tif")
    assert find_tiles("x", region(imagery="im[1]/{tile}.tif")) == ["a"]


def test_a_date_that_lacks_a_tile_is_refused(folder):
    make(folder, "d1/a.tif", "d1/b.tif", "d2/a.tif")
    dated = region(imagery={"2021-03": "d1/{tile}.tif", "2021-09": "d2/{tile}.tif"})
    with pytest.raises(CropmineError, match=r"d2/\{tile\}\.tif lacks 1 tiles .*: b"):
        find_tiles("x", dated)


def test_tiles_in_an_archive_are_named_and_not_looked_for(folder):
    packed = region(imagery="/vsizip/a.zip/{tile}.tif")
    with pytest.raises(CropmineError, match=r"the tiles of /vsizip/.* aren't known\. Hint: name them in `tiles`"):
        find_tiles("x", packed)
    assert find_tiles("x", packed.model_copy(update={"tiles": ("a",)})) == ["a"]


@pytest.mark.parametrize("name", ["rows.gpkg", "rows.shp", "rows.geojson"])
def test_rows_are_counted_as_the_files_hold_them(folder, name):
    frame = geopandas.GeoDataFrame({"a": range(7)}, geometry=[shapely.Point(1, 2)] * 7, crs=4326)
    frame.to_file(name)
    assert count_rows(name) == 7
    Path(name).with_suffix(".shx" if name.endswith(".shp") else Path(name).suffix).unlink()
    assert count_rows(name) is None
    assert count_rows("rows.kml") is None


def test_what_a_folder_holds_instead_is_told(folder):
    (folder / "images").mkdir()
    with pytest.raises(CropmineError, match="images is empty"):
        find_tiles("x", region())
    make(folder, "images/a.jp2")
    with pytest.raises(CropmineError, match=r"images has a\.jp2"):
        find_tiles("x", region())


def test_a_folder_that_is_not_there_is_named(folder):
    with pytest.raises(CropmineError, match="no folder images"):
        find_tiles("x", region())


@pytest.mark.parametrize("name", ["-rf", "a b", "$(true)", "ü"])
def test_a_tile_name_that_could_do_harm_is_refused(folder, name):
    make(folder, f"images/{name}.tif")
    with pytest.raises(CropmineError, match="tile name"):
        find_tiles("x", region())


def test_the_files_of_a_tile_come_in_the_order_of_the_dates():
    dated = region(
        imagery={"2021-09": "late/{tile}.tif", "2021-03": "early/{tile}.tif"},
        mask={"path": {"2021-03": "m/early_{tile}.tif", "2021-09": "m/late_{tile}.tif"}},
    )
    assert tile_files(dated, "t") == {
        "images": ["late/t.tif", "early/t.tif"],
        "masks": ["m/late_t.tif", "m/early_t.tif"],
        "features": {},
    }


def test_an_added_tile_redraws_none_of_the_training_tiles():
    tiles = [f"t{i}" for i in range(50)]
    few = choose_training_tiles("x", tiles, Training(tiles=10), seed=3)
    more = choose_training_tiles("x", [*tiles, "new"], Training(tiles=10), seed=3)
    assert len(few) == 10
    assert len(set(few) - set(more)) <= 1
    assert set(more) - set(few) <= {"new"}


def test_an_unknown_training_tile_is_refused():
    with pytest.raises(CropmineError, match=r"training\.tiles: region x has no tile 'c'"):
        choose_training_tiles("x", ["a", "b"], Training(tiles=["c"]), seed=0)


def test_every_file_that_is_missing_is_named_with_what_lies_there_instead(folder):
    make(folder, "images/a.tif", "weak/world.tif", "labels.gpkg")
    labels = {"path": "labls.gpkg", "class_field": "c", "cropland": [1], "noncropland": [0], "definition": "crops"}
    given = region(tiles=["a", "b"], weak={"w": {"path": "weak/wrld.tif"}}, labels=labels)
    with pytest.raises(CropmineError) as fault:
        check_files("x", given, {tile: tile_files(given, tile) for tile in given.tiles})
    for part in ("3 files", "images/b.tif", "weak/wrld.tif", "weak has world.tif", "labls.gpkg", "has labels.gpkg"):
        assert part in str(fault.value)


def test_files_that_a_rule_makes_are_not_looked_for(folder):
    given = region(imagery="results/x/inputs/imagery/{tile}.tif", tiles=["a"])
    check_files("x", given, {"a": tile_files(given, "a")})
