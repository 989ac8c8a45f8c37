"""The worked examples of the papers, to the digits that they print."""

import numpy as np
import pytest

from cropmine.mapping.accuracy import estimate_accuracy
from cropmine.mapping.sample_designs import allocate_sample

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


def test_the_sample_size_is_that_of_olofssons_section_5():
    # Weights and conjectured user's accuracies of the example, S(O) = 0.01: n = 641.
    weights = dict(zip(CLASSES, (0.020, 0.015, 0.320, 0.645), strict=True))
    expected = dict(zip(CLASSES, (0.70, 0.60, 0.90, 0.95), strict=True))
    sample = allocate_sample(weights, expected, 0.01, least=0)
    assert sum(sample.values()) == pytest.approx(641, abs=1)
