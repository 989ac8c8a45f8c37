import copy
from pathlib import Path

import pytest

from cropmine.config.validation import validate_config
from cropmine.planning import forecast as forecasts
from cropmine.planning.forecast import list_transfer, list_work, render_forecast
from cropmine.planning.plans import plan_region
from cropmine.planning.sweeps import expand_sweeps
from workspace import valley_config


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def forecast(config):
    config["regions"]["valley"]["tiles"] = ["a", "b"]
    config, points = expand_sweeps(validate_config(config))
    plan = plan_region("valley", config, points)
    return list_work(plan, config), plan


def test_a_sweep_counts_what_it_adds_to_the_experiments(tmp_path):
    config = valley_config(tmp_path)
    config["sweeps"] = {"s": {"base": "half_human_mined_neg", "grid": {"mined.noncropland": [0.1, 0.2, 0.3]}}}
    work, _ = forecast(config)
    counts = {(one.part, one.rule): len(one.paths) for one in work}
    assert counts == {
        ("experiments", "segment_tile"): 2,
        ("experiments", "overlap_tile"): 2,
        ("experiments", "burn_target"): 4,
        ("experiments", "train_model"): 2,
        ("experiments", "score_model"): 2,
        ("experiments", "map_tile"): 2,
        ("sweep_s", "burn_target"): 4,
        ("sweep_s", "train_model"): 2,
        ("sweep_s", "score_model"): 2,
    }


def test_a_transfer_counts_each_model_once_and_none_that_a_region_trains(tmp_path):
    config = valley_config(tmp_path)
    config["regions"] |= {"hills": copy.deepcopy(config["regions"]["valley"])}
    config["regions"] = {name: region | {"tiles": ["a", "b"]} for name, region in config["regions"].items()}
    config["experiments"] = {"all_human": {"human": 1}}
    config["transfers"] = {"over": {"sources": ["valley", "hills"], "targets": ["valley", "hills"]}}
    config = validate_config(config)
    plans = {name: plan_region(name, config) for name in config.regions}
    known = [work for plan in plans.values() for work in list_work(plan, config)]
    work = list_transfer("over", config, plans, known)
    assert {(one.part, one.rule): len(one.paths) for one in work} == {
        ("transfer_over", "train_transfer"): 4,
        ("transfer_over", "score_transfer"): 6,
    }


def test_past_runs_tell_hours_and_bytes_of_what_is_left(tmp_path):
    work, plan = forecast(valley_config(tmp_path))
    run, _ = (runs[0] for runs in plan.runs.values())
    model = Path(plan.model_path(run))
    model.parent.mkdir(parents=True)
    model.write_bytes(b"0" * 2_000_000)
    benchmark = Path("results") / f"valley/benchmarks/train_model/{run.recipe}/{run.model}/seed0.tsv"
    benchmark.parent.mkdir(parents=True)
    benchmark.write_text("s\th:m:s\n7200\t2:00:00\n")
    text = render_forecast([("valley", work)])
    (line,) = (line for line in text.splitlines() if "train_model" in line and "no past run" not in line)
    assert line.split() == ["valley", "experiments", "train_model", "2", "1", "2.00", "0.002", "models/"]
    assert "1 trainings left; 2.00 core-hours as far as past runs tell" in text
    assert "no past run tells how long burn_target, map_tile," in text


def test_what_lacks_of_named_experiments_is_counted_by_rule(tmp_path):
    config = valley_config(tmp_path)
    config["regions"]["valley"]["tiles"] = ["a", "b"]
    config["sweeps"] = {"s": {"base": "half_human_mined_neg", "grid": {"mined.noncropland": [0.1]}}}
    config, points = expand_sweeps(validate_config(config))
    plan = plan_region("valley", config, points)
    Path("results/valley/segments/kmeans6").mkdir(parents=True)
    Path("results/valley/segments/kmeans6/a.tif").touch()
    missing = forecasts.count_missing([plan], config)
    assert (missing["segment_tile"], missing["burn_target"], missing["train_model"]) == (1, 4, 2)
