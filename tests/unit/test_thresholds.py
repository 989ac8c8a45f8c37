import json

import numpy as np
import pytest
from test_comparison import evaluate, make_scores

from cropmine.comparison import tabulate_experiments
from cropmine.metrics import tabulate_pieces
from cropmine.selection import select_experiment
from cropmine.thresholds import bootstrap_threshold, choose_threshold, explain_threshold


def histograms(shift, blocks=16, quality=40):
    return tabulate_pieces(make_scores(quality, blocks, shift=shift), "validation")


def test_the_range_of_the_threshold_holds_the_one_that_was_chosen_and_is_the_same_each_time():
    for shift in (-50, 0, 50):
        low, high = bootstrap_threshold(histograms(shift), 0)
        assert low <= choose_threshold(histograms(shift)) <= high
        assert (low, high) == bootstrap_threshold(histograms(shift), 0)


def test_the_range_is_that_of_choosing_anew_on_blocks_drawn_with_replacement():
    whole = histograms(20, blocks=11, quality=15)
    rng = np.random.default_rng(1)
    names = np.unique(whole.block)
    chosen = []
    for _ in range(400):
        rows = np.concatenate([np.flatnonzero(whole.block == name) for name in rng.choice(names, len(names))])
        parts = (whole.label[rows], whole.block[rows], whole.target[rows], whole.counts[rows])
        chosen.append(choose_threshold(type(whole)(*parts)))
    assert np.allclose(np.percentile(chosen, [2.5, 97.5]), bootstrap_threshold(whole, 0), atol=0.06)


def test_under_ten_blocks_of_a_class_there_is_no_range_and_a_half_is_used():
    scores = make_scores(40, blocks=9, shift=60)
    choice = select_experiment([evaluate("few", scores)])
    assert choice["threshold_range"] is None
    assert (choice["threshold"], choice["threshold_best"] > 0.6) == (0.5, True)
    assert "too few to tell it from 0.5" in explain_threshold(choice)


@pytest.mark.parametrize(("shift", "kind"), [(22, "default"), (60, "validation")])
def test_a_half_is_used_if_the_range_holds_it_and_the_table_keeps_both(shift, kind):
    evaluation = evaluate("one", make_scores(25, 16, shift=shift))
    choice = json.loads(json.dumps(select_experiment([evaluation])))
    low, high = choice["threshold_range"]
    assert (low <= 0.5 <= high) == (kind == "default")
    assert choice["threshold"] == (0.5 if kind == "default" else choice["threshold_best"])
    assert ("that is used" in explain_threshold(choice)) == (kind == "default")
    table = tabulate_experiments([evaluation], "one")
    assert set(table["threshold"]) == {0.5, choice["threshold_best"]}
    assert set(table.loc[table["selected"], "threshold_choice"]) == {kind}
    assert (table["threshold_lo"] == low).all() and (table["threshold_hi"] == high).all()
