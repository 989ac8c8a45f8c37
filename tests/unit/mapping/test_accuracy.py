"""The worked examples of the papers, to the digits that they print."""

import geopandas
import numpy as np
import pytest
import shapely

from cropmine.config.regions import ProbabilitySample
from cropmine.errors import CropmineError
from cropmine.geo.areas import pixel_areas
from cropmine.inputs.probability_samples import read_sample
from cropmine.mapping.accuracy import assess_map, assess_units, estimate_accuracy, write_assessment
from factories.samples import GRIDS, freeze_sample, label, make_classes, write_tiles

# Olofsson et al. (2014), table 8: rows are map classes, columns reference classes; pixels of 30 m.
COUNTS = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
CLASSES = ["deforestation", "gain", "stable forest", "stable other"]
PIXELS = dict(zip(CLASSES, (200_000, 150_000, 3_200_000, 6_450_000), strict=True))


def spread_counts():
    rows, columns = np.nonzero(COUNTS)
    repeats = COUNTS[rows, columns]
    return np.repeat(np.array(CLASSES)[rows], repeats), np.repeat(np.array(CLASSES)[columns], repeats)


def find(table, cls, measure, column="estimate"):
    return table[(table["class"] == cls) & (table["measure"] == measure)][column].item()


def half_width(table, cls, measure):
    return (find(table, cls, measure, "hi") - find(table, cls, measure, "lo")) / 2


def error_by_equation_7(cls):
    """The standard error of a producer's accuracy, written as the paper writes it."""
    place, sizes, n = CLASSES.index(cls), np.array(list(PIXELS.values()), float), COUNTS.sum(axis=1)
    shares = COUNTS[:, place] / n
    users, total = shares[place], (sizes * shares).sum()
    producers = sizes[place] * users / total
    spread = sizes**2 * shares * (1 - shares) / (n - 1)
    own = (1 - producers) ** 2 * spread[place]
    return np.sqrt(own + producers**2 * np.delete(spread, place).sum()) / total


def test_the_example_of_olofsson_comes_out_to_the_printed_digits():
    mapped, reference = spread_counts()
    table = estimate_accuracy(mapped, reference, mapped, PIXELS, total_ha=10_000_000 * 0.09)
    printed_user = {"deforestation": (0.88, 0.07), "gain": (0.73, 0.10), "stable forest": (0.93, 0.04)}
    for cls, (estimate, reach) in (printed_user | {"stable other": (0.96, 0.02)}).items():
        assert round(find(table, cls, "user"), 2) == estimate
        assert round(half_width(table, cls, "user"), 2) == reach
    printed = {"deforestation": 0.75, "gain": 0.85, "stable forest": 0.93, "stable other": 0.96}
    for cls, estimate in printed.items():
        assert round(find(table, cls, "producer"), 2) == estimate
        assert find(table, cls, "producer", "standard_error") == pytest.approx(error_by_equation_7(cls))
    assert round(find(table, "overall", "overall"), 2) == 0.95
    assert round(half_width(table, "overall", "overall"), 2) == 0.02
    assert round(find(table, "deforestation", "area", "standard_error"), 4) == 0.0035
    assert round(find(table, "deforestation", "area_ha")) == 21_158
    assert half_width(table, "deforestation", "area_ha") == pytest.approx(6_158, abs=1)


# Stehman (2014), table 2: 40 pixels in four strata that aren't the map's classes.
STRATA = np.repeat(["1", "2", "3", "4"], 10)
MAPPED = np.array([*"AAAAAAABBB", *"ABBBBBBBBB", *"BBCCCCCCBB", *"DDDDDDDDDD"])
REFERENCE = np.array([*"AAAAACBABC", *"ABBBBBAABB", *"CCCCCDDBBA", *"DDDDDDDCCB"])
SIZES = {"1": 40_000, "2": 30_000, "3": 20_000, "4": 10_000}


def test_the_example_of_stehman_comes_out_to_the_printed_digits():
    table = estimate_accuracy(STRATA, REFERENCE, MAPPED, SIZES)
    printed = {
        ("A", "area"): (0.35, 0.082),
        ("C", "area"): (0.20, 0.064),
        ("overall", "overall"): (0.63, 0.085),
        ("B", "user"): (0.574, 0.125),
        ("B", "producer"): (0.794, 0.117),
    }
    for place, (estimate, error) in printed.items():
        assert round(find(table, *place), 3) == estimate
        assert round(find(table, *place, "standard_error"), 3) == pytest.approx(error, abs=0.0006)


def test_a_stratum_of_one_sample_gives_no_estimate():
    table = estimate_accuracy(["a", "a", "b"], [1, 0, 1], [1, 0, 1], {"a": 10, "b": 10})
    assert table["estimate"].isna().all()


def test_a_class_that_nothing_is_mapped_to_has_no_users_accuracy():
    table = estimate_accuracy(["a"] * 4, [1, 1, 0, 0], [0, 0, 0, 0], {"a": 10})
    assert np.isnan(find(table, 1, "user")) and find(table, 1, "producer") == 0
    assert find(table, 1, "area") == 0.5


def test_a_sample_of_an_unknown_stratum_is_refused():
    with pytest.raises(ValueError, match="without a size: \\['z'\\]"):
        estimate_accuracy(["z", "z"], [1, 0], [1, 0], {"a": 10})


@pytest.fixture(scope="module")
def frozen(tmp_path_factory):
    return freeze_sample(tmp_path_factory.mktemp("frozen"))


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


def test_a_map_of_another_area_is_told(frozen, tmp_path):
    label(frozen, tmp_path / "s.gpkg")
    sample = read_sample(tmp_path / "s.gpkg", frozen[2], ProbabilitySample(path="s", design="d"))
    with pytest.raises(CropmineError, match="the sample is of another area"):
        assess_map(sample, frozen[2], write_tiles(tmp_path)[:1], "v")
