"""The audit of weak labels on a simulated region of square fields."""

import dataclasses

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely

from cropmine.config.regions import WeakMap
from cropmine.errors import CropmineError
from cropmine.geo.areas import pixel_areas
from cropmine.geo.rasters import write_raster
from cropmine.inputs.weak_maps import erode_weak_map, measure_weak_pixel
from cropmine.mining.targets import CLOSED, OPEN
from cropmine.scoring.audit_summary import Estimate, SharedLabels, read_summary, write_summary
from cropmine.scoring.audit_tallies import TileFiles
from cropmine.scoring.audits import correct_prevalence, count_shared, judge_class, list_erosions, write_audit
from factories.audits import (
    GRID,
    draw_truth,
    find_row,
    make_pieces,
    make_summary,
    omit_corner,
    omit_edges,
    omit_labels,
    run_audit,
    spread,
)
from factories.rasters import make_grid, write_plain, write_polygons


def test_purity_is_that_of_a_case_worked_by_hand(tmp_path):
    truth = draw_truth()
    pieces = make_pieces(truth)
    table, summary = run_audit(tmp_path, omit_labels(truth, pieces, 15), pieces)
    row = find_row(table, source="mined", **{"class": "noncropland", "threshold": 0.2})
    assert row["contamination_by_label"] == row["contamination_by_pixel"] == 0.25
    assert row["recall"] == 1
    assert row["purity"] == pytest.approx(0.7 / (0.7 + 0.3 * 0.25), abs=1e-6)
    assert row["purity_lo"] < row["purity"] < row["purity_hi"]
    assert (row["labels"], row["other_labels"], row["other_blocks"]) == (60, 60, summary.classes["cropland"].blocks)
    cropland = find_row(table, source="mined", **{"class": "cropland", "threshold": 0.8})
    assert cropland["recall"] == 0.75
    assert cropland["purity"] == 1
    assert cropland["coverage"] == pytest.approx(1 - row["coverage"])
    assert cropland["coverage_ha"] + row["coverage_ha"] == pytest.approx(pixel_areas(GRID).mean() * 256**2 / 1e4, 1e-4)
    assert summary.weak_map.omission_by_label.value == summary.weak_map.omitted_whole.value == 0.25
    commission = summary.weak_map.commission
    assert commission.lo <= commission.value == 0 < commission.hi


def test_eroded_labels_are_counted_as_erode_weak_map_gives_them(tmp_path):
    truth = draw_truth()
    weak = omit_edges(truth)
    table, _ = run_audit(tmp_path, weak, make_pieces(truth))
    classes, kept = erode_weak_map(tmp_path / "weak.tif", WeakMap(path="weak.tif"), GRID, 25)
    for cls, name in enumerate(("noncropland", "cropland")):
        row = find_row(table, source="eroded", erode_m=25, **{"class": name})
        assert row["coverage"] == pytest.approx((kept & (classes == cls)).mean(), abs=1e-6)
        assert row["erode_weak_px"] == pytest.approx(2.5, rel=0.01)


def test_a_weak_map_that_omits_a_corner_omits_whole_labels_of_cropland(tmp_path):
    truth = draw_truth()
    _, summary = run_audit(tmp_path, omit_corner(truth), make_pieces(truth))
    assert summary.omits_whole_labels


@pytest.mark.parametrize(("omit", "omission"), [(spread, 0), (omit_edges, 1 - 36 / 64)])
def test_a_weak_map_that_omits_nothing_or_only_edges_omits_no_whole_labels(tmp_path, omit, omission):
    truth = draw_truth()
    _, summary = run_audit(tmp_path, omit(truth), make_pieces(truth))
    assert summary.weak_map.omission_by_label.value == pytest.approx(omission)
    assert not summary.omits_whole_labels


def test_a_good_weak_map_makes_both_classes_worth_it(tmp_path):
    truth = draw_truth()
    _, summary = run_audit(tmp_path, spread(truth), make_pieces(truth, 120), prevalence=None)
    assert [summary.classes[name].judgement.verdict for name in ("cropland", "noncropland")] == ["yes", "yes"]
    assert summary.prevalence == pytest.approx(truth.mean(), abs=1e-3)
    assert summary.prevalence_assumed


