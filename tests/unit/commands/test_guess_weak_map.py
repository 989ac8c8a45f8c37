"""Which values of a weak map are cropland, guessed from its name and values."""

import numpy as np
import pytest

from cropmine.commands.guess_imagery import guess_imagery
from cropmine.commands.guess_labels import LabelOptions, guess_labels
from cropmine.commands.guess_weak_map import guess_weak_map
from cropmine.errors import CropmineError
from factories.drafts import grids_of, look_at, noise, write_tif


@pytest.mark.parametrize(
    ("file", "values", "settings"),
    [
        ("ESA_WorldCover_10m_2021_v200_N00E036_Map.tif", [10, 40], {"preset": "esa_worldcover_2021"}),
        ("ESA_WorldCover_10m_2020_v100_N00E036_Map.tif", [10, 40], {"preset": "esa_worldcover_2020"}),
        ("map.tif", [10, 30, 40, 50], {"preset": "esa_worldcover_2021"}),
        ("PROBAV_LC100_global_v3.0.1_2019.tif", [40, 112], {"preset": "copernicus_lc100", "year": 2019}),
        ("Global_cropland_SE_2019.tif", [0, 1], {"preset": "glad_cropland", "year": 2019}),
        ("map.tif", [0, 1, 4, 6], {"preset": "dynamic_world"}),
        ("tc-annual_temporarycrops_classification.tif", [0, 100], {"preset": "worldcereal_2021"}),
        ("chance.tif", list(range(0, 101, 2)), {"probability": True, "scale": 0.01}),
        ("mine.tif", [0, 1], {"cropland": [1], "nodata": 255}),
    ],
)
def test_a_weak_map_is_known_by_name_or_values(tmp_path, file, values, settings):
    path = write_tif(tmp_path / file, np.resize(values, (1, 32, 32)), dtype="uint8")
    image = guess_imagery(str(write_tif(tmp_path / "imagery/a.tif", noise(4))))
    guess = guess_weak_map(str(path), [header.grid for header in image.headers.values()], None)
    assert guess.settings == {"path": str(path)} | settings


def test_a_weak_map_of_unknown_values_is_told_with_its_values(tmp_path):
    path = write_tif(tmp_path / "landuse.tif", np.resize([3, 3, 3, 17], (1, 32, 32)), dtype="uint8")
    grids = [header.grid for header in guess_imagery(str(write_tif(tmp_path / "i/a.tif", noise(4)))).headers.values()]
    with pytest.raises(CropmineError, match=r"3 \(75.0%\), 17 \(25.0%\) of the imagery. Hint: .*--weak-cropland"):
        guess_weak_map(str(path), grids, None)
    assert guess_weak_map(str(path), grids, None, ("17",)).settings["cropland"] == [17]
    away = write_tif(tmp_path / "away.tif", np.ones((1, 32, 32)), west=900_000.0)
    with pytest.raises(CropmineError, match=r"no valid pixel lies over the imagery"):
        guess_weak_map(str(away), grids, None)
    with pytest.raises(CropmineError, match=r"holds 2 rasters: away.tif, landuse.tif. Hint: .*rio merge"):
        guess_weak_map(str(tmp_path), grids, None)


def test_a_band_of_probabilities_tells_which_of_two_classes_is_cropland(tmp_path):
    classes = np.indices((32, 32))[1] % 2
    chances = np.where(classes == 0, 80, 10)
    names = ("probability", "classification")
    path = write_tif(tmp_path / "two.tif", np.stack([chances, classes]), dtype="uint8", names=names)
    guess = guess_weak_map(str(path), grids_of(tmp_path), None)
    assert (guess.settings["cropland"], guess.settings["band"]) == ([0], 2)
    assert "where it is 0, its band probability is high (80)" in guess.why


def test_a_weak_map_is_one_file(tmp_path):
    with pytest.raises(CropmineError, match=r"no such file\. Hint: WEAK is a raster or a polygon file"):
        guess_weak_map(str(tmp_path / "none.tif"), [], None)
    (tmp_path / "folder").mkdir()
    with pytest.raises(CropmineError, match=r"folder: holds no raster\. Hint: a weak map is one file"):
        guess_weak_map(str(tmp_path / "folder"), [], None)
    path = write_tif(tmp_path / "folder/only.tif", np.resize([0, 1], (1, 32, 32)), dtype="uint8")
    guess = guess_weak_map(str(tmp_path / "folder"), grids_of(tmp_path), None)
    assert guess.settings["path"] == str(path)


def test_polygons_are_a_weak_map_of_cropland_or_of_the_values_that_a_user_names(here):
    path = str(here / "labels.gpkg")
    guess = guess_weak_map(path, [], None)
    assert guess.settings == {"path": path}
    assert "every polygon" in guess.notes[0] and "class" in guess.notes[0]
    named = guess_weak_map(path, [], None, ("cropland",))
    assert named.settings == {"path": path, "class_field": "class", "cropland": ["cropland"]}
    with pytest.raises(CropmineError, match=r"no field holds maize\. Hint: --weak-cropland names values of a field"):
        guess_weak_map(path, [], None, ("maize",))


def test_a_weak_map_that_the_labels_contradict_is_told(here):
    labels = guess_labels([f"{here}/labels.gpkg"], [], LabelOptions(), look_at(here)).labels
    sound, turned = (guess_weak_map(f"{here}/weak.tif", look_at(here).grids, labels, named) for named in ((), ("0",)))
    note = "the weak map weak doesn't know cropland labels from others: are its values right?"
    assert turned.notes == [note] and note not in sound.notes
    assert "of the area of cropland labels is cropland in it" in sound.why
