"""A probability sample: drawn from a frozen map, labelled, and turned into accuracy and area."""

import geopandas
import numpy as np
import pandas as pd
import pytest

from cropmine.geo.areas import pixel_areas
from cropmine.geo.rasters import write_raster
from cropmine.mapping.sample_designs import allocate_sample, draw_sample, keep_design
from factories.rasters import make_grid
from factories.samples import GRIDS, SETTINGS, STAMP, TAGS, freeze_sample, look_up, make_classes

CLASSES = ["deforestation", "gain", "stable forest", "stable other"]


@pytest.fixture(scope="module")
def frozen(tmp_path_factory):
    return freeze_sample(tmp_path_factory.mktemp("frozen"))


def test_every_stratum_is_a_class_of_the_map_sized_by_true_area_and_named_without_telling(frozen):
    paths, kept, design = frozen
    points = geopandas.read_file(kept / "sample.gpkg")
    assert list(points) == ["sample", "stratum", "weight", "class", "geometry"]
    assert set(points["class"]) == {""} and set(points["stratum"]) == {"s1", "s2"}
    assert (look_up(paths, points) == points["stratum"].map(design["classes"])).all()
    areas = [np.broadcast_to(pixel_areas(grid), grid.shape) for grid in GRIDS]
    for entry in design["strata"]:
        own = [a * (make_classes(GRIDS[n], n) == entry["class"]) for n, a in enumerate(areas)]
        total = sum(part.sum() for part in own)
        assert entry["area_ha"] == pytest.approx(total / 1e4, rel=1e-5)
        own = points[points["stratum"] == entry["stratum"]]
        assert len(own) == entry["drawn"] >= 50
        assert own["weight"].iloc[0] == pytest.approx(entry["area_ha"] / len(own), rel=1e-4)


def test_the_number_of_pixels_is_olofssons_and_no_pixel_comes_twice(frozen):
    _, kept, design = frozen
    sizes = {entry["class"]: entry["area_ha"] for entry in design["strata"]}
    share = sizes[1] / sum(sizes.values())
    total = np.ceil(((share * 0.4 + (1 - share) * 0.3) / 0.02) ** 2)
    assert sum(entry["drawn"] for entry in design["strata"]) == pytest.approx(total, abs=1)
    points = geopandas.read_file(kept / "sample.gpkg")
    assert not points["sample"].duplicated().any()
    assert not points.geometry.to_wkb().duplicated().any()


def test_pixels_are_drawn_in_proportion_to_area(tmp_path):
    grid = make_grid(64, 64)
    write_raster(tmp_path / "c.tif", np.zeros(grid.shape, np.uint8), grid, nodata=255)
    sample = draw_sample([tmp_path / "c.tif"], SETTINGS | {"target_error": 0.01}, "x")
    assert len(sample.pixels) == 900
    lonlat = grid.to_lonlat.transform(*grid.centre)
    assert (sample.pixels["lon"] < lonlat[0]).mean() == pytest.approx(0.5, abs=0.06)


def test_the_same_map_and_settings_give_the_same_folder_which_is_never_written_again(frozen):
    paths, kept, _ = frozen
    (kept / "mine.txt").write_text("labelled so far")
    assert keep_design(kept.parent, paths, SETTINGS, STAMP, TAGS) == kept
    assert (kept / "mine.txt").exists()
    other = keep_design(kept.parent, paths, SETTINGS | {"seed": 1}, STAMP, TAGS)
    assert other != kept and len(list(kept.parent.iterdir())) == 2
    first, second = (geopandas.read_file(folder / "sample.gpkg").geometry.to_wkb() for folder in (kept, other))
    assert set(first) != set(second)


def test_collect_earth_online_gets_centres_with_stratum_and_weight_and_no_class(frozen):
    table = pd.read_csv(frozen[1] / "ceo.csv")
    assert list(table) == ["LON", "LAT", "PLOTID", "STRATUM", "WEIGHT"]
    assert (frozen[1] / "strata/class_0.tif").read_bytes() == frozen[0][0].read_bytes()


def test_the_sample_size_is_that_of_olofssons_section_5():
    # Weights and conjectured user's accuracies of the example, S(O) = 0.01: n = 641.
    weights = dict(zip(CLASSES, (0.020, 0.015, 0.320, 0.645), strict=True))
    expected = dict(zip(CLASSES, (0.70, 0.60, 0.90, 0.95), strict=True))
    sample = allocate_sample(weights, expected, 0.01, least=0)
    assert sum(sample.values()) == pytest.approx(641, abs=1)
