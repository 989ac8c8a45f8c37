"""The audit of weak labels: counts, rates, findings and the figure, on a simulated region of square fields."""

import json

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy import ndimage

from cropmine.config.experiments import Mined
from cropmine.config.regions import WeakMap
from cropmine.errors import CropmineError
from cropmine.geo.areas import pixel_areas
from cropmine.geo.grids import pixel_size_m
from cropmine.geo.rasters import write_raster
from cropmine.inputs.weak_maps import erode_weak_map, measure_weak_pixel, read_weak_map
from cropmine.mining.overlaps import mine_segments, overlap_segments, write_overlap
from cropmine.mining.segment_files import write_segments
from cropmine.mining.targets import CLOSED, OPEN
from cropmine.reporting.audit_charts import draw_audit, tabulate_drawn
from cropmine.reporting.audit_text import write_sentences
from cropmine.reporting.charts import write_figure
from cropmine.scoring.audit_rates import bound_shares, estimate_rates
from cropmine.scoring.audit_summary import audit_labels, count_shared, judge_class, list_erosions
from cropmine.scoring.audit_tallies import TileFiles, measure_depth, place_fractions, write_audit
from factories.rasters import make_grid, write_plain, write_polygons

FIELD_PX, FIELDS, BLOCK_FIELDS = 8, 32, 4
GRID = make_grid(FIELD_PX * FIELDS, FIELD_PX * FIELDS)
SETTINGS = {"min_valid": 0.5, "prevalence": 0.3, "marks": {"cropland": [0.8], "noncropland": [0.2], "erode_m": [25]}}


def spread(fields):
    """Fields (n, n) as pixels."""
    return np.kron(fields, np.ones((FIELD_PX, FIELD_PX), fields.dtype))


def draw_truth(seed=0):
    return (np.random.default_rng(seed).random((FIELDS, FIELDS)) < 0.4).astype(np.uint8)


def make_pieces(truth, count=60, blocks=None, seed=1, split="train"):
    """Labels of `count` fields of each class."""
    rng, rows = np.random.default_rng(seed), []
    for target in (0, 1):
        places = np.argwhere(truth == target)
        for row, col in places[np.sort(rng.permutation(len(places))[:count])]:
            west, north = GRID.transform @ (col * FIELD_PX, row * FIELD_PX)
            box = shapely.box(west, north - 10 * FIELD_PX, west + 10 * FIELD_PX, north)
            block = f"r{row // BLOCK_FIELDS}c{col // BLOCK_FIELDS}" if blocks is None else f"r0c{len(rows) % blocks}"
            rows.append({"label": len(rows), "target": target, "block": block, "geometry": box})
    frame = geopandas.GeoDataFrame(rows, crs=GRID.crs.to_wkt()).to_crs(4326)
    return frame.assign(split=split, fold=np.int32(-1))


def write_tile(folder, weak, ids=None, mask=None, name="t"):
    """The files of a tile whose segments are its fields."""
    ids = spread(np.arange(1, FIELDS**2 + 1, dtype=np.uint32).reshape(FIELDS, FIELDS)) if ids is None else ids
    clusters = np.ones(int(ids.max()) + 1, np.uint8)
    paths = [folder / f"{name}_{kind}" for kind in ("segments.tif", "overlap.parquet", "mask.tif")]
    write_segments(paths[0], ids, clusters, GRID)
    write_overlap(paths[1], overlap_segments(ids, weak == 1, weak != 255, pixel_areas(GRID), clusters))
    write_raster(paths[2], np.full(GRID.shape, OPEN, np.uint8) if mask is None else mask, GRID)
    return TileFiles(*paths)


def run_audit(folder, weak, pieces, public=None, more_tiles=(), **settings):
    path = write_plain(folder / "weak.tif", weak, GRID, nodata=255)
    tiles = [write_tile(folder, weak, mask=settings.pop("mask", None)), *more_tiles]
    weak_map = WeakMap(path=path)
    table, summary = audit_labels(
        pieces, tiles, lambda grid: read_weak_map(path, weak_map, grid), [path], SETTINGS | settings, public
    )
    return table, summary | {"sentences": write_sentences(summary, table)}