def test_mined_and_eroded_labels_are_compared_at_equal_coverage(tmp_path):
    truth = draw_truth()
    weak = spread(truth)
    flipped = np.random.default_rng(3).random(GRID.shape) < 0.1  # segments vote such pixels down, erosion flees them
    table, summary = run_audit(tmp_path, np.where(flipped, 1 - weak, weak), make_pieces(truth))
    (cropland,) = summary.classes["cropland"].mined
    row = find_row(table, source="mined", **{"class": "cropland", "threshold": 0.8})
    eroded = table[(table["source"] == "eroded") & (table["class"] == "cropland")].sort_values("coverage")
    expected = np.interp(row["coverage"], eroded["coverage"], eroded["purity"])
    assert cropland.eroded.purity == pytest.approx(expected, abs=1e-5)
    difference = cropland.eroded.difference
    assert difference.value == pytest.approx(row["purity"] - expected, abs=1e-5)
    assert 0 < difference.lo <= difference.value <= difference.hi


def test_mined_labels_are_not_compared_where_no_erosion_reaches_their_coverage(tmp_path):
    truth = draw_truth()
    _, summary = run_audit(tmp_path, omit_edges(truth), make_pieces(truth), cropland=[0.3])
    assert summary.classes["cropland"].thresholds == [0.3]
    assert summary.classes["cropland"].mined[0].eroded is None


def test_too_few_blocks_give_no_interval_but_say_how_many_are_lacking(tmp_path):
    truth = draw_truth()
    table, summary = run_audit(tmp_path, spread(truth), make_pieces(truth, 12, blocks=7))
    assert table["purity_lo"].isna().all()
    assert summary.classes["cropland"].judgement.verdict == "unsure"
    assert summary.lacking_blocks == {"cropland": 3, "noncropland": 3}
    assert summary.classes["cropland"].mined[0].eroded.difference.lo is None


def test_how_many_blocks_more_follows_from_the_width_of_the_interval():
    rows = {"source": "mined", "threshold": [0.8], "coverage": 0.1}
    rows |= {"purity": 0.97, "purity_lo": 0.93, "purity_hi": 1.0, "contamination_by_label": 0.01}
    table = pd.DataFrame(rows | {"other_blocks": 20, "other_labels": 50})
    judged = judge_class(table)
    assert (judged.verdict, judged.more_blocks, judged.more_labels) == ("unsure", 60, 150)
    assert judge_class(table.assign(purity_lo=0.5)).more_blocks is None
    assert judge_class(table.assign(purity=0.9, purity_lo=0.8, purity_hi=0.94)).verdict == "no"
    assert judge_class(table.assign(purity_lo=0.96)).verdict == "yes"
    assert judge_class(table.assign(purity_lo=0.96, contamination_by_label=0.4)).verdict == "common"


def test_an_unsure_verdict_rests_on_a_threshold_whose_interval_holds_the_goal():
    rows = {"source": "mined", "threshold": [0.2, 0.8], "coverage": [0.4, 0.1], "contamination_by_label": 0.05}
    rows |= {"purity": [0.6, 0.5], "purity_lo": [0.3, 0.2], "purity_hi": [0.94, 0.97]}
    judged = judge_class(pd.DataFrame(rows | {"other_blocks": 20, "other_labels": 50}))
    assert (judged.verdict, judged.threshold, judged.more_blocks) == ("unsure", 0.8, 2)


