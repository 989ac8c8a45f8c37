import numpy as np
import pandas as pd
import pytest

from cropmine.scoring.experiment_tables import (
    COLUMNS,
    compare_pair,
    evaluate_experiment,
    evaluate_experiments,
    find_base,
    tabulate_differences,
    tabulate_experiments,
    tabulate_sweep,
)
from cropmine.scoring.score_files import write_scores
from cropmine.tables import write_table
from factories.scores import evaluate, make_scores, make_settings
from factories.transfers import make_transfer


def test_the_table_has_a_row_for_each_split_and_threshold_and_the_columns_of_the_contract():
    evaluations = [evaluate("plain", make_scores(30)), evaluate("other", make_scores(50))]
    table = tabulate_experiments(evaluations, "other")
    assert tuple(table.columns) == COLUMNS
    assert len(table) == 8
    assert table["selected"].sum() == 2
    chosen = table[table["selected"]]
    assert set(chosen["split"]) == {"validation", "test"}
    assert set(chosen["threshold_choice"]) == {"validation"}
    assert set(table[table["threshold_choice"] == "default"]["threshold"]) == {0.5}


def test_the_own_threshold_follows_from_validation_alone():
    shifted = [row for row in make_scores(40, shift=40) if row["split"] == "validation"]
    test = [row for row in make_scores(40, seed=1) if row["split"] == "test"]
    assert evaluate("a", shifted + test).threshold == evaluate("b", shifted).threshold > 0.55


def test_several_runs_are_pooled_and_their_spread_stands_beside():
    scores = [make_scores(20, seed=0), make_scores(60, seed=1)]
    pooled = tabulate_experiments([evaluate("two", *scores)], None).iloc[2]
    single = [tabulate_experiments([evaluate("one", s)], None).iloc[2] for s in scores]
    assert (pooled["split"], pooled["threshold_choice"], pooled["runs"]) == ("test", "default", 2)
    assert pooled["f1_cropland_min"] == pytest.approx(single[0]["f1_cropland"])
    assert pooled["f1_cropland_max"] == pytest.approx(single[1]["f1_cropland"])
    assert single[0]["f1_cropland"] < pooled["f1_cropland"] < single[1]["f1_cropland"]
    assert pooled["support_cropland"] == single[0]["support_cropland"]


def test_the_folds_of_a_seed_are_pooled_into_one():
    parts = [[row for row in make_scores(30) if int(row["block"][-1]) % 3 == fold] for fold in range(3)]
    runs = [{"run": f"seed0_fold{f}", "recipe": "r", "seed": 0, "fold": f, "score_index": f} for f in range(3)]
    folded = evaluate_experiment(make_settings("folds", runs=0) | {"runs": runs}, parts)
    whole = evaluate("whole", make_scores(30))
    rows = [
        tabulate_experiments([evaluation], None).drop(columns=["experiment", "runs", "base"])
        for evaluation in (folded, whole)
    ]
    pd.testing.assert_frame_equal(*rows)
    assert rows[0]["f1_cropland_min"].equals(rows[0]["f1_cropland"])


def test_a_paired_interval_is_narrower_than_one_of_unpaired_experiments():
    scores = make_scores(30, blocks=20)
    better = [row | {"codes": [min(code + 5, 200) for code in row["codes"]]} for row in scores]
    row = compare_pair(evaluate("better", better), evaluate("base", scores), "test", "default")
    table = tabulate_experiments([evaluate("base", scores)], None).iloc[2]
    assert row["lo"] <= row["difference"] <= row["hi"]
    assert row["hi"] - row["lo"] < (table["f1_cropland_hi"] - table["f1_cropland_lo"]) / 2


def test_an_experiment_does_not_differ_from_itself():
    evaluation = evaluate("same", make_scores(30))
    row = compare_pair(evaluation, evaluation, "test", "validation")
    assert (row["difference"], row["lo"], row["hi"], row["min"], row["max"]) == (0, 0, 0, 0, 0)


def test_experiments_are_compared_on_the_blocks_that_both_have():
    scores = make_scores(30, blocks=14)
    fewer = [row for row in scores if not row["block"].endswith("13")]
    row = compare_pair(evaluate("fewer", fewer), evaluate("base", scores), "test", "default")
    assert (row["difference"], row["blocks"]) == (0, 13)


