"""The audit of weak labels: counts, rates, findings and the figure, on a simulated region of square fields."""

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from cropmine.config.experiments import Mined
from cropmine.config.regions import WeakMap
from cropmine.geo.grids import pixel_size_m
from cropmine.geo.rasters import write_raster
from cropmine.inputs.weak_maps import erode_weak_map
from cropmine.mining.overlaps import mine_segments
from cropmine.mining.targets import CLOSED, OPEN
from cropmine.scoring.audit_tallies import TileFiles, measure_depth, place_fractions
from factories.audits import (
    GRID,
    draw_truth,
    find_row,
    make_pieces,
    omit_edges,
    omit_labels,
    run_audit,
    spread,
)
from factories.rasters import make_grid, write_plain


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
