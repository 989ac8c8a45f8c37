"""Transfers between regions: which labels train a model, where it is tested, and what is refused."""

import pytest

from cropmine.config.validation import validate_config
from cropmine.errors import CropmineError
from cropmine.planning.plans import plan_region
from cropmine.planning.transfers import describe_transfer, list_transfer_runs

LABELS = {"path": "l.gpkg", "class_field": "c", "cropland": ["a"], "noncropland": ["b"], "definition": "crops"}


def make_region(**changes):
    region = {
        "imagery": "images/{tile}.tif",
        "tiles": ["t1", "t2"],
        "bands": ["red"],
        "labels": LABELS,
        "weak": {"global_map": {"path": "weak.tif"}},
        "split": {"method": "holdout"},
    }
    return {key: value for key, value in (region | changes).items() if value is not None}


def make_config(transfer=None, models=None, segmentations=None, **regions):
    raw = {"regions": {"hills": make_region(), "plains": make_region(), **regions}}
    raw["transfers"] = {"over": {"sources": ["hills"], "targets": ["plains"]} | (transfer or {})}
    raw |= {"models": models} if models else {}
    raw |= {"segmentations": segmentations} if segmentations else {}
    return validate_config(raw)


def make_plans(config):
    return {name: plan_region(name, config) for name in config.regions}


def list_all(config):
    return list_transfer_runs("over", config, make_plans(config))


def test_a_pair_has_four_rows_and_only_two_of_them_are_trainings_of_its_own():
    runs = {run.row: run for run in list_all(make_config())}
    assert list(runs) == ["human_source", "human_source_mined_target", "mined_target", "human_target"]
    assert [run.model.split("/")[1] for run in runs.values()] == ["hills", "transfer", "transfer", "plains"]
    assert [[region for region, _ in run.parts] for run in runs.values()] == [
        ["hills"],
        ["hills", "plains"],
        ["plains"],
        ["plains"],
    ]


def test_no_human_label_of_the_target_chooses_anything_but_for_its_own_row():
    assert [run.validation for run in list_all(make_config())] == ["hills", "hills", None, "plains"]


def test_the_statistics_of_the_target_are_its_own_or_the_sources():
    own, other = list_all(make_config()), list_all(make_config({"normalise": "source"}))
    assert [len(run.statistics) for run in own] == [2, 2, 0, 0]
    assert [len(run.statistics) for run in other] == [1, 1, 0, 0]
    assert own[0].scores != other[0].scores
    assert own[2].scores == other[2].scores


def test_every_ordered_pair_of_regions_is_tested_but_none_by_itself():
    config = make_config({"sources": ["hills", "plains"], "targets": ["hills", "plains"]})
    pairs = {(run.source, run.target) for run in list_all(config)}
    assert pairs == {("hills", "plains"), ("plains", "hills")}


def test_the_rows_name_their_labels_and_their_scores():
    config = make_config(hills=make_region(seeds=[0, 1]), plains=make_region(seeds=[1, 0]))
    compared = describe_transfer("over", config, make_plans(config))
    described = [(row.human, row.mined_cropland) for row in compared.rows]
    assert described == [(1, None), (1, 0.8), (0, 0.8), (1, None)]
    places = sorted(run.score_index for row in compared.rows for run in row.runs)
    assert places == list(range(len(compared.scores))) == list(range(8))


def test_regions_without_a_common_seed_are_refused():
    config = make_config(hills=make_region(seeds=[1]), plains=make_region(seeds=[2]))
    with pytest.raises(CropmineError, match="no seed in common"):
        list_all(config)


def test_a_split_by_kfold_is_refused():
    config = make_config(plains=make_region(split={"method": "kfold"}))
    with pytest.raises(CropmineError, match=r"kfold.*Hint: set its split.method to holdout or field"):
        plan_region("plains", config)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"transfer": {"sources": ["hill"]}}, r"transfers.over.sources: 'hill' isn't a region. Hint: did you mean"),
        ({"transfer": {"targets": ["hills"]}}, "no target has a source other than itself"),
        ({"transfer": {"mined": {"noncropland": 0.2}}}, "mined needs both cropland and noncropland"),
        (
            {"transfer": {"model": "forest"}, "models": {"u": {}, "forest": {"method": "random_forest"}}},
            "is no network",
        ),
        ({"transfer": {"model": "v"}}, "'v' isn't a model"),
        ({"transfer": {"human": 0}}, "transfers.over.human"),
        ({"plains": make_region(labels=None)}, "regions.plains has no labels"),
        ({"plains": make_region(weak=None)}, "regions.plains has no weak map"),
        ({"plains": make_region(bands=["nir"])}, "the bands of regions.plains aren't those of regions.hills"),
        ({"plains": make_region(imagery={"2020": "a/{tile}.tif", "2021": "b/{tile}.tif"})}, "the dates of regions"),
    ],
)
def test_what_cant_be_transferred_is_refused_with_its_place(changes, message):
    with pytest.raises(CropmineError, match=message):
        make_config(**changes)


@pytest.mark.parametrize("name", ["transfer", "logs", "benchmarks"])
def test_a_region_named_as_a_folder_of_the_results_is_refused(name):
    with pytest.raises(CropmineError, match="results/ has a folder of this name"):
        validate_config({"regions": {name: make_region()}})
