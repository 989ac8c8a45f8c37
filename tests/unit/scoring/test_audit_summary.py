"""The summary of an audit: verdicts, warnings and comparisons."""

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely

from cropmine.errors import CropmineError
from cropmine.inputs.weak_maps import measure_weak_pixel
from cropmine.scoring.audit_summary import count_shared, judge_class, list_erosions
from factories.audits import GRID, draw_truth, find_row, make_pieces, run_audit, spread
from factories.rasters import make_grid, write_plain, write_polygons


def test_mined_and_eroded_labels_are_compared_at_equal_coverage(tmp_path):
    truth = draw_truth()
    weak = spread(truth)
    flipped = np.random.default_rng(3).random(GRID.shape) < 0.1  # segments vote such pixels down, erosion flees them
    table, summary = run_audit(tmp_path, np.where(flipped, 1 - weak, weak), make_pieces(truth))
    cropland = summary["at_equal_coverage"][0]
    assert cropland["class"] == "cropland"
    row = find_row(table, source="mined", **{"class": "cropland", "threshold": 0.8})
    eroded = table[(table["source"] == "eroded") & (table["class"] == "cropland")].sort_values("coverage")
    expected = np.interp(row["coverage"], eroded["coverage"], eroded["purity"])
    assert cropland["purity_eroded"] == pytest.approx(expected, abs=1e-5)
    assert cropland["difference"] == pytest.approx(row["purity"] - expected, abs=1e-5)
    assert 0 < cropland["lo"] <= cropland["difference"] <= cropland["hi"]
    assert any("mining is better" in text for text in summary["sentences"])


def test_how_many_blocks_more_follows_from_the_width_of_the_interval():
    rows = {"source": "mined", "class": "cropland", "threshold": [0.8], "coverage": 0.1}
    rows |= {"purity": 0.97, "purity_lo": 0.93, "purity_hi": 1.0, "contamination_by_label": 0.01}
    table = pd.DataFrame(rows | {"other_blocks": 20, "other_labels": 50})
    judged = judge_class(table, "cropland")
    assert (judged["verdict"], judged["more_blocks"], judged["more_labels"]) == ("unsure", 60, 150)
    assert judge_class(table.assign(purity_lo=0.5), "cropland")["more_blocks"] is None
    assert judge_class(table.assign(purity=0.9, purity_lo=0.8, purity_hi=0.94), "cropland")["verdict"] == "no"
    assert judge_class(table.assign(purity_lo=0.96), "cropland")["verdict"] == "yes"
    assert judge_class(table.assign(purity_lo=0.96, contamination_by_label=0.4), "cropland")["verdict"] == "common"


def test_human_labels_among_the_maps_own_are_warned_of(tmp_path):
    truth = draw_truth()
    pieces = make_pieces(truth)
    inner = shapely.centroid(pieces.geometry[:3].to_numpy())
    points = geopandas.GeoSeries([*inner, shapely.Point(0, 0)], crs=4326)
    path = tmp_path / "public.gpkg"
    points.to_crs(3857).to_frame("geometry").to_file(path)
    assert count_shared(pieces, path) == {"shared": 3, "labels": 120}
    _, summary = run_audit(tmp_path, spread(truth), pieces, public=path)
    assert "3 of 120 human labels are among the public labels" in summary["sentences"][-1]
    west, south, east, north = pieces.geometry[5].bounds
    for share, shared in ((0.4, 0), (0.6, 1)):
        shifted = shapely.box(west + (1 - share) * (east - west), south, east + (1 - share) * (east - west), north)
        path = write_polygons(tmp_path / f"boxes{shared}.parquet", [shifted], "EPSG:4326")
        assert count_shared(pieces[pieces["label"] == 5], path)["shared"] == shared
    with pytest.raises(CropmineError, match=r"none\.gpkg: no such file"):
        count_shared(pieces, tmp_path / "none.gpkg")


def test_a_weak_pixel_is_measured_in_true_metres(tmp_path):
    degrees = make_grid(10, 10, "EPSG:4326", 39, 9.05, 0.001)
    path = write_plain(tmp_path / "weak.tif", np.zeros((10, 10), "u1"), degrees)
    assert measure_weak_pixel(path, GRID) == pytest.approx(np.sqrt(110.6 * 109.95), rel=2e-3)
    assert list_erosions(10.0, [25, 30]) == [0, 10, 20, 25, 30, 40, 60, 80]
