import json

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from cropmine.config.regions import Split
from cropmine.geo.grids import GEOD
from cropmine.geo.rasters import write_raster
from cropmine.inputs.splits import split_labels
from cropmine.inputs.tile_sources import TileSource
from cropmine.inputs.zones import ZoneFiles
from cropmine.scoring.distances import find_nearest, measure_distances, sample_map
from cropmine.tables import write_json
from factories.labels import make_labels, scatter_fields
from factories.rasters import make_grid, write_polygons

SPLIT = Split(method="holdout", block_m=2000, buffer_m=500)


@given(st.integers(0, 999))
def test_the_nearest_is_the_nearest_on_the_ellipsoid(seed):
    rng = np.random.default_rng(seed)
    points, others = (np.column_stack([rng.uniform(-180, 180, n), rng.uniform(-89, 89, n)]) for n in (7, 20))
    pairs = [np.repeat(points, len(others), axis=0).T, np.tile(others, (len(points), 1)).T]
    expected = np.reshape(GEOD.inv(*pairs[0], *pairs[1])[2], (7, 20)).min(axis=1)
    assert find_nearest(points, others) == pytest.approx(expected, rel=0.005)


def test_distances_go_over_the_antimeridian_and_no_point_has_none():
    assert find_nearest(np.array([[179.999, 0]]), np.array([[-179.999, 0], [179.9, 0]]))[0] == pytest.approx(
        222.6, 1e-3
    )
    assert len(find_nearest(np.empty((0, 2)), np.array([[0.0, 0.0]]))) == 0


def write_tile(path, grid, valid=None):
    pixels = np.full((1, *grid.shape), 9, np.uint8)
    if valid is not None:
        pixels[0, ~valid] = 0
    write_raster(path, pixels, grid, nodata=0)
    return TileSource((str(path),), 1)


def test_the_map_is_sampled_evenly_where_it_is_valid_and_within_the_area(tmp_path):
    grid = make_grid(200, 100)
    east = np.zeros(grid.shape, bool)
    east[:, 100:] = True
    sources = {"t": write_tile(tmp_path / "t.tif", grid, east)}
    points = sample_map(sources, ZoneFiles(), 200)
    assert len(points) == 100
    x = grid.to_lonlat.transform(*points.T, direction="INVERSE")[0]
    assert x.min() >= 501_000 and np.diff(np.unique(x.round())).tolist() == pytest.approx([100] * 9)
    south = shapely.box(500_000, 999_000, 502_000, 999_500)
    area = write_polygons(tmp_path / "area.gpkg", [south], grid.crs.to_wkt())
    inside = sample_map(sources, ZoneFiles(area), 200)
    assert len(inside) == 50 and inside[:, 1].max() < np.median(points[:, 1])
    assert len(sample_map(sources, ZoneFiles(None, ((area, "nodata"),)), 200)) == 50


def test_every_small_tile_is_sampled(tmp_path):
    sources = {f"t{i}": write_tile(tmp_path / f"{i}.tif", make_grid(16, 16, x=500_000 + 500 * i)) for i in range(9)}
    assert len(sample_map(sources, ZoneFiles(), 4)) == 9


def spread(count, seed=0):
    return np.random.default_rng(seed).uniform([36, -1], [36.5, -0.5], (count, 2))


def test_scores_of_labels_in_a_corner_of_the_map_are_optimistic_and_those_all_over_it_are_not():
    pieces, _ = split_labels(make_labels(scatter_fields(150)), SPLIT, [0])
    over = measure_distances(pieces, SPLIT, spread(300))
    assert not over["optimistic"] and 0.5 < over["ratio"] < 2
    assert over["test"]["quantiles"]["0"] >= 500 - 1 and over["map"]["count"] == 300 and over["folds"] is None
    far = measure_distances(pieces, SPLIT, spread(300) + np.array([3, 3]))
    assert far["optimistic"] and far["ratio"] < 0.1
    assert far["criterion"] == 0.5
    for kind in ("test", "map"):
        ecdf = far[kind]["ecdf"]
        assert len(ecdf) == 101 and ecdf == sorted(ecdf) and ecdf[50] == far[kind]["quantiles"]["50"]


def test_with_folds_every_label_is_measured_and_the_map_against_all_labels():
    split = Split(method="kfold", folds=4)
    pieces, _ = split_labels(make_labels(scatter_fields(80)), split, [0])
    points = shapely.get_coordinates(shapely.point_on_surface(pieces.geometry.to_numpy()))
    measured = measure_distances(pieces, split, points)
    assert measured["test"]["count"] == len(pieces) and measured["folds"] == 4
    assert measured["map"]["quantiles"]["100"] == 0


def test_without_test_labels_or_valid_pixels_nothing_is_concluded(tmp_path):
    split = Split(method="field", field="part", block_m=500)
    labels = make_labels(scatter_fields(20), split=["train"] * 18 + ["validation"] * 2)
    pieces, _ = split_labels(labels, split, [0])
    measured = measure_distances(pieces, split, spread(10))
    assert measured["test"] is None and measured["optimistic"] is None
    assert measure_distances(pieces, split, np.empty((0, 2)))["map"] is None
    write_json(tmp_path / "d.json", measured)
    assert json.loads((tmp_path / "d.json").read_text()) == measured