def test_few_blocks_give_a_difference_without_an_interval():
    row = compare_pair(evaluate("a", make_scores(50, 9)), evaluate("b", make_scores(20, 9)), "test", "default")
    assert row["difference"] > 0
    assert row["lo"] is row["hi"] is None


def test_each_experiment_is_compared_with_each_one_before_it():
    evaluations = [evaluate(name, make_scores(quality)) for name, quality in (("a", 20), ("b", 30), ("c", 40))]
    table = tabulate_differences(evaluations)
    assert set(zip(table["experiment"], table["base"], strict=True)) == {("b", "a"), ("c", "a"), ("c", "b")}
    assert len(table) == 6
    assert (table["difference"] > 0).all()


def test_the_base_is_the_first_trained_on_human_labels_only(tmp_path):
    evaluations = [
        evaluate("weak", make_scores(10), human=0, trained=False),
        evaluate("mined", make_scores(10), mined_noncropland=0.2),
        evaluate("half", make_scores(10)),
        evaluate("all", make_scores(10), human=1.0),
    ]
    write_table(tmp_path / "t.csv", tabulate_experiments(evaluations, "half"))
    assert find_base(pd.read_csv(tmp_path / "t.csv")) == "half"


def test_a_table_is_written_the_same_to_the_byte(tmp_path):
    for name in ("a.csv", "b.csv"):
        write_table(tmp_path / name, tabulate_experiments([evaluate("one", make_scores(30))], "one"))
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_a_sweep_shows_validation_alone_and_differences_from_its_base():
    rows = [("base", 20, 0.2), ("near", 22, 0.3), ("far", 60, None)]
    values = {"base": {}, "near": {"mined.cropland": 0.7, "human": 1}, "far": {"mined.cropland": "", "human": 1}}
    evaluations = [evaluate(name, make_scores(quality, blocks=30), values=values[name]) for name, quality, _ in rows]
    table = tabulate_sweep(evaluations, "base")
    assert set(table["split"]) == {"validation"} and not table["selected"].any()
    assert list(table.columns[-6:]) == [
        "mined.cropland",
        "human",
        "base",
        "difference",
        "difference_lo",
        "difference_hi",
    ]
    assert table["base"].tolist() == [True, True, False, False, False, False]
    assert table["difference"].isna().tolist() == [True, True, False, False, False, False]
    far = table[table["experiment"] == "far"]
    assert (far["difference_lo"] > 0).all() and (far["difference_lo"] < far["difference"]).all()


def test_experiments_are_evaluated_from_the_files_that_their_runs_name(tmp_path):
    scores = [make_scores(30), make_scores(50, seed=1)]
    paths = [tmp_path / f"{number}.json" for number in range(2)]
    for path, pieces in zip(paths, scores, strict=True):
        write_scores(path, pieces)
    second = make_settings("second") | {"runs": [make_settings()["runs"][0] | {"score_index": 1}]}
    read = evaluate_experiments([make_settings("both", 2), second], paths)
    made = [evaluate("both", *scores), evaluate("second", scores[1])]
    for one, other in zip(read, made, strict=True):
        assert (one.name, one.threshold, one.reach) == (other.name, other.threshold, other.reach)
        assert (one.counts["test", "default"].counts == other.counts["test", "default"].counts).all()


def test_the_differences_are_from_the_human_labels_of_the_same_source():
    table = make_transfer()
    assert set(table["split"]) == {"test"}
    assert (table["base"] == "human_source " + table["source"] + " " + table["target"]).all()
    base = table[table["row"] == "human_source"]
    assert base["difference"].isna().all()
    own = table[(table["row"] == "human_target") & (table["threshold_choice"] == "default")]
    at_half = base[base["threshold_choice"] == "default"].set_index("base")["f1_cropland"]
    assert np.allclose(own["difference"], own["f1_cropland"] - own["base"].map(at_half))


def test_without_validation_labels_the_threshold_is_a_half():
    table = make_transfer()
    assert (table["threshold"][table["row"] == "mined_target"] == 0.5).all()
