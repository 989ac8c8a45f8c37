"""Numbers, names and sentences of the report."""

from types import SimpleNamespace

import pytest

from cropmine.reporting.comparison import Difference
from cropmine.reporting.wording import (
    spell_hectares,
    spell_interval,
    spell_labels,
    spell_metres,
    spell_percent,
    spell_plain,
    spell_point,
    spell_ranges,
)
from factories.reports import say


def spell_row(**changes):
    row = {"trained": True, "human_fraction": 0.5, "mined_cropland": 0.8, "mined_noncropland": None, "random": False}
    row |= {"weak_classes": None, "erode_m": None, "weak_map": "global_map", "model": "unet"}
    return spell_labels(SimpleNamespace(**row | changes)).replace("\N{NO-BREAK SPACE}", " ")


def test_labels_of_an_experiment_are_spelt():
    assert spell_row() == "50 % human + mined cropland (> 0.8)"
    eroded = {"human_fraction": 1, "mined_cropland": None, "weak_classes": "cropland+noncropland", "erode_m": 60.0}
    assert spell_row(**eroded) == "all human + weak cropland and non-cropland eroded by 60 m"
    assert spell_row(**eroded | {"erode_m": None}) == "all human + raw weak cropland and non-cropland"
    assert spell_row(random=True) == "50 % human + random pixels as cropland (> 0.8)"
    assert spell_row(trained=False) == "none: the weak map global_map itself"
    assert spell_row(model="weak_map") == "none: the weak map global_map, smoothed"
    assert spell_row(model="fusion") == "those of the experiments that it averages"


def test_text_from_outside_is_no_markdown():
    assert spell_plain("a | <b> *c*\nd") == "a \\| \\<b\\> \\*c\\* d"


def explain_improvement(*figures):
    return say("sentences.html.j2", "improvement", Difference("mined", "plain", *figures))


def test_a_difference_whose_interval_contains_zero_is_no_distinct_difference():
    assert explain_improvement(-0.02, -0.05, 0.01) == (
        "On the test labels its F1 of cropland is 0.020 lower than that of plain (95 % interval of the difference "
        "\N{MINUS SIGN}0.050 to +0.010), a difference that these labels "
        "can\N{RIGHT SINGLE QUOTATION MARK}t distinguish from none."
    )
    assert "more than the choice of test blocks explains." in explain_improvement(0.02, 0.01, 0.05)
    assert "0.020 higher than" in explain_improvement(0.02, 0.01, 0.05)
    assert "too few test blocks" in explain_improvement(-0.02, None, None)


def test_whether_mined_labels_help_is_a_sentence():
    helped = say("sentences.html.j2", "mining", Difference("mined", "human", 0.2, 0.1, 0.3))
    assert helped == "Yes: mined +0.200 (95 % +0.100 to +0.300) against human, in F1 of cropland on test labels."
    unsure = say("sentences.html.j2", "mining", Difference("mined", "human", 0.01, None, None))
    assert unsure.endswith("shown: at best mined +0.010 against human, in F1 of cropland on test labels.")


def test_the_map_is_explained_in_plain_words():
    area = {"valid_ha": 200.0, "cropland_ha": 50.0}
    assert say("sentences.html.j2", "mapped", area) == (
        "Of 200 hectares in the imagery, the map shows 50 hectares as cropland: 25 of every 100."
    )
    assert say("sentences.html.j2", "mapped", {"valid_ha": 0, "cropland_ha": 0}).endswith("0.0 hectares as cropland.")
    row = SimpleNamespace(recall_cropland=0.794, precision_cropland=0.77)
    text = say("sentences.html.j2", "correctness", row)
    assert "it finds 79 of every 100 parts of cropland" in text and "shows as cropland, 77 are cropland." in text


@pytest.mark.parametrize(("brier", "words"), [(0.1, "lower, so better,"), (0.2, "no lower, so no better,")])
def test_a_brier_score_is_compared_with_a_constant_map(brier, words):
    measured = SimpleNamespace(brier=brier, brier_lo=0.05, brier_hi=0.3, brier_constant=0.2)
    text = say("sentences.html.j2", "brier", measured)
    assert f"the Brier score is {brier:.3f} (95 % interval 0.050 to 0.300): {words} than the 0.200" in text


def test_numbers_are_spelt_for_people():
    assert (spell_hectares(12345.6), spell_hectares(3.21)) == ("12,346", "3.2")
    assert spell_interval(-0.1, 0.2, signed=True) == "\N{MINUS SIGN}0.100 to +0.200"
    assert spell_interval(None, None) == ""


def test_shares_are_spelt_to_a_tenth_only_near_none_and_near_all():
    spelt = [spell_percent(share).replace("\N{NO-BREAK SPACE}", " ") for share in (0, 0.004, 0.04, 0.5, 0.996, 1)]
    assert spelt == ["0 %", "0.4 %", "4 %", "50 %", "99.6 %", "100 %"]


def test_thresholds_in_steps_are_spelt_as_ranges():
    assert spell_ranges([0.1, 0.11, 0.12, 0.3, 0.5, 0.51]) == "0.1 to 0.12, 0.3, 0.5 to 0.51"
    assert spell_ranges([]) == ""


def test_distances_are_spelt_in_metres_or_kilometres():
    spelt = [spell_metres(metres).replace("\N{NO-BREAK SPACE}", " ") for metres in (0, 9.64, 347, 999.9, 12_345)]
    assert spelt == ["0 m", "9.6 m", "350 m", "1 km", "12 km"]


def test_points_are_spelt_without_signs_of_json():
    assert spell_point('human=0.5 mined={"noncropland":0.2} weak_classes=["cropland","noncropland"]') == (
        "human 0.5, mined noncropland 0.2, weak_classes cropland noncropland"
    )
    assert spell_point("half_human") == "half_human"
