"""The experiments of a region, compared with each other and with their base."""

from types import SimpleNamespace

import pandas as pd
import pytest

from cropmine.reporting.comparison import Comparison, Difference, describe_comparison, list_rows
from factories.reports import make_region


@pytest.fixture(scope="module")
def comparison(tmp_path_factory):
    """Two experiments: plain, the base, and mined, which is selected."""
    return describe_comparison(make_region(tmp_path_factory.mktemp("region")).files)


def make_difference(experiment, base, figures, choice="validation", split="test"):
    difference, lo, hi = figures
    names = {"experiment": experiment, "base": base, "threshold_choice": choice, "split": split}
    return SimpleNamespace(**names, difference=difference, lo=lo, hi=hi)


def make_comparison(*differences):
    choice = {"experiment": "mined", "threshold": 0.5, "threshold_best": 0.7}
    return Comparison([], [], [], choice, {}, "plain", list(differences), [])


def test_the_tables_of_a_region_give_its_experiments(comparison):
    assert (comparison.count, comparison.seeds, comparison.base) == (2, 1, "plain")
    assert comparison.splits == ["test", "validation"] and set(comparison.selected) == {"test", "validation"}
    assert comparison.has_intervals and comparison.has_differences
    assert [row.experiment for row in comparison.test_rows] == ["plain", "mined"]
    assert len(comparison.charts) == len(comparison.difference_charts) == 2
    (difference,) = comparison.compare_mining()
    assert (difference.experiment, difference.base) == ("mined", "plain") and difference.is_gain


def test_what_is_missing_in_a_row_is_none():
    (row,) = list_rows(pd.DataFrame({"f1": [float("nan")], "name": ["a"], "count": [3]}))
    assert (row.f1, row.name, row.count) == (None, "a", 3)


def test_a_difference_is_found_whichever_way_round_it_was_computed():
    comparison = make_comparison(make_difference("mined", "plain", (0.1, -0.05, 0.3)))
    assert comparison.find_difference("mined", "plain") == Difference("mined", "plain", 0.1, -0.05, 0.3)
    assert comparison.find_difference("plain", "mined") == Difference("plain", "mined", -0.1, -0.3, 0.05)
    without_interval = make_comparison(make_difference("mined", "plain", (0.1, None, None)))
    assert without_interval.find_difference("plain", "mined") == Difference("plain", "mined", -0.1, None, None)


def test_a_difference_that_is_unknown_or_of_other_labels_is_not_found():
    unknown = make_difference("mined", "plain", (None, None, None))
    validated = make_difference("mined", "plain", (0.1, 0.0, 0.2), split="validation")
    comparison = make_comparison(unknown, validated)
    assert comparison.find_difference("mined", "plain") is None
    assert comparison.find_difference("mined", None) is None


def test_the_selected_experiment_is_compared_at_the_kind_of_threshold_that_makes_the_map():
    default = make_difference("mined", "plain", (0.1, 0.05, 0.2), choice="default")
    own = make_difference("mined", "plain", (0.3, 0.2, 0.4))
    comparison = make_comparison(own, default)
    assert comparison.difference_from_base.value == 0.1
    comparison.choice["threshold"] = 0.7
    assert comparison.difference_from_base.value == 0.3


@pytest.mark.parametrize(
    ("ends", "gain", "loss"),
    [((0.1, 0.2), True, False), ((-0.2, -0.1), False, True), ((0, 0.1), False, False), ((None, None), False, False)],
)
def test_only_an_interval_without_zero_is_a_gain_or_a_loss(ends, gain, loss):
    difference = Difference("mined", "plain", 0.1, *ends)
    assert (difference.is_gain, difference.is_loss) == (gain, loss)
