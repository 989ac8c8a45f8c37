"""What a configuration makes the workflow do."""

import geopandas
import pytest
import shapely

from cropmine.config.validation import validate_config
from cropmine.errors import CropmineError
from cropmine.planning.plans import choose_mined, list_marks, list_shifts, plan_region

LABELS = {"path": "l.gpkg", "class_field": "c", "cropland": ["a"], "noncropland": ["b"], "definition": "crops"}
WEAK = {"global_map": {"path": "weak.tif"}}


def plan(experiments, folder="images", **changes):
    region = {
        "imagery": f"{folder}/{{tile}}.tif",
        "tiles": ["t1", "t2"],
        "bands": ["red"],
        "labels": LABELS,
        "weak": WEAK,
    }
    settings = {"seeds": changes.pop("seeds", [0])}
    region |= changes
    raw = {"regions": {"x": {k: v for k, v in region.items() if v is not None}}, "experiments": experiments} | settings
    return plan_region("x", validate_config(raw))


def folders(planned):
    return ["/".join((mined.segmentation, mined.weak, mined.thresholds)) for mined in planned.mined]


def recipes(planned, experiment):
    return [run.recipe for run in planned.runs[experiment]]


def test_a_recipe_name_spells_the_recipe():
    planned = plan({"e": {"human": 0.5, "mined": {"noncropland": 0.2}}})
    assert recipes(planned, "e")[0].startswith("human0.5_draw0_mined-neg0.2_kmeans10_global_map_")
    assert len(recipes(planned, "e")[0].rsplit("_", 1)[1]) == 8


def test_experiments_that_need_the_same_targets_share_them():
    same = plan(
        {"a": {"human": 0.5, "mined": {"noncropland": 0.2}}, "b": {"human": 0.5, "mined": {"noncropland": 0.20}}}
    )
    assert recipes(same, "a") == recipes(same, "b")
    assert len(same.recipes) == 1


def test_every_seed_has_its_label_draw_but_all_labels_have_none():
    planned = plan({"half": {"human": 0.5}, "all": {"human": 1}}, seeds=[0, 1, 2])
    assert len(set(recipes(planned, "half"))) == 3
    assert len(set(recipes(planned, "all"))) == 1
    assert [run.name for run in planned.runs["all"]] == ["seed0", "seed1", "seed2"]


def test_a_change_that_moves_a_pixel_makes_another_recipe():
    experiments = {"e": {"human": 0.5, "mined": {"cropland": 0.8}}}
    names = {recipes(plan(experiments), "e")[0]}
    names |= set(recipes(plan(experiments, split={"buffer_m": 7}), "e"))
    names |= set(recipes(plan(experiments, weak={"global_map": {"path": "weak.tif", "guard_m": 30}}), "e"))
    assert len(names) == 3


def test_the_year_of_the_labels_makes_no_other_recipe():
    experiments = {"e": {"human": 0.5}}
    assert recipes(plan(experiments), "e") == recipes(plan(experiments, labels=LABELS | {"year": 2020}), "e")


def test_without_labels_a_region_is_mined():
    planned = plan({"e": {"human": 0.5}, "m": {"mined": {"cropland": 0.7}}}, labels=None)
    assert planned.experiments == {}
    assert folders(planned) == ["kmeans10/global_map/pos0.7_valid0.5"]


def test_without_experiments_a_region_is_mined_at_the_papers_thresholds():
    assert folders(plan({})) == ["kmeans10/global_map/pos0.8_neg0.2_valid0.5"]


def test_without_a_weak_map_a_region_is_trained_on_its_labels():
    planned = plan({"e": {"human": 0.5}, "m": {"human": 0.5, "mined": {"cropland": 0.7}}}, weak=None)
    assert list(planned.experiments) == ["e"]
    assert planned.mined == []


def test_mined_polygons_are_not_made_twice():
    thresholds = [{"noncropland": 0.2}, {"cropland": 0.8}, {"cropland": 0.8, "noncropland": 0.2}]
    planned = plan({f"e{i}": {"human": 0.5, "mined": mined} for i, mined in enumerate(thresholds)})
    assert folders(planned) == ["kmeans10/global_map/pos0.8_neg0.2_valid0.5"]


def test_folds_take_turns():
    planned = plan({"e": {"human": 1}}, split={"method": "kfold", "folds": 3})
    assert [run.name for run in planned.runs["e"]] == ["seed0_fold0", "seed0_fold1", "seed0_fold2"]
    assert len(set(recipes(planned, "e"))) == 3


def test_a_simulated_region_does_not_write_over_a_users_files():
    with pytest.raises(CropmineError, match="results/x/inputs/imagery"):
        plan({"e": {"human": 1}}, simulate={"seed": 1}, weak=None, labels=None, folder="data/mine")


