"""Two runs that were kept are compared."""

import numpy as np
import pandas as pd
import pytest
import rasterio

from cropmine.commands.compare_runs import compare_runs, diff_configs
from cropmine.geo.grids import Grid
from cropmine.reporting.kept_runs import keep_run
from factories.runs import BLOCKS, GRID, keep_two_runs, make_labels, write_results


@pytest.fixture
def kept(tmp_path):
    return keep_two_runs(tmp_path)


def test_configurations_differ_by_dotted_key():
    table = diff_configs({"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": 3, "c": 2}, "e": None})
    assert table.fillna("absent").to_dict("records") == [
        {"key": "a.b", "first": "1", "second": "3"},
        {"key": "d", "first": "[1]", "second": "absent"},
        {"key": "e", "first": "absent", "second": "None"},
    ]


def test_two_runs_are_compared_on_the_same_labels_by_change_and_by_area(kept):
    folder, first, second = kept
    made = compare_runs(folder, "before", "after")
    assert made == folder / f"comparisons/{first.name}_{second.name}"
    assert set(pd.read_csv(made / "configuration.csv")["key"]) == {"map.run", "seeds"}
    scores = pd.read_csv(made / "valley/scores.csv").set_index("map")
    assert scores.loc["first", "f1_cropland"] == 1 and scores.loc["first", "labels"] == 2 * BLOCKS
    assert scores.loc["second", "recall_cropland"] == pytest.approx(8 / 12)
    assert scores.loc["difference", "f1_cropland"] == pytest.approx(scores.loc["second", "f1_cropland"] - 1, abs=1e-6)
    assert scores.loc["difference", "lo"] < scores.loc["difference", "f1_cropland"] < scores.loc["difference", "hi"]
    area = pd.read_csv(made / "valley/area.csv")
    assert area["unit"].isna().tolist() == [True, False, False]
    assert (area["difference_ha"] == area["second_ha"] - area["first_ha"]).all()
    with rasterio.open(made / "valley/change_epsg32636.tif") as dataset:
        change = dataset.read(1)
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG" and dataset.colormap(1)[2][1] == 0x9E
    assert (change[:2] == 255).all() and (change[2:50, :40] == 3).all() and (change[2:50, 40:] == 1).all()
    assert (change[90:, 100:] == 2).all() and (change[50:90] == 0).all()
    text = (made / "summary.md").read_text()
    assert "On the 24 test labels in 12 blocks that both have" in text and "| `seeds` | [0] | [0, 1] |" in text


def test_maps_of_other_extents_and_labels_of_other_splits_are_compared_where_they_meet(kept):
    folder, first, _ = kept
    shifted = Grid(GRID.crs, GRID.transform @ GRID.transform.translation(20, 10), 120, 100)
    classes = np.ones(shifted.shape, np.uint8)
    (folder / "valley/delivery/valley_class_2021_after_epsg32636.tif").unlink()
    write_results(folder, classes, {"map": {"run": "moved"}}, shifted, make_labels("train"))
    moved = keep_run(folder, "moved", ["valley"])
    made = compare_runs(folder, first.name, moved.name)
    assert pd.read_csv(made / "valley/scores.csv").empty
    assert "no test label in common" in (made / "summary.md").read_text()
    with rasterio.open(made / "valley/change_epsg32636.tif") as dataset:
        change = dataset.read(1)
    assert (change[:, :20] == 255).all() and (change[10:50, 20:] == 1).all() and (change[50:, 20:] == 2).all()


def test_runs_of_the_same_configuration_are_said_to_be(kept):
    folder, first, _ = kept
    made = compare_runs(folder, first.name, first.name)
    assert "The configurations are the same." in (made / "summary.md").read_text()


def test_runs_without_labels_or_units_are_compared_by_change_and_total_area(kept):
    folder, first, second = kept
    for path in second.rglob("*"):
        if path.name in ("labels.parquet", "area_by_unit.csv"):
            path.unlink()
    made = compare_runs(folder, first.name, second.name)
    assert pd.read_csv(made / "valley/scores.csv").empty
    assert len(pd.read_csv(made / "valley/area.csv")) == 1
    assert (made / "valley/change_epsg32636.tif").exists()
