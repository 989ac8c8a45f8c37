import base64
import io
import json
import re
from hashlib import sha256

import numpy as np
import pytest
import shapely
from PIL import Image

from cropmine.geo.grids import read_grid
from cropmine.inputs.label_pieces import read_pieces
from cropmine.mapping.colours import CROPLAND_COLOUR, NONCROPLAND_COLOUR
from cropmine.reporting.views import choose_views
from cropmine.reporting.web_map import LIBRARY_VERSION, describe_labels, describe_webmap, embed_library
from cropmine.reporting.wording import TEMPLATES
from factories.reports import change_files, make_region


def decode(uri):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGBA"))


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    return make_region(tmp_path_factory.mktemp("region"))


def describe(region, labels=None, imagery="full"):
    grids = {tile: read_grid(region.files.images[tile][0]) for tile in region.tiles}
    return describe_webmap(region, grids, choose_views(grids, labels), labels, imagery)


def hexed(colour):
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


def test_layers_show_the_classes_of_their_rasters(region):
    web = describe(region)
    keys = [layer.key for layer in web.layers]
    assert keys == ["imagery", "weak", "mined", "probability", "difference", "class"]
    assert web.pair == ("imagery", "class")
    for key in ("weak", "mined", "class"):
        picture = decode(web.data["layers"][key][0]["picture"])
        height, width = picture.shape[:2]
        assert picture[height // 2, width // 4].tolist() == [*hexed(CROPLAND_COLOUR), 255]
        assert picture[height // 2, 3 * width // 4].tolist() == [*hexed(NONCROPLAND_COLOUR), 255]


def test_what_a_region_lacks_or_may_not_show_has_no_layer(region):
    bare = change_files(region, weak=None, mined=None, maps=[])
    assert describe(bare, imagery="none") is None
    assert [layer.key for layer in describe(bare).layers] == ["imagery"]
    assert describe(bare).pair is None
    assert "imagery" not in describe(region, imagery="none").data["layers"]


def test_labels_so_many_that_they_would_hide_the_map_wait_for_their_box(region):
    pieces = read_pieces(region.files.labels)
    assert describe(region, pieces).labels_shown
    assert not describe(region, pieces.iloc[np.zeros(301, int)].reset_index(drop=True)).labels_shown


def test_labels_have_their_class_and_split_and_lie_to_a_decimetre(region):
    pieces = read_pieces(region.files.labels)
    described = describe_labels(pieces)
    assert {split: own.count for split, own in described.items()} == {"train": 1, "validation": 1, "test": 2}
    assert len({own.dashes for own in described.values()}) == 3
    feature = described["train"].features["features"][0]
    assert feature["properties"]["colour"] == CROPLAND_COLOUR
    drawn = shapely.from_geojson(json.dumps(feature["geometry"]))
    assert drawn.hausdorff_distance(pieces.geometry.iloc[0]) < 1e-6
    folded = describe_labels(pieces.assign(fold=2))
    assert list(folded) == ["train"] and folded["train"].count == 4


def test_the_map_library_is_the_one_that_was_published():
    noted = (TEMPLATES / "vendor/README.md").read_text()
    for digest, name in re.findall(r"^    ([0-9a-f]{64})  (\S+)$", noted, re.MULTILINE):
        assert sha256((TEMPLATES / "vendor" / name).read_bytes()).hexdigest() == digest
    assert f"version {LIBRARY_VERSION} " in noted and LIBRARY_VERSION in embed_library()["script"]
