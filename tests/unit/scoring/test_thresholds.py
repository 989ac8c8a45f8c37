import json

import numpy as np
import pytest

from cropmine.scoring.bootstrap import draw_blocks
from cropmine.scoring.experiment_tables import tabulate_experiments
from cropmine.scoring.metrics import Histograms, tabulate_pieces
from cropmine.scoring.selection import select_experiment
from cropmine.scoring.thresholds import bootstrap_threshold, choose_threshold, settle_choice
from factories.scores import evaluate, make_scores


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


def keep_cropland(pieces, blocks):
    """Without the cropland of all but the first blocks; in the first one a single pixel of it."""
    kept = [piece for piece in pieces if not piece["target"] or piece["label"] // 2 < blocks]
    single = {"codes": [120], "counts": [1], "pixels": 1}
    return [piece | single if piece["target"] and piece["label"] == 1 else piece for piece in kept]


def test_the_range_is_to_the_step_that_of_draws_that_keep_the_number_of_blocks_with_cropland():
    whole = tabulate_pieces(keep_cropland(make_scores(15, 40, shift=20), 10), "validation")
    names = np.unique(whole.block)
    has_cropland = np.array([whole.target[whole.block == name].any() for name in names])
    codes = []
    for times in draw_blocks(has_cropland, 30, np.random.default_rng(5)):
        drawn = np.repeat(names, times)
        rows = np.concatenate([np.flatnonzero(whole.block == name) for name in drawn])
        own = Histograms(whole.label[rows], whole.block[rows], whole.target[rows], whole.counts[rows])
        codes.append(round(choose_threshold(own) * 200))
    low, high = np.percentile(codes, [2.5, 97.5])
    assert low % 1 or high % 1  # so that it is seen that the ends are widened to whole steps
    assert bootstrap_threshold(whole, 5, draws=30) == (np.floor(low) / 200, np.ceil(high) / 200)


def test_a_range_takes_ten_blocks_that_hold_cropland_however_little():
    pieces = make_scores(40, 12)
    assert bootstrap_threshold(tabulate_pieces(keep_cropland(pieces, 10), "validation"), 0) is not None
    assert bootstrap_threshold(tabulate_pieces(keep_cropland(pieces, 9), "validation"), 0) is None


def test_a_half_at_the_end_of_the_range_is_used():
    ranges = [(0.5, 0.6), (0.4, 0.5), (0.505, 0.6), (0.4, 0.495), None]
    assert [settle_choice(reach) for reach in ranges] == ["default", "default", "validation", "validation", "default"]


def test_under_ten_blocks_of_a_class_there_is_no_range_and_a_half_is_used():
    scores = make_scores(40, blocks=9, shift=60)
    choice = select_experiment([evaluate("few", scores)])
    assert choice["threshold_range"] is None
    assert (choice["threshold"], choice["threshold_best"] > 0.6) == (0.5, True)


@pytest.mark.parametrize(("shift", "kind"), [(22, "default"), (60, "validation")])
def test_a_half_is_used_if_the_range_holds_it_and_the_table_keeps_both(shift, kind):
    evaluation = evaluate("one", make_scores(25, 16, shift=shift))
    choice = json.loads(json.dumps(select_experiment([evaluation])))
    low, high = choice["threshold_range"]
    assert (low <= 0.5 <= high) == (kind == "default")
    assert choice["threshold"] == (0.5 if kind == "default" else choice["threshold_best"])
    table = tabulate_experiments([evaluation], "one")
    assert set(table["threshold"]) == {0.5, choice["threshold_best"]}
    assert set(table.loc[table["selected"], "threshold_choice"]) == {kind}
    assert (table["threshold_lo"] == low).all() and (table["threshold_hi"] == high).all()
