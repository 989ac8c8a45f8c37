import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cropmine.reporting.charts.style import write_figure
from cropmine.reporting.charts.sweep_points import tabulate_drawn
from cropmine.reporting.charts.sweeps import draw_sweep
from cropmine.reporting.wording import NONE
from cropmine.tables import write_table
from factories.sweeps import CLUSTERS, HUMAN, THRESHOLDS, make_sweep

SEGMENTATIONS = {"segmentation": ["kmeans10", "slic$a$"]}
THREE = {"human": [0.5, 1], "segmentation": ["kmeans10", "slic"], "erode_m": [0, 30]}


def list_texts(figure):
    axes = figure.axes
    found = [text.get_text() for part in [figure, *axes] for text in part.texts]
    ticks = [tick.get_text() for part in axes for tick in [*part.get_xticklabels(), *part.get_yticklabels()]]
    legends = [text.get_text() for part in axes if part.get_legend() for text in part.get_legend().get_texts()]
    return [*found, *ticks, *legends, *(part.get_xlabel() for part in axes), *(part.get_title("left") for part in axes)]


@pytest.mark.parametrize("grid", [THRESHOLDS, HUMAN, SEGMENTATIONS, CLUSTERS, THREE, {"human": [0.5]}])
@pytest.mark.parametrize("more", [{}, {"base": "half"}, {"unknown": (1,)}, {"intervals": False}])
def test_every_kind_of_grid_has_a_figure_that_says_what_was_scored(grid, more):
    table = make_sweep(grid, **more)
    texts = list_texts(draw_sweep(table, grid, "my$sweep$"))
    assert r"my\$sweep\$: F1 of cropland on labelled validation polygons" in texts
    text = " ".join(texts)
    assert "own threshold" in text and "0.5" in text
    assert ("95 % interval" in text) == more.get("intervals", True)
    assert "base" in text


def test_two_numeric_keys_make_heat_maps_with_the_values_in_the_cells():
    figure = draw_sweep(make_sweep(THRESHOLDS, unknown=(3,)), THRESHOLDS, "thresholds")
    default, own, _ = figure.axes
    cells = {tuple(np.round(text.get_position()).astype(int)): text.get_text() for text in own.texts[::2]}
    texts = [text.get_text() for text in own.texts]
    assert "0.750 ▲" in texts and f"0.70{NONE}0.80" in texts and NONE in texts
    assert cells[0, 0].startswith("0.650") and [tick.get_text() for tick in own.get_yticklabels()] == ["0.1", "none"]
    assert default.get_title("left") == "at threshold 0.5" and "0.600" in [text.get_text() for text in default.texts]


def test_a_numeric_and_another_key_make_a_curve_each_and_an_unknown_score_a_gap():
    figure = draw_sweep(make_sweep(HUMAN, unknown=(2,)), HUMAN, "human")
    (axes,) = figure.axes
    assert axes.get_xscale() == "log" and [tick.get_text() for tick in axes.get_xticklabels()] == ["0.1", "0.5", "1"]
    drawn = [line.get_ydata() for line in axes.lines if line.get_linestyle() == "-"]
    assert np.isnan(drawn[0]).tolist() == [False, True, False]
    assert drawn[1].tolist() == pytest.approx([0.67, 0.71, 0.75])
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names[:2] == ["no mined labels", "mined cropland > 0.8, non-cropland < 0.2"]


def test_points_of_other_keys_are_rows_with_their_names_as_they_are():
    figure = draw_sweep(make_sweep(SEGMENTATIONS, base="half$x$"), SEGMENTATIONS, "segmentations")
    names = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert names == [r"half\$x\$ (base)", "kmeans10", r"slic\$a\$"]


def test_the_figure_and_its_data_are_the_same_bytes_twice(tmp_path):
    table = make_sweep(THRESHOLDS)
    for name in ("a", "b"):
        write_figure(tmp_path / f"{name}.png", draw_sweep(table, THRESHOLDS, "t"))
        write_table(tmp_path / f"{name}.csv", tabulate_drawn(table, THRESHOLDS))
    for suffix in ("png", "csv"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
    assert (tmp_path / "a.png").stat().st_size < 150_000
    assert Image.open(tmp_path / "a.png").width == 1560
    drawn = pd.read_csv(tmp_path / "a.csv")
    assert len(drawn) == 12 and list(drawn)[:4] == ["experiment", *THRESHOLDS, "threshold_choice"]
