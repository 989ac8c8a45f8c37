"""Presets of well-known maps."""

from typing import get_args

import pytest

from cropmine.config.known_maps import PRESETS, PresetName
from cropmine.config.regions import WeakMap
from workspace import ROOT

GUIDE = ROOT / "docs/bring-your-own-data.md"


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_tells_the_classes_and_the_guide_lists_it_with_its_source(name):
    preset = PRESETS[name]
    weak = WeakMap(path="map.tif", preset=name)
    assert list(weak.cropland) == preset.settings["cropland"]
    assert weak.nodata == preset.settings["nodata"]
    row = f"| `{name}` | [{preset.title}]({preset.source}) | {preset.years} | {preset.definition} |"
    assert f"{row} {preset.training_labels} |" in GUIDE.read_text()


def test_every_name_that_a_weak_map_may_give_has_a_preset():
    assert get_args(PresetName) == tuple(PRESETS)


def test_what_is_written_beside_a_preset_wins():
    weak = WeakMap(path="map.tif", preset="esa_worldcover_2021", cropland=[40, 30], year=2020)
    assert (weak.cropland, weak.year, weak.nodata) == ((40, 30), 2020, 0)


def test_an_unknown_preset_is_refused():
    with pytest.raises(ValueError, match="preset"):
        WeakMap(path="map.tif", preset="worldcover")
