from pathlib import Path

import pytest

from cropmine.config.validation import validate_config
from cropmine.planning.plans import plan_region
from cropmine.planning.pruning import list_unnamed, remove_files, render_unnamed
from cropmine.planning.sweeps import expand_sweeps
from workspace import valley_config


@pytest.fixture
def planned(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = valley_config(tmp_path)
    config["regions"]["valley"]["tiles"] = ["a", "b.1"]
    config["sweeps"] = {"s": {"base": "half_human_mined_neg", "grid": {"mined.noncropland": [0.1]}}}
    config, points = expand_sweeps(validate_config(config))
    return plan_region("valley", config, points), config


def touch(folder: str, *paths: str) -> list[Path]:
    made = [Path(folder, path) for path in paths]
    for path in made:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    return made


def test_what_the_configuration_names_stays(planned):
    plan, config = planned
    runs = [run for run in plan.every_run if run.recipe]
    touch(
        "results/valley",
        "segments/kmeans6/a.tif",
        "segments/kmeans6/b.1.tif",
        "overlaps/kmeans6/global_map/a.parquet",
        "audits/kmeans6/global_map.json",
        "registrations/kmeans6/global_map.json",
        "registrations/kmeans6/global_map.surfaces.json",
        "mined/kmeans6/global_map/neg0.2_valid0.5/a.parquet",
        "masks/whole/a.tif",
        "sweeps/s.csv",
        "scores/map.json",
        "map/a.tif",
        "samples/run-1/sample.gpkg",
        "logs/train_model/old/old/seed0.log",
        *(f"targets/{recipe}/a.tif" for recipe in plan.recipes),
    )
    touch("", *(path for run in runs for path in (plan.model_path(run), plan.score_path(run))))
    touch("", *(str(Path(plan.model_path(run)).with_name("last.ckpt")) for run in runs))
    assert len({run.recipe for run in runs}) == 3
    assert list_unnamed(plan, config) == []


def test_what_it_no_longer_names_is_listed_and_removed_with_its_empty_folders(planned):
    plan, config = planned
    folder = Path("results/valley")
    (kept,) = touch(folder, "segments/kmeans6/a.tif")
    old = touch(
        folder,
        "audits/kmeans6/other_map.parquet",
        "masks/fold3/a.tif",
        "mined/kmeans6/global_map/neg0.3_valid0.5/a.parquet",
        "models/human0.5_draw0_00000000/tiny_00000000/seed0/model.ckpt",
        "scores/human0.5_draw0_00000000/tiny_00000000/seed0.json",
        "segments/kmeans6/.c.0123456789ab.tif",
        "segments/kmeans6/c.tif",
        "segments/kmeans9/a.tif",
        "targets/human0.5_draw0_00000000/a.tif",
    )
    unnamed = list_unnamed(plan, config)
    assert sorted(unnamed) == sorted(old)
    assert "valley/segments                        3 files     0.000 GB" in render_unnamed(unnamed)
    remove_files(unnamed)
    assert [path for path in folder.rglob("*") if path.is_file()] == [kept]
    assert not (folder / "models").exists()
