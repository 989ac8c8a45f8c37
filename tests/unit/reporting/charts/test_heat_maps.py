"""The matrix of a transfer."""

from PIL import Image

from cropmine.reporting.charts.heat_maps import draw_transfer, tabulate_cells
from cropmine.reporting.charts.style import write_figure
from cropmine.tables import write_table
from factories.transfers import make_transfer


def test_the_matrix_has_a_cell_for_each_target_and_training_and_no_cell_twice():
    cells = tabulate_cells(make_transfer())
    assert not cells.duplicated(["trained_on", "target", "threshold_choice"]).any()
    own = cells[cells["threshold_choice"] == "default"]
    assert sorted(own[own["target"] == "plains"]["trained_on"]) == [
        "human labels of coast",
        "human labels of coast + mined labels of the target",
        "human labels of hills",
        "human labels of hills + mined labels of the target",
        "human labels of plains",
        "mined labels of the target alone",
    ]


def test_the_same_table_gives_the_same_picture_whatever_the_names(tmp_path):
    table = make_transfer().replace("plains", "$x$ <b>")
    for name in ("a.png", "b.png"):
        write_figure(tmp_path / name, draw_transfer(table, "over_$there$"))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert Image.open(tmp_path / "a.png").width > 1000
    write_table(tmp_path / "cells.csv", tabulate_cells(table))
