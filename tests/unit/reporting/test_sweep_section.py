"""Sweeps and transfers: what is counted of them, and what the report says of that."""

from cropmine.reporting.sweep_section import describe_sweep, describe_transfer
from factories.reports import say, write_figure_files
from factories.sweeps import CLUSTERS, THRESHOLDS, make_sweep
from factories.transfers import make_transfer


def test_the_points_of_a_sweep_are_counted_by_how_they_compare_with_the_base(tmp_path):
    sweep = describe_sweep("s", write_figure_files(tmp_path, make_sweep(THRESHOLDS, unknown=(1,))))
    assert (sweep.scored, sweep.others, sweep.compared, sweep.above, sweep.below) == (5, 4, 4, 4, 0)
    assert sweep.best.f1_cropland == 0.75 and len(sweep.rows) == 12
    outside = describe_sweep("s", write_figure_files(tmp_path, make_sweep(THRESHOLDS, base="half")))
    assert (outside.scored, outside.others) == (7, 6)


def test_without_a_base_no_point_is_compared(tmp_path):
    sweep = describe_sweep("s", write_figure_files(tmp_path, make_sweep(THRESHOLDS).assign(base=False)))
    assert (sweep.scored, sweep.others, sweep.compared) == (6, 0, 0)


def test_a_sentence_says_which_point_of_a_sweep_is_best_and_what_differs(tmp_path):
    def explain(table):
        return say("sentences.html.j2", "sweep", describe_sweep("s", write_figure_files(tmp_path, table)))

    text = explain(make_sweep(THRESHOLDS))
    assert text.startswith(
        "The best of 6 is mined.cropland 0.9, mined.noncropland none, F1 of cropland 0.750 (95 % interval"
    )
    assert "Of 5 compared with the base, 4 scored measurably higher and none lower" in text
    assert "None differs measurably" in explain(make_sweep({"erode_m": [0, 30]}))
    assert "too few validation blocks" in explain(make_sweep(CLUSTERS, intervals=False))
    assert "could be scored" in explain(make_sweep(CLUSTERS, unknown=(0, 1, 2)))
    assert (
        explain(make_sweep({"erode_m": [0]}))
        == "The best of 1 is the base, F1 of cropland 0.650 (95 % interval 0.600 to 0.700)."
    )


def test_a_sentence_for_each_target_names_the_best_training_first(tmp_path):
    transfer = describe_transfer("t", write_figure_files(tmp_path, make_transfer()))
    first, second = say("sentences.html.j2", "transfer", transfer.ranked).split(
        "F1 of cropland on the test labels of "
    )[1:]
    assert first.startswith("hills, by what was trained on: human labels of hills 0.")
    assert second.startswith("plains, by what was trained on: human labels of plains 0.")
    assert second.count("mined labels of plains alone") == 1
