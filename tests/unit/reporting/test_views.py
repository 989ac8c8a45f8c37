"""Views of tiles and the overview of the map."""

import base64
import io

import geopandas
import numpy as np
import shapely
from matplotlib.colors import to_rgb
from PIL import Image

from cropmine.mapping.colours import CROPLAND_COLOUR, NONCROPLAND_COLOUR
from cropmine.mapping.map_tiles import write_map
from cropmine.reporting.views import choose_views, draw_overview, draw_view
from factories.rasters import make_grid
from factories.reports import change_files, make_region


def decode(uri, kind):
    head, content = uri.split(",")
    assert head == f"data:image/{kind};base64"
    return base64.b64decode(content)


def make_labels(grid, positions):
    boxes = [shapely.box(x, y, x + 30, y + 30) for x, y in (grid.transform @ position for position in positions)]
    return geopandas.GeoDataFrame(geometry=boxes, crs=grid.crs.to_wkt()).to_crs(4326)


def test_views_are_the_tiles_with_most_labels_and_the_windows_where_they_are_dense():
    grids = {f"t{i}": make_grid(900, 700, x=500_000 + 9000 * i) for i in range(6)}
    labels = make_labels(grids["t4"], [(850, 650), (840, 640), (10, 10)])
    views = choose_views(grids, labels)
    assert [view.tile for view in views] == ["t0", "t1", "t2", "t4"]
    assert views[3].window == (388, 188, 512, 512)
    assert views[3].grid == grids["t4"].window(*views[3].window)


def test_views_of_a_region_without_labels_are_in_the_middle_of_small_tiles_too():
    (view,) = choose_views({"t": make_grid(40, 30)}, None)
    assert view.window == (0, 0, 40, 30)


def write_flat(path, grid, value):
    write_map(path, np.full((3, *grid.shape), value, np.uint8), grid, {})
    return str(path)


def test_the_overview_shows_each_tile_at_its_location(tmp_path):
    west, east = make_grid(300, 300), make_grid(300, 300, x=503_000)
    maps = [write_flat(tmp_path / "w.tif", west, 1), write_flat(tmp_path / "e.tif", east, 0)]
    image = Image.open(io.BytesIO(decode(draw_overview(maps, []), "png"))).convert("RGB")
    colours = [np.array(image.getpixel((image.width * x // 4, image.height // 3))) / 255 for x in (1, 3)]
    assert np.allclose(colours, [to_rgb(CROPLAND_COLOUR), to_rgb(NONCROPLAND_COLOUR)], atol=0.01)


def test_scattered_chips_have_no_overview(tmp_path):
    near, far = make_grid(16, 16), make_grid(16, 16, x=700_000, y=1_200_000)
    assert draw_overview([write_flat(tmp_path / "a.tif", near, 1), write_flat(tmp_path / "b.tif", far, 1)], []) is None


def test_a_view_has_the_pictures_that_the_region_has_files_for(tmp_path):
    region = make_region(tmp_path)
    (view,) = choose_views({"t0": make_grid(32, 24)}, None)
    drawn = draw_view(view, region, None)
    assert (drawn.tile, drawn.width.replace("\N{NO-BREAK SPACE}", " ")) == ("t0", "320 m")
    assert [picture.title for picture in drawn.pictures] == [
        *("Imagery", "Weak map global_map", "Mined labels", "Probability", "Map")
    ]
    assert drawn.pictures[2].note == "weak fraction > 0.8 or < 0.2"
    bare = change_files(region, weak=None, mined=None, maps=[])
    assert draw_view(view, bare, None, "none").pictures == []
