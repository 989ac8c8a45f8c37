"""Points of a sweep and their positions in its grid."""

from cropmine.planning.sweeps import spell_value
from cropmine.reporting.charts.sweep_points import arrange_points, spell_option
from factories.sweeps import HUMAN, make_sweep


def test_points_find_their_positions_after_the_table_went_through_a_file():
    shuffled = make_sweep(HUMAN, base="half").sample(frac=1, random_state=1)
    points = arrange_points(shuffled, HUMAN)
    rows, positions = points.rows["validation"], points.positions["validation"]
    assert points.base["validation"]["experiment"] == "half" and len(rows) == 6
    for row, (human, mined) in zip(rows.itertuples(), positions, strict=True):
        values = HUMAN["human"][human], HUMAN["mined"][mined]
        assert row.experiment == f"human={spell_value(values[0])} mined={spell_value(values[1])}"


def test_values_are_spelt_for_an_axis():
    spelt = [spell_option("weak_classes", value) for value in (["cropland", "noncropland"], [], None, True, 0.25)]
    assert spelt == ["cropland and noncropland", "none", "none", "yes", "0.25"]
    assert spell_option("mined", {"cropland": 0.8, "random": True}) == "mined cropland > 0.8, as many random pixels"
