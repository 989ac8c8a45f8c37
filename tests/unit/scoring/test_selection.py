"""The selected experiment follows from validation alone, and simpler recipes win ties."""

import json
from types import SimpleNamespace

import numpy as np

from cropmine.scoring.experiment_tables import tabulate_experiments
from cropmine.scoring.selection import count_sources, select_experiment
from factories.scores import evaluate, make_scores, make_settings


def test_the_highest_on_validation_is_selected_whatever_the_test_says():
    good_on_test = make_scores(20, splits=["validation"]) + make_scores(80, splits=["test"])
    choice = select_experiment([evaluate("a", good_on_test), evaluate("b", make_scores(60))])
    assert choice["experiment"] == "b"
    assert choice["recipe_runs"] == [["r0_b", "seed0"]]


def test_within_one_standard_error_the_simpler_recipe_wins():
    scores = make_scores(30)
    slightly_better = [
        row | {"codes": [min(c + 1, 200) if row["target"] else c for c in row["codes"]]} for row in scores
    ]
    mined = evaluate("mined", slightly_better, mined_cropland=0.8, mined_noncropland=0.2)
    plain = evaluate("plain", scores)
    assert select_experiment([mined, plain])["experiment"] == "plain"
    clearly_better = evaluate("mined", make_scores(80), mined_cropland=0.8)
    assert select_experiment([clearly_better, plain])["experiment"] == "mined"


def test_the_untrained_weak_map_does_not_compete():
    weak = evaluate("weak", make_scores(95), trained=False)
    assert select_experiment([weak, evaluate("plain", make_scores(10))])["experiment"] == "plain"
    assert select_experiment([weak])["experiment"] is None


def test_without_validation_labels_the_first_experiment_is_taken_and_it_says_so():
    evaluations = [evaluate(name, make_scores(40, splits=["test"])) for name in "ab"]
    choice = select_experiment(evaluations)
    assert (choice["experiment"], choice["threshold"]) == ("a", 0.5)
    assert "no validation labels" in choice["reason"]
    assert tabulate_experiments(evaluations, "a").iloc[0]["support_cropland"] == 0


def test_sources_of_labels_are_counted_by_class():
    assert count_sources(make_settings()) == 1
    assert count_sources(make_settings(mined_cropland=0.8, mined_noncropland=0.0)) == 3
    assert count_sources(make_settings(human=0, weak_classes=["cropland"])) == 1


def test_a_choice_is_plain_json():
    choice = select_experiment([evaluate("a", make_scores(30)), evaluate("b", make_scores(40))])
    assert json.loads(json.dumps(choice)) == choice
    assert SimpleNamespace(**choice).model == "unet"


def test_other_test_labels_change_no_selection_and_no_threshold():
    def choose(seed):
        evaluations = []
        for name, quality in (("a", 20), ("b", 45), ("c", 30)):
            rng = np.random.default_rng([seed, quality])
            scores = make_scores(quality, seed=quality, splits=("validation",))
            scores += make_scores(
                int(rng.integers(0, 90)), blocks=int(rng.integers(2, 30)), seed=seed, splits=("test",)
            )
            evaluations.append(evaluate(name, scores, mined_cropland=0.8 if name == "b" else None))
        return select_experiment(evaluations), [evaluation.threshold for evaluation in evaluations]

    first = choose(0)
    assert first[0]["experiment"] == "b"
    assert all(choose(seed) == first for seed in range(1, 6))
