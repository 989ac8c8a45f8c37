"""Files of a map are named and tagged by what it is."""

import json
from dataclasses import replace

from cropmine.mapping.tags import name_product, stamp_tags
from factories.products import STAMP


def test_a_file_is_named_by_region_kind_year_run_and_crs():
    assert name_product(STAMP, "class", "epsg32637") == "valley_class_2021_first_epsg32637"
    assert name_product(replace(STAMP, year=None)) == "valley_undated_first"


def test_tags_are_texts_and_state_the_inputs():
    tags = stamp_tags(replace(STAMP, year=None), ["é.tif"])
    assert {type(value) for value in tags.values()} == {str}
    assert (tags["year"], tags["map_version"], tags["threshold"]) == ("", "first-0123abcd", "0.5")
    assert json.loads(tags["inputs"]) == ["é.tif"]
