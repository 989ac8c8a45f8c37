"""A probability sample: drawn from a frozen map, labelled, and turned into accuracy and area."""

import json

import geopandas
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely

from cropmine.config.regions import ProbabilitySample
from cropmine.errors import CropmineError
from cropmine.geo.areas import pixel_areas
from cropmine.geo.rasters import write_raster
from cropmine.inputs.probability_samples import mark_sample, read_design, read_sample
from cropmine.mapping.accuracy import assess_map, assess_units, write_assessment
from cropmine.mapping.map_tiles import write_map
from cropmine.mapping.sample_designs import draw_sample, keep_design
from factories.rasters import make_grid

SETTINGS = {"target_error": 0.02, "expected_cropland": 0.8, "expected_noncropland": 0.9, "least": 50, "seed": 0}
STAMP = {"version": "first-0123abcd", "region": "valley"}
TAGS = {"map_version": "first-0123abcd"}
GRIDS = make_grid(400, 300, "EPSG:3857", 4e6, 2.2e6), make_grid(200, 100, "EPSG:32736", 300_000, 8_000_000)


def make_classes(grid, seed):
    """Cropland in the west, nodata along the lower edge."""
    classes = np.zeros(grid.shape, np.uint8)
    classes[:, : grid.width // 4] = 1
    classes[np.random.default_rng(seed).random(grid.shape) < 0.1] = 1
    classes[-10:] = 255
    return classes


@pytest.fixture(scope="module")
def frozen(tmp_path_factory):
    """A map of two CRS, its classes, and the design of a sample of it."""
    folder = tmp_path_factory.mktemp("frozen")
    paths = [folder / f"class_{number}.tif" for number in range(2)]
    for number, (path, grid) in enumerate(zip(paths, GRIDS, strict=True)):
        write_raster(path, make_classes(grid, number), grid, nodata=255)
    kept = keep_design(folder / "samples", paths, SETTINGS, STAMP, TAGS)
    return paths, kept, read_design(kept / "design.json")


def look_up(paths, frame):
    """The class of the rasters at points."""
    found = np.full(len(frame), 255)
    for path in paths:
        with rasterio.open(path) as dataset:
            points = frame.to_crs(dataset.crs.to_wkt()).geometry
            values = [value[0] for value in dataset.sample(zip(points.x, points.y, strict=True))]
            within = (points.x > dataset.bounds.left) & (points.x < dataset.bounds.right)
            within &= (points.y > dataset.bounds.bottom) & (points.y < dataset.bounds.top)
            found[within] = np.array(values)[within]
    return found


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


def label(frozen, path, wrong=0.1, seed=0):
    """Label a sample: the truth is the map's class but for some pixels."""
    paths, kept, _ = frozen
    points = geopandas.read_file(kept / "sample.gpkg")
    truth = look_up(paths, points)
    flip = np.random.default_rng(seed).random(len(points)) < wrong
    points["class"] = np.where(truth ^ flip, "cropland", "noncropland")
    points.to_file(path, driver="GPKG")
    return points, truth, flip


def write_tiles(folder, change=False):
    paths = []
    for number, grid in enumerate(GRIDS):
        classes = make_classes(grid, number)
        if change:
            classes[:100][classes[:100] == 1] = 0
        paths.append(folder / f"tile{number}.tif")
        write_map(paths[-1], np.stack([np.where(classes == 255, 255, classes * 200), classes, classes * 0]), grid, {})
    return paths


def test_the_sampled_map_is_assessed_after_olofsson_and_a_later_one_after_stehman(frozen, tmp_path):
    label(frozen, tmp_path / "s.gpkg")
    sample = read_sample(tmp_path / "s.gpkg", frozen[2], ProbabilitySample(path="s", design="d"))
    same = assess_map(sample, frozen[2], write_tiles(tmp_path), "first-0123abcd")
    assert set(same["estimator"]) == {"Olofsson 2014"}
    later = assess_map(sample, frozen[2], write_tiles(tmp_path, change=True), "second-89abcdef")
    estimators = later.groupby("map")["estimator"].first().to_dict()
    assert estimators == {"sampled": "Olofsson 2014", "present": "Stehman 2014"}
    areas = later[(later["measure"] == "area_ha") & (later["class"] == "cropland")].set_index("map")
    assert areas.loc["sampled", "estimate"] == pytest.approx(areas.loc["present", "estimate"])  # of the land, not a map
    overall = later[later["measure"] == "overall"].set_index("map")["estimate"]
    assert overall["sampled"] == pytest.approx(0.9, abs=0.04) and overall["present"] < overall["sampled"]


def test_the_interval_of_area_covers_the_truth(frozen, tmp_path):
    _, truth, flip = label(frozen, tmp_path / "s.gpkg", wrong=0)
    assert not flip.any() and set(truth) == {0, 1}
    sample = read_sample(tmp_path / "s.gpkg", frozen[2], ProbabilitySample(path="s", design="d"))
    table = assess_map(sample, frozen[2], write_tiles(tmp_path), "v")
    row = table[(table["measure"] == "area_ha") & (table["class"] == "cropland") & (table["map"] == "sampled")]
    assert row["estimate"].item() == pytest.approx(frozen[2]["sizes"][_name(frozen, 1)])
    assert row["standard_error"].item() == pytest.approx(0, abs=1e-9)


def _name(frozen, cls):
    return next(name for name, own in frozen[2]["classes"].items() if own == cls)


def test_a_unit_without_enough_sample_gets_a_dash(frozen, tmp_path):
    label(frozen, tmp_path / "s.gpkg")
    sample = read_sample(tmp_path / "s.gpkg", frozen[2], ProbabilitySample(path="s", design="d"))
    grid = GRIDS[0]
    west, south, east, north = grid.bounds
    boxes = [shapely.box(west, south, east, north), shapely.box(west, south, west + 40, south + 200)]
    lonlat = geopandas.GeoSeries(boxes, crs=grid.crs.to_wkt()).to_crs(4326)
    units = geopandas.GeoDataFrame({"unit": ["large", "small"]}, geometry=lonlat.to_numpy(), crs=4326)
    table = assess_units(sample, frozen[2], frozen[1], units).set_index("unit")
    areas = np.broadcast_to(pixel_areas(grid), grid.shape) * (make_classes(grid, 0) != 255) / 1e4
    assert table.loc["large", "area_ha"] == pytest.approx(areas.sum(), rel=1e-3)
    assert table.loc["large", "lo"] < table.loc["large", "cropland_ha"] < table.loc["large", "hi"]
    write_assessment(tmp_path / "u.csv", table.reset_index())
    assert (tmp_path / "u.csv").read_text().splitlines()[2].endswith(",-,-,-,-")


@pytest.mark.parametrize("columns", [[], ["stratum", "weight", "sample"]])
def test_polygons_are_refused_however_they_are_declared(frozen, tmp_path, columns):
    points, _, _ = label(frozen, tmp_path / "s.gpkg")
    polygons = points[[*columns, "class", "geometry"]].copy()
    polygons["geometry"] = polygons.geometry.to_crs(3857).buffer(5).to_crs(4326)
    for name in ("p.gpkg", "p.parquet"):
        polygons.to_file(tmp_path / name) if name.endswith("gpkg") else polygons.to_parquet(tmp_path / name)
        with pytest.raises(CropmineError, match="drawn at random, but there is Polygon"):
            read_sample(tmp_path / name, frozen[2], ProbabilitySample(path="s", design="d"))


def refuse(frozen, path, points, match):
    points.to_file(path, driver="GPKG")
    with pytest.raises(CropmineError, match=match):
        read_sample(path, frozen[2], ProbabilitySample(path="s", design="d"))


def test_points_that_were_added_moved_doubled_or_left_unlabelled_are_told(frozen, tmp_path):
    points, _, _ = label(frozen, tmp_path / "s.gpkg")
    path = tmp_path / "bad.gpkg"
    refuse(frozen, path, points.assign(sample=["mine", *points["sample"][1:]]), "aren't of this sample: mine")
    refuse(frozen, path, points.assign(geometry=points.geometry.translate(0.001)), "from where it was drawn")
    refuse(frozen, path, pd.concat([points, points.iloc[:1]]), "comes twice")
    refuse(frozen, path, points.assign(**{"class": ""}), "no point has a class")
    refuse(frozen, path, points.assign(**{"class": "field"}), "holds 'field'")
    refuse(frozen, path, points.drop(columns="sample"), "no field 'sample'")
    points["class"] = ["", *points["class"][1:]]
    points.to_file(path, driver="GPKG")
    sample = read_sample(path, frozen[2], ProbabilitySample(path="s", design="d"))
    assert len(sample) == len(points) - 1


def test_a_map_of_another_area_is_told(frozen, tmp_path):
    label(frozen, tmp_path / "s.gpkg")
    sample = read_sample(tmp_path / "s.gpkg", frozen[2], ProbabilitySample(path="s", design="d"))
    with pytest.raises(CropmineError, match="the sample is of another area"):
        assess_map(sample, frozen[2], write_tiles(tmp_path)[:1], "v")


def test_nothing_trains_near_a_sampled_pixel_labelled_or_not(frozen):
    grid = GRIDS[1]
    marked = mark_sample(frozen[2], grid, 30)
    points = geopandas.GeoSeries(
        shapely.points([[place["lon"], place["lat"]] for place in frozen[2]["pixels"]]), crs=4326
    ).to_crs(grid.crs.to_wkt())
    rows, columns = np.mgrid[: grid.height, : grid.width]
    x = grid.transform.c + (columns + 0.5) * grid.transform.a
    y = grid.transform.f + (rows + 0.5) * grid.transform.e
    distance = np.min([np.hypot(x - point.x, y - point.y) for point in points], axis=0)
    assert marked[distance < 29].all() and not marked[distance > 45].any()
    assert not mark_sample(frozen[2], make_grid(8, 8), 30).any()


def test_what_is_no_design_is_told(tmp_path):
    with pytest.raises(CropmineError, match="no such file"):
        read_design(tmp_path / "design.json")
    (tmp_path / "design.json").write_text(json.dumps({"strata": 1}))
    with pytest.raises(CropmineError, match="isn't the design of a sample"):
        read_design(tmp_path / "design.json")