def write_points(path, count):
    frame = geopandas.GeoDataFrame({"c": ["a"] * count}, geometry=[shapely.Point(1, 1)] * count, crs=4326)
    frame.to_file(path)
    return {**LABELS, "path": str(path)}


@pytest.mark.parametrize("suffix", ["gpkg", "geojson", "shp"])
def test_few_labels_are_split_into_folds_and_many_are_held_out(tmp_path, suffix):
    few, many = (write_points(tmp_path / f"{n}.{suffix}", n) for n in (199, 200))
    assert plan({"h": {"human": 1}}, labels=few).region.split.method == "kfold"
    assert plan({"h": {"human": 1}}, labels=many).region.split.method == "holdout"
    assert plan({"h": {"human": 1}}, labels=few, split={"method": "holdout"}).region.split.method == "holdout"


def test_a_test_file_or_a_field_makes_the_split(tmp_path):
    few = write_points(tmp_path / "few.gpkg", 3)
    assert plan({"h": {"human": 1}}, labels=few | {"test_path": "t.gpkg"}).region.split.method == "field"
    assert plan({"h": {"human": 1}}, labels=few, split={"field": "part"}).region.split.method == "field"


def test_with_folds_the_map_is_trained_on_all_labels():
    planned = plan({"half": {"human": 0.5}}, split={"method": "kfold", "folds": 3}, seeds=[0, 1])
    assert [run.name for run in planned.runs["half"]] == [f"seed{s}_fold{f}" for s in (0, 1) for f in range(3)]
    final = planned.final_runs["half"]
    assert [run.name for run in final] == ["seed0", "seed1"]
    assert all(planned.recipes[run.recipe].fold is None for run in final)


def test_without_folds_the_map_is_made_by_the_runs_themselves():
    planned = plan({"half": {"human": 0.5}}, split={"method": "holdout"})
    assert planned.final_runs == planned.runs


def plan_all(experiments, **changes):
    """A region's plan beside its configuration."""
    region = {"imagery": "i/{tile}.tif", "tiles": ["t1"], "bands": ["red"], "labels": LABELS} | changes
    config = validate_config({"regions": {"x": region}, "experiments": experiments})
    return plan_region("x", config), config


def test_audits_mark_the_thresholds_of_the_experiments_that_use_the_map():
    experiments = {
        "a": {"human": 0.5, "mined": {"cropland": 0.8}},
        "b": {"human": 0.5, "mined": {"cropland": 0.7, "noncropland": 0.2}},
        "eroded": {"human": 0.5, "weak_classes": ["noncropland"], "erode_m": 60},
        "other": {"human": 0.5, "mined": {"noncropland": 0.3}, "weak_map": "national"},
        "plain": {"human": 1},
    }
    planned, config = plan_all(experiments, weak={"global_map": {"path": "w.tif"}, "national": {"path": "n.tif"}})
    marks = list_marks(planned, config, "kmeans10", "global_map")
    assert marks == {"cropland": [0.7, 0.8], "noncropland": [0.2], "erode_m": [60]}
    assert list_marks(planned, config, "kmeans10", "national")["noncropland"] == [0.3]


def test_experiments_wait_for_the_shifts_of_the_maps_that_are_registered():
    moved = {"global_map": {"path": "w.tif", "register": "auto"}, "still": {"path": "n.tif"}}
    experiments = {
        "mined": {"human": 0.5, "mined": {"cropland": 0.8}},
        "raw": {"human": 0.5, "weak_classes": ["cropland"]},
        "unmoved": {"human": 0.5, "mined": {"cropland": 0.8}, "weak_map": "still"},
    }
    planned, config = plan_all(experiments, weak=moved)
    assert list_shifts(planned, config) == [("kmeans10", "global_map")]
    assert planned.registered == [("kmeans10", "global_map")]
    (raw,) = (planned.recipes[run.recipe] for run in planned.runs["raw"])
    assert raw.registered_by[0] == "kmeans10"
    alone, config = plan_all({"unmoved": experiments["unmoved"]}, weak=moved)
    assert list_shifts(alone, config) == []


def test_mined_labels_that_people_see_are_those_of_the_chosen_experiment_or_of_the_first_polygons():
    mining = {"few": {"mined": {"noncropland": 0.2}}, "both": {"mined": {"cropland": 0.8, "noncropland": 0.2}}}
    random = {"random": {"mined": {"noncropland": 0.1, "random": True}}}
    planned = plan({"plain": {"human": 1}} | random | mining)
    assert [choose_mined(planned, name) for name in ("few", "plain", "random")] == ["few", "both", "both"]
    assert choose_mined(plan({"plain": {"human": 1}} | random), "plain") is None
