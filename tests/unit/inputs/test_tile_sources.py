"""Sources of tiles are built from flat lists of files."""

import numpy as np
import pytest

from cropmine.errors import CropmineError
from cropmine.inputs.imagery import read_tile
from cropmine.inputs.tile_sources import TileSource, group_parts, source_from_settings
from factories.rasters import make_grid, write_plain

GRID = make_grid(12, 9)


def make_pixels(bands=4, dtype="uint16", seed=0):
    return np.random.default_rng(seed).integers(1, 200, (bands, 9, 12)).astype(dtype)


def test_faulty_mask_settings_are_errors(tmp_path):
    settings = {"bands": ["b"], "mask_bad": ["cloud"], "mask_band": 1}
    with pytest.raises(CropmineError, match="not a number"):
        source_from_settings(["a.tif"], ["m.tif"], settings)
    with pytest.raises(CropmineError, match="1 mask files for 2 dates"):
        source_from_settings(["a.tif", "b.tif"], ["m.tif"], settings | {"mask_bad": [1]})
    image, mask = (write_plain(tmp_path / f"{n}.tif", make_pixels(1, "u1"), GRID) for n in "ab")
    with pytest.raises(CropmineError, match=r"b\.tif: has 1 bands, but `mask\.band` is 2"):
        read_tile(TileSource((image,), 1, (mask,), (1.0,), 2))


def test_without_masks_the_settings_may_leave_them_out():
    assert source_from_settings(["a.tif"], [], {"bands": ["b"], "mask_bad": [], "mask_band": 1}) == TileSource(
        ("a.tif",), 1
    )


def make_part(tiles, dates=1, masked=False):
    return {"tiles": tiles, "dates": dates, "masked": masked, "bands": ["red"], "mask_bad": [1]}


def test_each_region_has_its_own_tiles_dates_and_masks():
    images = ["a1", "a2", "b1", "b2", "c", "d"]
    parts = [make_part(["a", "b"], dates=2), make_part(["c"], masked=True), make_part(["d"])]
    first, second, third = group_parts(images, ["mc"], parts)
    assert {tile: source.images for tile, source in first.items()} == {"a": ("a1", "a2"), "b": ("b1", "b2")}
    assert second["c"].images == ("c",)
    assert second["c"].masks == ("mc",)
    assert third["d"].images == ("d",)
    assert not first["a"].masks and not third["d"].masks
