"""Numbers and findings in words."""

from cropmine.reporting.wording import (
    explain_difference,
    explain_sweep,
    explain_transfer,
    spell_hectares,
    spell_interval,
    spell_labels,
    spell_metres,
    spell_percent,
    spell_point,
    spell_ranges,
)
from factories.sweeps import CLUSTERS, THRESHOLDS, make_sweep
from factories.transfers import make_transfer


def test_labels_of_an_experiment_are_spelt():
    row = {"trained": True, "human_fraction": 0.5, "mined_cropland": 0.8, "mined_noncropland": None, "random": False}
    row |= {"weak_classes": None, "erode_m": None, "weak_map": "global_map"}
    spelt = spell_labels(row).replace("\N{NO-BREAK SPACE}", " ")
    assert spelt == "50 % human + mined cropland (> 0.8)"
    eroded = row | {
        "human_fraction": 1,
        "mined_cropland": None,
        "weak_classes": "cropland+noncropland",
        "erode_m": 60.0,
    }
    spelt = spell_labels(eroded).replace("\N{NO-BREAK SPACE}", " ")
    assert spelt == "all human + weak cropland and non-cropland eroded by 60 m"
    assert spell_labels(row | {"trained": False}) == "none: the weak map global_map itself"


def test_a_difference_whose_interval_holds_zero_is_called_no_difference():
    row = {"base": "plain", "difference": -0.02, "lo": -0.05, "hi": 0.01}
    assert "lower" in explain_difference(row)
    assert "can't tell from none" in explain_difference(row)
    assert "can't tell" not in explain_difference(row | {"hi": -0.01})
    assert "too few test blocks" in explain_difference(row | {"lo": None, "hi": None})
    assert explain_difference(None) is None


def test_numbers_are_spelt_for_people():
    assert (spell_hectares(12345.6), spell_hectares(3.21)) == ("12,346", "3.2")
    assert spell_interval(-0.1, 0.2, signed=True) == "\N{MINUS SIGN}0.100 to +0.200"
    assert spell_interval(None, None) == ""


def test_distances_are_spelt_in_metres_or_kilometres():
    spelt = [spell_metres(metres).replace("\N{NO-BREAK SPACE}", " ") for metres in (0, 9.64, 347, 999.9, 12_345)]
    assert spelt == ["0 m", "9.6 m", "350 m", "1 km", "12 km"]


def explain(table):
    rows = table[table["threshold_choice"] == "validation"]
    return explain_sweep(rows.astype(object).where(rows.notna(), None).to_dict("records"))


def test_a_sentence_says_which_point_is_best_and_what_differs():
    told = explain(make_sweep(THRESHOLDS)).replace("\N{NO-BREAK SPACE}", " ")
    assert told.startswith(
        "Best of 6 is mined.cropland 0.9, mined.noncropland none, F1 of cropland 0.750 (95 % interval"
    )
    assert "Of 5 compared with the base, 4 scored measurably higher and none lower" in told
    assert "None differs measurably" in explain(make_sweep({"erode_m": [0, 30]}))
    assert "too few validation blocks" in explain(make_sweep(CLUSTERS, intervals=False))
    assert "could be scored" in explain(make_sweep(CLUSTERS, unknown=(0, 1, 2)))


def test_points_are_spelt_without_signs_of_json():
    assert spell_point('human=0.5 mined={"noncropland":0.2} weak_classes=["cropland","noncropland"]') == (
        "human 0.5, mined noncropland 0.2, weak_classes cropland noncropland"
    )
    assert spell_point("half_human") == "half_human"


def test_a_sentence_for_each_target_names_what_taught_best_first():
    table = make_transfer()
    rows = table[table["threshold_choice"] == "validation"].to_dict("records")
    text = explain_transfer(rows).replace("\N{NO-BREAK SPACE}", " ")
    first, second = text.split("F1 of cropland on the test labels of ")[1:]
    assert first.startswith("hills, by what was trained on: human labels of hills 0.")
    assert second.startswith("plains, by what was trained on: human labels of plains 0.")
    assert second.count("mined labels of plains alone") == 1


def test_shares_are_spelt_to_a_tenth_only_near_none_and_near_all():
    spelt = [spell_percent(share).replace("\N{NO-BREAK SPACE}", " ") for share in (0, 0.004, 0.04, 0.5, 0.996, 1)]
    assert spelt == ["0 %", "0.4 %", "4 %", "50 %", "99.6 %", "100 %"]


def test_thresholds_in_steps_are_spelt_as_ranges():
    assert spell_ranges([0.1, 0.11, 0.12, 0.3, 0.5, 0.51]) == "0.1 to 0.12, 0.3, 0.5 to 0.51"
    assert spell_ranges([]) == ""
