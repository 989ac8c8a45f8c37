"""What a few windows of each tile tell before any long work."""

import numpy as np
from rasterfactory import make_grid, write_plain

from cropmine.findings import Findings
from cropmine.imagery import TileSource
from cropmine.surveys import check_values, survey_tile


def survey(folder, name, factor=1.0, dtype="float32", size=300, empty=False):
    rng = np.random.default_rng(len(name))
    pixels = (rng.uniform(500, 3000, (2, size, size)) * factor).astype(dtype)
    if empty:
        pixels[:] = 0
    path = write_plain(folder / f"{name}.tif", pixels, make_grid(size, size), nodata=0)
    return survey_tile(TileSource((path,), 2))


def warn(surveys):
    findings = Findings()
    check_values(surveys, "regions.r.imagery", findings)
    return " ".join(findings.warnings)


def test_a_tile_of_reflectance_among_digital_numbers_is_named(tmp_path):
    surveys = {name: survey(tmp_path, name) for name in "abc"}
    assert warn(surveys) == ""
    text = warn(surveys | {"d": survey(tmp_path, "d", factor=1e-4)})
    assert "the values of 1 of 4 tiles are on another scale than the rest's: d" in text
    assert "another scale" not in warn(surveys | {"d": survey(tmp_path, "d", factor=0.4)})


def test_two_tiles_cant_tell_which_is_off(tmp_path):
    assert warn({"a": survey(tmp_path, "a"), "b": survey(tmp_path, "b", factor=1e-4)}) == ""


def test_a_hazy_tile_among_clear_ones_is_named(tmp_path):
    surveys = {name: survey(tmp_path, name, factor=1 + 0.02 * place) for place, name in enumerate("abcdefgh")}
    assert warn(surveys) == ""
    text = warn(surveys | {"hazy": survey(tmp_path, "hazy", factor=2)})
    assert "1 of 9 tiles are brighter or darker than the rest in every band: hazy" in text


def test_tiles_of_many_brightnesses_are_no_haze(tmp_path):
    surveys = {name: survey(tmp_path, name, factor=1.3**place) for place, name in enumerate("abcdefgh")}
    assert warn(surveys) == ""


def test_a_tile_without_a_valid_pixel_is_named_and_has_no_scale(tmp_path):
    surveys = {name: survey(tmp_path, name) for name in "abc"} | {"d": survey(tmp_path, "d", empty=True)}
    assert surveys["d"].valid_share == 0
    assert np.isnan(surveys["d"].bright).all()
    assert warn(surveys).count("no valid pixel was seen in 1 of 4 tiles: d") == 1
    assert "another scale" not in warn(surveys)


def test_a_tile_smaller_than_a_window_is_looked_at_whole(tmp_path):
    assert survey(tmp_path, "small", size=1).valid_share == 1
    assert survey(tmp_path, "middle", size=70).valid_share == 1
