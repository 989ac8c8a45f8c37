"""The rows of a comparison say what an experiment is made of and where its scores are."""

from cropmine.config.validation import validate_config
from cropmine.planning.comparisons import describe_experiments, index_scores
from cropmine.planning.plans import plan_region

LABELS = {"path": "l.gpkg", "class_field": "c", "cropland": ["a"], "noncropland": ["b"], "definition": "crops"}
REGION = {"imagery": "i/{tile}.tif", "tiles": ["t"], "bands": ["red"], "labels": LABELS, "weak": {"w": {"path": "w"}}}


def compare(experiments, **settings):
    config = validate_config({"regions": {"x": REGION}, "experiments": experiments} | settings)
    plan = plan_region("x", config)
    return describe_experiments(plan, config), plan


def test_an_experiment_is_described_by_what_it_uses():
    compared, _ = compare({"m": {"human": 0.5, "mined": {"noncropland": 0.2}}, "w": {"model": "weak_map"}})
    mined, weak = compared.rows
    assert (mined.segmentation, mined.weak_map, mined.mined_noncropland) == ("kmeans10", "w", 0.2)
    assert mined.trained
    assert (weak.segmentation, weak.weak_map, weak.trained) == (None, "w", False)


def test_runs_point_to_their_scores_and_equal_ones_share_them():
    compared, plan = compare({"a": {"human": 1}, "b": {"human": 1}}, seeds=[0, 1])
    for row in compared.rows:
        scores = [compared.scores[run.score_index] for run in row.runs]
        assert scores == [plan.score_path(run) for run in plan.runs[row.name]]
    assert len(compared.scores) == 2


def test_settings_are_plain_values():
    compared, _ = compare({"m": {"human": 0.5, "weak_classes": ["cropland"]}})
    (row,) = compared.settings
    assert row["weak_classes"] == ("cropland",)
    assert row["runs"][0]["score_index"] == 0


def test_files_are_numbered_once_each():
    assert index_scores(["b", "a", "b", "c"]) == {"b": 0, "a": 1, "c": 2}
