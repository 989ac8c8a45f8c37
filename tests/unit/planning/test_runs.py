"""Runs that average the models of other experiments, and what models read besides imagery."""

import pytest

from cropmine.config.validation import validate_config
from cropmine.errors import CropmineError
from cropmine.planning.plans import plan_region
from cropmine.planning.runs import FUSED

LABELS = {"path": "l.gpkg", "class_field": "c", "cropland": ["a"], "noncropland": ["b"], "definition": "crops"}
MODELS = {"trees": {"method": "extra_trees"}, "weak_trees": {"method": "extra_trees", "weak_map": True}}
EXPERIMENTS = {
    "human": {"human": 0.5},
    "weak": {"weak_classes": ["cropland", "noncropland"]},
    "human_weak": {"human": 0.5, "model": "weak_trees"},
    "smoothed": {"model": "weak_map", "smooth_m": 70},
    "fused": {"fuse": [["human", "human_weak"], "weak", "smoothed"]},
}


def plan(weak=True, models=MODELS, **experiments):
    region = {"imagery": "i/{tile}.tif", "tiles": ["t"], "bands": ["red"], "labels": LABELS}
    region |= {"weak": {"w": {"path": "weak.tif"}}} if weak else {}
    region["split"] = {"method": "holdout"}
    raw = {"regions": {"x": region}, "models": models, "experiments": EXPERIMENTS | experiments, "seeds": [0, 1]}
    return plan_region("x", validate_config(raw))


def voices_of(planned, name, run=0):
    made = planned.runs[name][run]
    return planned.voices[made.model, made.name]


def test_a_fusion_averages_the_runs_of_the_same_seed():
    planned = plan()
    own = voices_of(planned, "fused", 1)
    assert own.tree == [[0, 1], 2, 3]
    assert [voice.run for voice in own.voices[:3]] == [
        planned.runs[name][1] for name in ("human", "human_weak", "weak")
    ]
    assert own.voices[3].run is None and own.voices[3].smooth_m == 70
    first, second = planned.runs["fused"]
    assert first.recipe == second.recipe == FUSED and first.model == second.model
    assert planned.model_path(first).endswith(f"models/fused/{first.model}/seed0/model.fusion")


def test_voices_that_lack_the_weak_map_are_left_out():
    planned = plan(weak=False)
    assert set(planned.experiments) == {"human", "fused"}
    assert voices_of(planned, "fused").tree == [0]


def test_another_voice_or_window_makes_another_model():
    models = {
        plan(fused={"fuse": fuse}).runs["fused"][0].model
        for fuse in (["human", "weak"], ["human", "smoothed"], [["human", "weak"], "smoothed"])
    }
    models |= {plan(smoothed={"model": "weak_map", "smooth_m": 30}).runs["fused"][0].model}
    assert len(models) == 4


def test_a_model_that_reads_the_weak_map_is_named_by_it_and_other_models_are_not():
    names = ("human", "human_weak")
    kmeans = {"method": "kmeans", "clusters": 7}
    raw = {
        "bands": ["red"],
        "imagery": "i/{tile}.tif",
        "tiles": ["t"],
        "labels": LABELS,
        "split": {"method": "holdout"},
    }
    found = []
    for segmentations in ({"a": {}}, {"a": kmeans}):
        region = raw | {"weak": {"w": {"path": "weak.tif"}}}
        config = {
            "regions": {"x": region},
            "models": MODELS,
            "experiments": EXPERIMENTS,
            "segmentations": segmentations,
        }
        planned = plan_region("x", validate_config(config))
        found.append([planned.runs[name][0].model for name in names])
    assert found[0][0] == found[1][0] and found[0][1] != found[1][1]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"fused": {"fuse": ["human", "nobody"]}}, r"experiments\.fused\.fuse: 'nobody' isn't an experiment"),
        ({"fused": {"fuse": ["human", "fused"]}}, r"a fusion can't average itself"),
        ({"outer": {"fuse": ["fused"]}}, r"fused is a fusion itself"),
        ({"raw": {"model": "weak_map"}, "fused": {"fuse": ["raw"]}}, r"the weak map's classes.*Hint: smooth it"),
        ({"fused": {"fuse": [[]]}}, r"at least 1 long"),
        ({"fused": {"fuse": ["human"], "human": 0.5}}, r"neither labels nor a model of its own"),
        ({"human": {"human": 0.5, "smooth_m": 70}}, r"smooth_m goes with model weak_map"),
    ],
)
def test_fusions_that_cannot_be_are_refused_with_a_hint(changes, fault):
    with pytest.raises(CropmineError, match=f"(?s){fault}"):
        plan(**changes)
