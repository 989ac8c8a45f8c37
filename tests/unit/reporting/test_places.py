import base64
import io
import math

import geopandas
import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from PIL import Image

from cropmine.mapping.colours import CROPLAND_COLOUR, NONCROPLAND_COLOUR
from cropmine.mapping.map_tiles import write_map
from cropmine.reporting.places import (
    EMPTY_COLOUR,
    choose_bar,
    choose_places,
    colour_classes,
    colour_codes,
    draw_overview,
    spell_length,
    stretch_colours,
)
from factories.rasters import make_grid


def decode(uri, kind):
    head, content = uri.split(",")
    assert head == f"data:image/{kind};base64"
    return base64.b64decode(content)


def test_classes_have_their_colours_and_all_else_is_empty():
    shown = colour_classes(np.array([[0, 1, 255, 7]], np.uint8))
    expected = [NONCROPLAND_COLOUR, CROPLAND_COLOUR, EMPTY_COLOUR, EMPTY_COLOUR]
    assert shown[0].tolist() == [list(to_rgb(colour)) for colour in expected]


def test_probability_without_data_is_empty():
    assert colour_codes(np.array([[255]], np.uint8))[0, 0].tolist() == list(to_rgb(EMPTY_COLOUR))


def test_true_colour_takes_the_bands_by_name_in_any_order():
    pixels = np.stack([np.full((2, 2), value) for value in (1, 2, 3, 4)]).astype(np.uint16)
    pixels[:, 0, 0] = 0
    pixels[2, 1, 1] = 9  # red
    shown = stretch_colours(pixels, np.ones((2, 2), bool), ["nir", "Blue", "Red", "green"])
    assert shown[1, 1].argmax() == 0
    assert shown.shape == (2, 2, 3)


def test_invalid_imagery_is_empty_and_has_no_part_in_the_stretch():
    pixels = np.tile(np.arange(16, dtype=np.float32).reshape(4, 4), (3, 1, 1))
    valid = np.ones((4, 4), bool)
    valid[0, 0] = False
    other = pixels.copy()
    other[:, 0, 0] = 1e6
    first, second = (stretch_colours(array, valid, ["red", "green", "blue"]) for array in (pixels, other))
    assert (first == second).all()
    assert np.allclose(first[0, 0], to_rgb(EMPTY_COLOUR))


def test_imagery_without_a_valid_pixel_or_with_one_band_is_shown():
    assert np.allclose(stretch_colours(np.zeros((1, 2, 2)), np.zeros((2, 2), bool), ["sar"]), to_rgb(EMPTY_COLOUR))


@given(st.floats(1, 1e7))
def test_a_scale_bar_is_round_and_fits(width):
    bar = choose_bar(width)
    assert width / 12 <= bar <= width / 4 * (1 + 1e-6)
    assert round(bar / 10 ** math.floor(math.log10(bar) + 1e-9), 6) in (1, 2, 5)


def test_lengths_are_in_kilometres_from_one_on():
    assert (spell_length(500), spell_length(2000)) == ("500 m", "2 km")


def make_labels(grid, places):
    boxes = [shapely.box(x, y, x + 30, y + 30) for x, y in (grid.transform @ place for place in places)]
    return geopandas.GeoDataFrame(geometry=boxes, crs=grid.crs.to_wkt()).to_crs(4326)


def test_places_are_the_tiles_with_most_labels_and_the_windows_where_they_are_dense():
    grids = {f"t{i}": make_grid(900, 700, x=500_000 + 9000 * i) for i in range(6)}
    labels = make_labels(grids["t4"], [(850, 650), (840, 640), (10, 10)])
    places = choose_places(grids, labels)
    assert [place.tile for place in places] == ["t0", "t1", "t2", "t4"]
    assert places[3].window == (388, 188, 512, 512)
    assert places[3].grid == grids["t4"].window(*places[3].window)


def test_places_of_a_region_without_labels_are_in_the_middle_of_small_tiles_too():
    (place,) = choose_places({"t": make_grid(40, 30)}, None)
    assert place.window == (0, 0, 40, 30)


def write_flat(path, grid, value):
    write_map(path, np.full((3, *grid.shape), value, np.uint8), grid, {})
    return str(path)


def test_the_overview_shows_each_tile_at_its_place(tmp_path):
    west, east = make_grid(300, 300), make_grid(300, 300, x=503_000)
    maps = [write_flat(tmp_path / "w.tif", west, 1), write_flat(tmp_path / "e.tif", east, 0)]
    image = Image.open(io.BytesIO(decode(draw_overview(maps, []), "png"))).convert("RGB")
    colours = [np.array(image.getpixel((image.width * x // 4, image.height // 3))) / 255 for x in (1, 3)]
    assert np.allclose(colours, [to_rgb(CROPLAND_COLOUR), to_rgb(NONCROPLAND_COLOUR)], atol=0.01)


def test_scattered_chips_have_no_overview(tmp_path):
    near, far = make_grid(16, 16), make_grid(16, 16, x=700_000, y=1_200_000)
    assert draw_overview([write_flat(tmp_path / "a.tif", near, 1), write_flat(tmp_path / "b.tif", far, 1)], []) is None
