"""Charts of experiments and their differences."""

import base64
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from cropmine.reporting.charts.scores import draw_differences, draw_experiments


def decode(uri, kind):
    head, content = uri.split(",")
    assert head == f"data:image/{kind};base64"
    return base64.b64decode(content)


def make_table(names=("plain", "mined"), **changes):
    rows = []
    for position, name in enumerate(names):
        for choice in ("default", "validation"):
            row = {"experiment": name, "split": "test", "threshold_choice": choice, "f1_cropland": 0.6 + position / 10}
            row |= {"f1_cropland_lo": 0.5, "f1_cropland_hi": 0.8, "f1_cropland_loo_lo": 0.5, "f1_cropland_loo_hi": 0.7}
            row |= {"f1_cropland_min": 0.5, "f1_cropland_max": 0.7, "seeds": 2}
            rows.append(row | {"selected": position == 1 and choice == "validation"} | changes)
    return pd.DataFrame(rows)


def make_differences():
    row = {"experiment": "mined", "base": "plain", "split": "test", "threshold_choice": "validation"}
    return pd.DataFrame([row | {"difference": -0.1, "lo": -0.2, "hi": 0.05}])


@pytest.mark.parametrize("missing", [{}, {"f1_cropland_lo": np.nan, "f1_cropland_hi": np.nan}, {"f1_cropland": np.nan}])
def test_a_chart_is_an_svg_with_the_names_of_experiments_as_they_are(missing):
    names = ("<b>&plain", "a$b$c")
    svg = decode(draw_experiments(make_table(names, **missing)), "svg+xml")
    texts = [element.text for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    assert set(names) <= set(texts)


def test_the_same_table_makes_the_same_chart():
    assert draw_experiments(make_table()) == draw_experiments(make_table())
    assert draw_differences(make_differences(), "plain") == draw_differences(make_differences(), "plain")


def test_differences_carry_their_sign():
    svg = decode(draw_differences(make_differences(), "plain", "mined"), "svg+xml").decode()
    assert "\N{MINUS SIGN}0.100" in svg
