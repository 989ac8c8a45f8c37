"""The table of a transfer and its matrix."""

import io

import numpy as np
import pandas as pd
from PIL import Image

from cropmine.reporting.charts import write_figure
from cropmine.reporting.sweep_charts import draw_transfer, tabulate_cells
from cropmine.reporting.wording import explain_transfer
from cropmine.scoring.experiment_tables import evaluate_experiment, tabulate_transfer
from cropmine.tables import write_table
from factories.scores import make_scores, make_settings

QUALITY = {"human_source": 5, "human_source_mined_target": 25, "mined_target": 15, "human_target": 50}


def make_table():
    evaluations = []
    for source, target in (("hills", "plains"), ("coast", "plains"), ("plains", "hills")):
        for row, quality in QUALITY.items():
            settings = make_settings(
                f"{row} {source} {target}", row=row, source=source, target=target, normalise="target"
            )
            splits = ("test",) if row == "mined_target" else ("validation", "test")
            evaluations.append(evaluate_experiment(settings, [make_scores(quality, splits=splits)]))
    buffer = io.StringIO()
    tabulate_transfer(evaluations).to_csv(buffer, index=False)
    return pd.read_csv(io.StringIO(buffer.getvalue()))


def test_the_differences_are_from_the_human_labels_of_the_same_source():
    table = make_table()
    assert set(table["split"]) == {"test"}
    assert (table["base"] == "human_source " + table["source"] + " " + table["target"]).all()
    base = table[table["row"] == "human_source"]
    assert base["difference"].isna().all()
    own = table[(table["row"] == "human_target") & (table["threshold_choice"] == "default")]
    at_half = base[base["threshold_choice"] == "default"].set_index("base")["f1_cropland"]
    assert np.allclose(own["difference"], own["f1_cropland"] - own["base"].map(at_half))


def test_without_validation_labels_the_threshold_is_a_half():
    table = make_table()
    assert (table["threshold"][table["row"] == "mined_target"] == 0.5).all()


def test_the_matrix_has_a_cell_a_target_and_teacher_and_no_cell_twice():
    cells = tabulate_cells(make_table())
    assert not cells.duplicated(["taught_by", "target", "threshold_choice"]).any()
    own = cells[cells["threshold_choice"] == "default"]
    assert sorted(own[own["target"] == "plains"]["taught_by"]) == [
        "human labels of coast",
        "human labels of coast + mined labels of the target",
        "human labels of hills",
        "human labels of hills + mined labels of the target",
        "human labels of plains",
        "mined labels of the target alone",
    ]


def test_the_same_table_gives_the_same_picture_whatever_the_names(tmp_path):
    table = make_table().replace("plains", "$x$ <b>")
    for name in ("a.png", "b.png"):
        write_figure(tmp_path / name, draw_transfer(table, "over_$there$"))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert Image.open(tmp_path / "a.png").width > 1000
    write_table(tmp_path / "cells.csv", tabulate_cells(table))


def test_a_sentence_for_each_target_names_what_taught_best_first():
    table = make_table()
    rows = table[table["threshold_choice"] == "validation"].to_dict("records")
    text = explain_transfer(rows).replace("\N{NO-BREAK SPACE}", " ")
    first, second = text.split("F1 of cropland on the test labels of ")[1:]
    assert first.startswith("hills, by what was trained on: human labels of hills 0.")
    assert second.startswith("plains, by what was trained on: human labels of plains 0.")
    assert second.count("mined labels of plains alone") == 1
