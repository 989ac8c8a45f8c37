"""Files of several tiles and regions, taken apart."""

from cropmine.inputs.imagery import group_parts


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
