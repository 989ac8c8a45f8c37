"""Bands, dates and masks, guessed from imagery."""

import numpy as np
import pytest

from cropmine.commands.guess_imagery import guess_imagery
from cropmine.errors import CropmineError
from factories.drafts import noise, write_tif


def test_an_empty_folder_is_told(tmp_path):
    with pytest.raises(CropmineError, match=r"holds no raster: it is empty. Hint: put GeoTIFFs there"):
        guess_imagery(str(tmp_path))
    (tmp_path / "notes.txt").touch()
    with pytest.raises(CropmineError, match=r"holds no raster: it holds notes.txt"):
        guess_imagery(str(tmp_path))


def test_mixed_tiles_are_told_by_kind_with_a_pattern_that_parts_them(tmp_path):
    for tile in ("12-7", "12-8"):
        write_tif(tmp_path / f"{tile}_quad.tif", noise(4))
        write_tif(tmp_path / f"{tile}_pan.tif", noise(1, 64), step=2.5)
    with pytest.raises(CropmineError) as caught:
        guess_imagery(str(tmp_path))
    text = str(caught.value)
    assert "2 of 1 band of uint16 with pixels of 2.5 m (12-7_pan.tif, 12-8_pan.tif)" in text
    assert "2 of 4 bands of uint16 with pixels of 5 m (12-7_quad.tif, 12-8_quad.tif)" in text
    assert f"--imagery '{tmp_path}/{{tile}}_pan.tif' takes the first kind alone" in text
    guess = guess_imagery(f"{tmp_path}/{{tile}}_quad.tif")
    assert guess.settings["imagery"] == f"{tmp_path}/{{tile}}_quad.tif"
    assert list(guess.headers) == ["12-7", "12-8"]


def test_a_pattern_is_taken_as_it_is_written(tmp_path):
    for name in ("S2_a_07.tif", "S2_b_07.tif", "S2_a_08.tif"):
        write_tif(tmp_path / name, noise(4))
    guess = guess_imagery(f"{tmp_path}/S2_{{tile}}_07.tif")
    assert guess.settings["imagery"] == f"{tmp_path}/S2_{{tile}}_07.tif"
    assert list(guess.headers) == ["a", "b"]
    assert "tiles" not in guess.settings


def test_planet_quads_with_alpha_and_udm2_are_known(tmp_path):
    for tile in ("1087-1030", "1088-1030"):
        quad = noise(5)
        quad[4] = 65535
        write_tif(tmp_path / f"{tile}_quad.tif", quad, alpha=True)
        write_tif(tmp_path / f"{tile}_udm2.tif", np.ones((8, 32, 32)), dtype="uint8")
    guess = guess_imagery(str(tmp_path))
    assert guess.settings == {
        "imagery": f"{tmp_path}/{{tile}}_quad.tif",
        "bands": ["blue", "green", "red", "nir"],
        "mask": {"path": f"{tmp_path}/{{tile}}_udm2.tif", "bad": [0], "band": 1},
    }
    assert "is the order right?" in guess.notes[0]


def test_near_infrared_that_is_marked_as_alpha_is_a_band(tmp_path):
    write_tif(tmp_path / "a.tif", noise(4), alpha=True)
    assert guess_imagery(str(tmp_path)).settings["bands"] == ["blue", "green", "red", "nir"]


def test_folders_of_dates_are_dates_and_sentinels_codes_get_names(tmp_path):
    for date in ("2021-03", "2021-09"):
        write_tif(tmp_path / date / "36MZE.tif", noise(4), step=10, names=("B02", "B03", "B04", "B08"))
    guess = guess_imagery(str(tmp_path))
    assert guess.settings["imagery"] == {date: f"{tmp_path}/{date}/{{tile}}.tif" for date in ("2021-03", "2021-09")}
    assert guess.settings["bands"] == ["blue", "green", "red", "nir"]


def test_black_pixels_without_a_nodata_tag_are_told(tmp_path):
    image = noise(3)
    image[:, :8] = 0
    write_tif(tmp_path / "a.tif", image)
    assert "25.0% of the pixels looked at are 0 in every band" in guess_imagery(str(tmp_path)).notes[-1]


def test_imagery_that_is_not_there_is_told_by_what_is(tmp_path):
    write_tif(tmp_path / "kenya/a.tif", noise(4))
    (tmp_path / "empty").mkdir()
    for path, told in (
        ("", r"IMAGERY: names nothing\. Hint: a folder of rasters, a file, or a pattern with \{tile\}"),
        (f"{tmp_path}/none", r"none: no such folder or file"),
        (f"{tmp_path}/kenya/{{tile}}.jp2", r"no file matches\. Hint: write \{tile\} once"),
        (f"{tmp_path}/{{tile}}/a.tif", r"no file matches"),
        (str(tmp_path), r"holds no raster itself\. Hint: its folders kenya do: name one of them"),
    ):
        with pytest.raises(CropmineError, match=told):
            guess_imagery(path)
    assert list(guess_imagery(str(tmp_path / "kenya/a.tif")).headers) == ["a"]
    (tmp_path / "kenya/b.tif").write_bytes(b"no raster")
    with pytest.raises(CropmineError, match=r"IMAGERY: not a readable raster: .*kenya/b\.tif"):
        guess_imagery(str(tmp_path / "kenya"))