def find_row(table, **where):
    return table[np.logical_and.reduce([table[key] == value for key, value in where.items()])].iloc[0]


def omit_labels(truth, pieces, count):
    """Pixels of a weak map that is the truth but for `count` labelled cropland fields, which it omits whole."""
    fields = truth.copy()
    middles = pieces[pieces["target"] == 1].geometry.to_crs(GRID.crs.to_wkt()).centroid[:count]
    columns, rows = ~GRID.transform @ (middles.x.to_numpy(), middles.y.to_numpy())
    fields[(rows // FIELD_PX).astype(int), (columns // FIELD_PX).astype(int)] = 0
    return spread(fields)


def omit_corner(truth):
    """A quarter of the fields omitted: one corner of the region."""
    fields = truth.copy()
    fields[: FIELDS // 2, : FIELDS // 2] = 0
    return spread(fields)


def omit_edges(truth):
    """The outermost pixels of each field omitted: 44 % of its area."""
    inner = np.pad(np.ones((FIELD_PX - 2, FIELD_PX - 2), np.uint8), 1)
    return spread(truth) * np.tile(inner, (FIELDS, FIELDS))


def test_purity_is_that_of_a_case_worked_by_hand(tmp_path):
    truth = draw_truth()
    pieces = make_pieces(truth)
    table, summary = run_audit(tmp_path, omit_labels(truth, pieces, 15), pieces)
    row = find_row(table, source="mined", **{"class": "noncropland", "threshold": 0.2})
    assert row["contamination_by_label"] == row["contamination_by_pixel"] == 0.25
    assert row["recall"] == 1
    assert row["purity"] == pytest.approx(0.7 / (0.7 + 0.3 * 0.25), abs=1e-6)
    assert row["purity_lo"] < row["purity"] < row["purity_hi"]
    assert (row["labels"], row["other_labels"], row["other_blocks"]) == (60, 60, summary["blocks"]["cropland"])
    cropland = find_row(table, source="mined", **{"class": "cropland", "threshold": 0.8})
    assert cropland["recall"] == 0.75
    assert cropland["purity"] == 1
    assert cropland["coverage"] == pytest.approx(1 - row["coverage"])
    assert cropland["coverage_ha"] + row["coverage_ha"] == pytest.approx(pixel_areas(GRID).mean() * 256**2 / 1e4, 1e-4)
    assert summary["weak_map"]["omission_by_label"]["value"] == summary["weak_map"]["omitted_whole"]["value"] == 0.25


def test_each_label_counts_once_by_label_and_each_pixel_by_pixel():
    pieces = pd.DataFrame({"label": [0, 0, 1, 2], "target": [1, 1, 1, 0], "block": ["a", "b", "c", "d"]})
    hits = np.zeros((2, 4, 1))
    hits[0] = [[10], [0], [30], [5]]
    values = estimate_rates(hits, np.array([10, 10, 180, 5]), pieces, 0.5).values
    assert values["contamination_by_label"][0, 0] == pytest.approx((0.5 + 30 / 180) / 2)
    assert values["contamination_by_pixel"][0, 0] == pytest.approx(40 / 200)
    assert np.isnan(values["purity_lo"]).all()


def test_an_interval_is_no_narrower_than_that_of_independent_labels():
    least, most = bound_shares(np.array([0.0, 0.5, 1.0, np.nan]), np.full(4, 20))
    assert most[0] == pytest.approx(1 - 0.025 ** (1 / 20))
    assert least[2] == pytest.approx(0.025 ** (1 / 20))
    assert least[1] == pytest.approx(1 - most[1])
    assert (least[0], most[2]) == (0, 1)
    assert np.isnan(least[3])
    pieces = pd.DataFrame({"label": range(40), "target": [0, 1] * 20, "block": [f"b{i // 2}" for i in range(40)]})
    hits = np.zeros((2, 40, 1))
    hits[0, ::2] = 1
    values = estimate_rates(hits, np.ones(40, int), pieces, 0.3).values
    assert values["purity"][0, 0] == values["purity_hi"][0, 0] == 1
    assert values["purity_lo"][0, 0] < 0.95


def test_thresholds_are_those_of_mining():
    rng = np.random.default_rng(0)
    fraction = np.concatenate([rng.integers(0, 101, 300) / 100, [np.nan]])
    overlap = {"weak_fraction": fraction, "weak_valid": rng.random(301)}
    thresholds = np.arange(101) / 100
    below, above = place_fractions(overlap, thresholds, 0.5)
    for place, threshold in enumerate(thresholds):
        mined = mine_segments(overlap, Mined(cropland=threshold), 0.5)[1:]
        assert np.array_equal(mined == 1, above > place)
        mined = mine_segments(overlap, Mined(noncropland=threshold), 0.5)[1:]
        assert np.array_equal(mined == 0, below <= place)


@pytest.mark.parametrize("py", [10.0, 7.0])
def test_depth_is_that_of_eroding_at_every_distance(tmp_path, py):
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(90, 100)), 3)
    array = (noise > 0).astype("u1")
    array[40:44, 50:52] = 255
    whole = make_grid(100, 90, py=py)
    path, weak = write_plain(tmp_path / "weak.tif", array, whole, nodata=255), WeakMap(path="weak.tif")
    inner = whole.window(25, 25, 50, 40)
    depth = measure_depth(np.where(array == 255, 2, array).astype(np.uint8), pixel_size_m(inner), 90)
    for metres in (5.0, 12.0, 30.0, 33.3, 61.0):
        _, kept = erode_weak_map(path, weak, inner, metres)
        assert np.array_equal((depth + 1e-3 >= metres)[25:65, 25:75] & (array != 255)[25:65, 25:75], kept)


def test_depth_does_not_depend_on_the_rows_that_are_done_at_once(monkeypatch):
    blobs = (ndimage.gaussian_filter(np.random.default_rng(1).normal(size=(80, 60)), 4) > 0).astype(np.uint8)
    whole = measure_depth(blobs, (10, 10), 200)
    monkeypatch.setattr("cropmine.scoring.audit_tallies.DEPTH_ROWS", 16)
    strips = measure_depth(blobs, (10, 10), 50)
    near = whole <= 50
    assert np.array_equal(strips[near], whole[near])
    assert (strips[~near] > 50).all()


def test_eroded_labels_are_counted_as_erode_weak_map_gives_them(tmp_path):
    truth = draw_truth()
    weak = omit_edges(truth)
    table, _ = run_audit(tmp_path, weak, make_pieces(truth))
    classes, kept = erode_weak_map(tmp_path / "weak.tif", WeakMap(path="weak.tif"), GRID, 25)
    for cls, name in enumerate(("noncropland", "cropland")):
        row = find_row(table, source="eroded", erode_m=25, **{"class": name})
        assert row["coverage"] == pytest.approx((kept & (classes == cls)).mean(), abs=1e-6)
        assert row["erode_weak_px"] == pytest.approx(2.5, rel=0.01)


def test_the_audit_warns_of_a_weak_map_that_omits_whole_labels_of_cropland(tmp_path):
    truth = draw_truth()
    _, summary = run_audit(tmp_path, omit_corner(truth), make_pieces(truth))
    assert summary["omits_whole_labels"]
    (warning,) = (text for text in summary["sentences"] if "Warning" in text)
    assert "of the cropland labels entirely" in warning
    assert "costs recall" in warning


@pytest.mark.parametrize(("omit", "omission"), [(spread, 0), (omit_edges, 1 - 36 / 64)])
def test_the_audit_does_not_warn_of_a_weak_map_that_omits_nothing_or_only_edges(tmp_path, omit, omission):
    truth = draw_truth()
    _, summary = run_audit(tmp_path, omit(truth), make_pieces(truth))
    assert summary["weak_map"]["omission_by_label"]["value"] == pytest.approx(omission)
    assert not summary["omits_whole_labels"]
    assert not any("Warning" in text for text in summary["sentences"])


def test_a_good_weak_map_makes_both_classes_worth_it(tmp_path):
    truth = draw_truth()
    _, summary = run_audit(tmp_path, spread(truth), make_pieces(truth, 120), prevalence=None)
    assert [summary["classes"][name]["verdict"] for name in ("cropland", "noncropland")] == ["yes", "yes"]
    assert summary["prevalence"] == pytest.approx(truth.mean(), abs=1e-3)
    assert summary["prevalence_assumed"]
    assert "both classes are worth a training" in summary["sentences"][-1]


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


def test_a_coverage_that_no_erosion_reaches_is_told(tmp_path):
    truth = draw_truth()
    _, summary = run_audit(tmp_path, omit_edges(truth), make_pieces(truth), marks={"cropland": [0.3]})
    assert summary["at_equal_coverage"][0]["difference"] is None
    assert any("No distance of erosion gives the coverage of mined cropland" in s for s in summary["sentences"])


def test_too_few_blocks_give_no_interval_but_say_how_many_are_lacking(tmp_path):
    truth = draw_truth()
    table, summary = run_audit(tmp_path, spread(truth), make_pieces(truth, 12, blocks=7))
    assert table["purity_lo"].isna().all()
    assert summary["classes"]["cropland"]["verdict"] == "unsure"
    assert any("at least 3 more of non-cropland and 3 more of cropland" in text for text in summary["sentences"])
    assert summary["at_equal_coverage"][0]["lo"] is None


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
    assert summary["labels"]["cropland"] < 60
    held_out = pieces.assign(split=np.where(pieces["label"] % 2, "test", "train"))
    assert run_audit(tmp_path, weak, held_out)[1]["labels"] == {"noncropland": 30, "cropland": 30}


def test_a_tile_without_labels_adds_its_overlaps_alone(tmp_path):
    truth = draw_truth()
    pieces, weak = make_pieces(truth), spread(truth)
    table, summary = run_audit(tmp_path, weak, pieces)
    elsewhere = tmp_path / "elsewhere.tif"
    write_raster(elsewhere, np.zeros((4, 4), np.uint8), make_grid(4, 4, x=900_000))
    bare = TileFiles(elsewhere, tmp_path / "t_overlap.parquet", "no mask is read")
    more, both = run_audit(tmp_path, weak, pieces, more_tiles=[bare])
    assert (both["tiles"], both["tiles_with_labels"]) == (2, 1)
    assert both["segmented_ha"] == pytest.approx(2 * summary["segmented_ha"])
    mined = table["source"] == "mined"
    assert np.allclose(more.loc[mined, "region_ha"], 2 * table.loc[mined, "region_ha"])
    assert np.allclose(more["coverage"], table["coverage"])


def test_without_labels_on_its_tiles_the_audit_says_so(tmp_path):
    truth = draw_truth()
    table, summary = run_audit(tmp_path, spread(truth), make_pieces(truth, split="test"))
    assert summary["labels"] == {"noncropland": 0, "cropland": 0}
    assert "can't tell" in summary["sentences"][-1]
    assert table["purity"].isna().all()
    write_figure(tmp_path / "audit.png", draw_audit(table, summary))


def test_folds_are_said_to_take_turns(tmp_path):
    truth = draw_truth()
    pieces = make_pieces(truth).assign(split=None, fold=np.int32(2))
    _, summary = run_audit(tmp_path, spread(truth), pieces)
    assert "k-fold" in summary["sentences"][0]
    assert summary["labels"]["cropland"] == 60


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


def test_the_same_inputs_make_the_same_bytes(tmp_path):
    truth = draw_truth()
    made = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        table, summary = run_audit(folder, omit_corner(truth), make_pieces(truth))
        write_audit(folder / "audit.parquet", table)
        write_figure(folder / "audit.png", draw_audit(table, summary))
        made.append([(folder / f"audit.{kind}").read_bytes() for kind in ("parquet", "png")] + [json.dumps(summary)])
    assert made[0] == made[1]
    drawn = tabulate_drawn(table)
    assert set(drawn["source"]) == {"mined", "eroded"}
    assert len(drawn) < len(table)
