"""What a few windows of each tile tell before any long work."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.transform import from_origin
from scipy.ndimage import zoom

from cropmine.inputs.checks.findings import Findings
from cropmine.inputs.checks.tiles import _take_end, check_tiling, check_values, survey_tile
from cropmine.inputs.tile_sources import TileSource
from factories.rasters import make_grid, write_plain

PX = 10.0


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


def write_seam(folder, name, column=0, row=0, size=1024, at=500, lean=0.0, overviews=(), lying=False):
    """A tile of smooth land in its place among others, brighter on one side of a line; compressed, in blocks of 256."""
    rng = np.random.default_rng(3)
    land = zoom(rng.normal(0, 0.12, (2, size // 16, size // 16)), (1, 16, 16), order=1)
    rows, columns = np.indices((size, size))
    beyond = (rows - lean * columns if lying else columns - lean * rows) > at
    pixels = 1500 * np.exp(land) * np.where(beyond, 1.3, 1) + rng.normal(0, 20, land.shape)
    place = from_origin(0, 0, 10, 10) @ Affine.translation((column + 40) * size, row * size)
    tiled = {
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        "compress": "zstd",
        "zstd_level": 1,
        "dtype": "uint16",
    }
    shape = {"width": size, "height": size, "count": 2}
    path = str(folder / f"{name}.tif")
    with rasterio.open(path, "w", driver="GTiff", crs="EPSG:32636", transform=place, **shape, **tiled) as file:
        file.write(pixels.astype("uint16"))
    if overviews:
        with rasterio.open(path, "r+") as file:
            file.build_overviews(overviews)
    return TileSource((path,), 2)


@pytest.mark.parametrize("lying", [False, True])
@pytest.mark.parametrize("place", [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_a_seam_in_a_corner_is_told_for_the_whole_tile(tmp_path, place, lying):
    line = survey_tile(write_seam(tmp_path, "a", *place, lean=0.1, lying=lying)).seams[0]
    assert line.across == lying
    assert line.start / line.side == pytest.approx(500 / 1024, abs=0.01)
    assert line.end / line.side == pytest.approx(602 / 1024, abs=0.01)


def test_tiles_side_by_side_show_other_corners(tmp_path):
    rim, seen = 900, {}
    for place in [(0, 0), (1, 0), (0, 1), (1, 1)]:
        for lying in (False, True):
            seen[place, lying] = bool(survey_tile(write_seam(tmp_path, "a", *place, at=rim, lying=lying)).seams)
    assert {place for place, lying in seen if seen[place, lying] and not lying} == {(0, 1), (1, 1)}
    assert {place for place, lying in seen if seen[place, lying] and lying} == {(1, 0), (1, 1)}


def test_an_overview_shows_a_tile_whole(tmp_path):
    assert survey_tile(write_seam(tmp_path, "a", at=900, overviews=[2])).seams
    assert not survey_tile(write_seam(tmp_path, "b", at=900)).seams
    assert survey_tile(write_seam(tmp_path, "c", size=768, at=600)).seams


def test_a_large_tile_without_overviews_shows_no_seam_unless_it_is_unpacked(tmp_path):
    source = write_seam(tmp_path, "a", size=2048, at=1000)
    assert not survey_tile(source).seams
    assert survey_tile(source, whole=True).seams
    assert survey_tile(write_seam(tmp_path, "b", size=2048, at=1000, overviews=[2, 4])).seams


def test_a_tile_whose_corner_is_empty_is_looked_at_whole(tmp_path):
    pixels = np.zeros((2, 1024, 1024), "uint16")
    pixels[:, 1000:, 1000:] = 1200
    path = write_plain(tmp_path / "a.tif", pixels, make_grid(1024, 1024), nodata=0)
    assert 0 < survey_tile(TileSource((path,), 2)).valid_share < 0.01


@pytest.mark.parametrize(
    ("length", "most", "block", "last", "taken"),
    [
        (1024, 768, 256, False, (0, 768)),
        (1024, 768, 256, True, (256, 768)),
        (1000, 768, 256, True, (256, 744)),
        (1024, 768, 512, False, (0, 512)),
        (1024, 768, 512, True, (512, 512)),
        (1024, 768, 1024, True, (0, 1024)),
        (1000, 768, 1024, True, (0, 1000)),
        (1000, 768, 1, True, (232, 768)),
        (1025, 768, 1024, True, (0, 1025)),
    ],
)
def test_whole_blocks_are_taken_from_either_end(length, most, block, last, taken):
    assert _take_end(length, most, block, last) == taken


def warn_of_tiling(cells, crs="EPSG:32637", shift=0.0):
    """Warnings about tiles of 20 × 20 px at cells (column, row); the last one is moved by some pixels."""
    findings, grids = Findings(), {}
    for place, (column, row) in enumerate(cells):
        moved = shift * PX if place == len(cells) - 1 else 0
        grids[f"c{column}r{row}"] = make_grid(20, 20, crs, 500_000 + 200 * column + moved, 1_000_000 - 200 * row)
    check_tiling(grids, "regions.r.imagery", findings)
    return " ".join(findings.warnings)


@pytest.mark.parametrize("cells", [[(0, 0)], [(0, 0), (1, 0), (0, 1), (1, 1)], [(0, 0), (5, 5)], [(0, 0), (1, 1)], []])
def test_tiles_that_touch_or_lie_apart_are_well(cells):
    assert warn_of_tiling(cells) == ""


def test_tiles_that_overlap_are_named_but_not_for_a_seam():
    assert "1 pairs of tiles overlap: c0r0 and c1r0" in warn_of_tiling([(0, 0), (1, 0)], shift=-4)
    assert "overlap" not in warn_of_tiling([(0, 0), (1, 0)], shift=-0.01)


def test_a_tile_off_the_pixel_grid_is_named():
    text = warn_of_tiling([(0, 0), (1, 0)], shift=0.5)
    assert "1 of 2 tiles are off the pixel grid of c0r0: c1r0" in text
    assert "off the pixel grid" not in warn_of_tiling([(0, 0), (1, 0)], shift=3)


def test_a_hole_that_a_tile_is_missing_in_is_told():
    ring = [(column, row) for column in range(3) for row in range(3) if (column, row) != (1, 1)]
    assert "1 holes lie between the tiles" in warn_of_tiling(ring)
    assert "holes" not in warn_of_tiling([*ring, (1, 1)])
