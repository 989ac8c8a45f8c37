"""Tiles that look suspicious are drawn, so that people see why."""

import numpy as np
from PIL import Image

from cropmine.config.regions import Region
from cropmine.inputs.checks.quicklooks import draw_quicklooks
from cropmine.inputs.checks.regions import check_region
from factories.land import UPRIGHT, make_land
from factories.rasters import make_grid, write_plain


def draw(folder, tiles, path):
    region = Region(imagery=f"{folder}/{{tile}}.tif", bands=["blue", "green", "red", "nir"])
    files = {tile: {"images": [f"{folder}/{tile}.tif"], "masks": []} for tile in tiles}
    verdict = check_region(region, files, "regions.r")
    draw_quicklooks(path, region, verdict)
    return verdict


def test_a_tile_with_a_seam_is_told_and_drawn_beside_one_that_looks_like_most(tmp_path):
    for place, tile in enumerate("ab"):
        pixels = np.where(UPRIGHT & (tile == "b"), make_land(place) * 1.3, make_land(place)).astype(np.uint16)
        write_plain(tmp_path / f"{tile}.tif", pixels, make_grid(256, 256, x=500_000 + 2560 * place))
    verdict = draw(tmp_path, "ab", tmp_path / "one.png")
    assert [told for told in verdict.warnings if "a straight seam crosses 1 of 2 tiles" in told and ": b." in told]
    assert list(verdict.suspicious) == ["b"] and verdict.usual == "a"
    assert set(verdict.suspicious["b"]) == {"0"}
    draw(tmp_path, "ab", tmp_path / "two.png")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    sheet = np.asarray(Image.open(tmp_path / "one.png"))
    assert sheet.shape == (256 + 18 + 16, 2 * 264 + 8, 3)
    marks = np.argwhere((sheet == (0xD4, 0, 0x6A)).all(axis=2))
    assert len(marks) and np.abs(marks[:, 1] - (272 + 128)).max() < 5  # ticks at the seam of the second
    look = sheet[26:282, 8:264]
    assert (look[0:4, 0:4] == look[0, 0]).all()  # a pixel is four of the file's wide


def test_without_a_suspicious_tile_a_sentence_says_so(tmp_path):
    write_plain(tmp_path / "a.tif", make_land().astype(np.uint16), make_grid(256, 256))
    verdict = draw(tmp_path, "a", tmp_path / "checks.png")
    assert verdict.suspicious == {} and verdict.usual is None
    assert Image.open(tmp_path / "checks.png").size == (256, 18)