def test_held_out_pixels_and_labels_have_no_part(tmp_path):
    truth = draw_truth()
    pieces = make_pieces(truth)
    weak = omit_labels(truth, pieces, 15)
    mask = np.full(GRID.shape, OPEN, np.uint8)
    mask[:, : GRID.width // 2] = CLOSED
    table, summary = run_audit(tmp_path, weak, pieces, mask=mask)
    weak[:, : GRID.width // 2] ^= 1
    again, _ = run_audit(tmp_path, weak, pieces, mask=mask)
    own = [name for name in table if name not in ("region_ha",)]
    eroded = table["source"] == "mined"  # erosion sees what lies beyond the mask
    pd.testing.assert_frame_equal(table.loc[eroded, own], again.loc[eroded, own])
    assert summary.classes["cropland"].labels < 60
    held_out = pieces.assign(split=np.where(pieces["label"] % 2, "test", "train"))
    _, summary = run_audit(tmp_path, weak, held_out)
    assert {name: audit.labels for name, audit in summary.classes.items()} == {"noncropland": 30, "cropland": 30}


def test_a_tile_without_labels_adds_its_overlaps_alone(tmp_path):
    truth = draw_truth()
    pieces, weak = make_pieces(truth), spread(truth)
    table, summary = run_audit(tmp_path, weak, pieces)
    elsewhere = tmp_path / "elsewhere.tif"
    write_raster(elsewhere, np.zeros((4, 4), np.uint8), make_grid(4, 4, x=900_000))
    bare = TileFiles(elsewhere, tmp_path / "t_overlap.parquet", "no mask is read")
    more, both = run_audit(tmp_path, weak, pieces, more_tiles=[bare])
    assert (both.tiles, both.tiles_with_labels) == (2, 1)
    assert both.segmented_ha == pytest.approx(2 * summary.segmented_ha)
    mined = table["source"] == "mined"
    assert np.allclose(more.loc[mined, "region_ha"], 2 * table.loc[mined, "region_ha"])
    assert np.allclose(more["coverage"], table["coverage"])


def test_purity_is_unknown_without_labels_on_the_tiles(tmp_path):
    truth = draw_truth()
    table, summary = run_audit(tmp_path, spread(truth), make_pieces(truth, split="test"))
    assert summary.unlabelled == ["cropland", "noncropland"]
    assert table["purity"].isna().all()


def test_labels_of_all_folds_are_audited(tmp_path):
    truth = draw_truth()
    pieces = make_pieces(truth).assign(split=None, fold=np.int32(2))
    _, summary = run_audit(tmp_path, spread(truth), pieces)
    assert summary.kfold
    assert summary.classes["cropland"].labels == 60


def test_human_labels_among_those_that_trained_the_map_are_counted(tmp_path):
    truth = draw_truth()
    pieces = make_pieces(truth)
    inner = shapely.centroid(pieces.geometry[:3].to_numpy())
    points = geopandas.GeoSeries([*inner, shapely.Point(0, 0)], crs=4326)
    path = tmp_path / "public.gpkg"
    points.to_crs(3857).to_frame("geometry").to_file(path)
    assert count_shared(pieces, path) == SharedLabels(shared=3, labels=120)
    _, summary = run_audit(tmp_path, spread(truth), pieces, public=path)
    assert summary.shared_labels == SharedLabels(shared=3, labels=120)
    west, south, east, north = pieces.geometry[5].bounds
    for share, shared in ((0.4, 0), (0.6, 1)):
        shifted = shapely.box(west + (1 - share) * (east - west), south, east + (1 - share) * (east - west), north)
        path = write_polygons(tmp_path / f"boxes{shared}.parquet", [shifted], "EPSG:4326")
        assert count_shared(pieces[pieces["label"] == 5], path).shared == shared
    with pytest.raises(CropmineError, match=r"none\.gpkg: no such file"):
        count_shared(pieces, tmp_path / "none.gpkg")


def test_a_share_of_cropland_is_corrected_by_the_errors_of_the_map():
    def correct(omission, wrong):
        shares = {"omission_by_label": omission, "false_positive_rate": wrong}
        errors = {name: Estimate(share, None, None) for name, share in shares.items()}
        return correct_prevalence(0.4, dataclasses.replace(make_summary().weak_map, **errors))

    assert correct(0.2, 0.1) == pytest.approx((0.4 - 0.1) / (1 - 0.2 - 0.1), abs=1e-6)
    assert correct(0.2, 0.5) == 0
    assert correct(0.8, 0.3) is None
    assert correct(None, 0.3) is None


def test_a_weak_pixel_is_measured_in_true_metres(tmp_path):
    degrees = make_grid(10, 10, "EPSG:4326", 39, 9.05, 0.001)
    path = write_plain(tmp_path / "weak.tif", np.zeros((10, 10), "u1"), degrees)
    assert measure_weak_pixel(path, GRID) == pytest.approx(np.sqrt(110.6 * 109.95), rel=2e-3)
    assert list_erosions(10.0, [25, 30]) == [0, 10, 20, 25, 30, 40, 60, 80]


def test_the_same_inputs_make_the_same_bytes(tmp_path):
    truth = draw_truth()
    made = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        table, summary = run_audit(folder, omit_corner(truth), make_pieces(truth))
        write_audit(folder / "audit.parquet", table)
        write_summary(folder / "audit.json", summary)
        assert read_summary(folder / "audit.json") == summary
        made.append([(folder / f"audit.{kind}").read_bytes() for kind in ("parquet", "json")])
    assert made[0] == made[1]
