import tempfile
from pathlib import Path

import geopandas as gpd
import geopandas.testing
import numpy as np
import pytest
import rasterio.features
import scipy.ndimage
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from rasterio import Affine
from rasterio.crs import CRS

from cropmine.config.experiments import Mined
from cropmine.geo.grids import Grid
from cropmine.geo.outlines import polygonise_labels
from cropmine.mining.mined_polygons import write_mined_polygons
from cropmine.mining.overlaps import mine_segments, overlap_segments
from cropmine.mining.segments import label_segments

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=14)
CLUSTERS = hnp.arrays(np.uint8, SHAPES, elements=st.integers(0, 2))
TRANSFORM = Affine(4.777, 0, 4_000_000.5, 0, -4.777, -1_000_000.25)


def segment_all(clusters):
    return label_segments(clusters, np.ones((1, 1)), 0, None)


def rasterise(ids, polygons, shape, transform=TRANSFORM):
    if not len(ids):
        return np.zeros(shape, dtype=np.uint32)
    pairs = [(polygon, int(k)) for polygon, k in zip(polygons, ids, strict=True)]
    return rasterio.features.rasterize(pairs, out_shape=shape, transform=transform, dtype="uint32")


@settings(max_examples=300)
@given(CLUSTERS, st.integers(0, 2**32 - 1))
def test_polygons_are_valid_and_cover_exactly_the_pixels_of_their_segment(clusters, seed):
    ids, cluster_of_segment = segment_all(clusters)
    keep = np.random.default_rng(seed).random(len(cluster_of_segment)) < 0.7
    keep[0] = False
    chosen, polygons = polygonise_labels(ids, TRANSFORM, keep)
    np.testing.assert_array_equal(chosen, np.flatnonzero(keep))
    assert shapely.is_valid(polygons).all()
    np.testing.assert_array_equal(rasterise(chosen, polygons, ids.shape), np.where(keep[ids], ids, 0))
    np.testing.assert_allclose(shapely.area(polygons), np.bincount(ids.ravel())[chosen] * 4.777**2, rtol=1e-6)


@given(CLUSTERS)
def test_polygons_are_those_of_gdal(clusters):
    ids, cluster_of_segment = segment_all(clusters)
    chosen, polygons = polygonise_labels(ids, Affine.identity(), np.ones(len(cluster_of_segment), dtype=bool))
    shapes = rasterio.features.shapes(ids.astype(np.int32), mask=ids > 0)
    expected = {int(value): shapely.geometry.shape(geometry) for geometry, value in shapes}
    assert sorted(expected) == chosen.tolist()
    for k, polygon in zip(chosen, polygons, strict=True):
        assert polygon.equals(expected[k])


def test_vertices_stand_only_where_the_outline_turns_and_shells_are_anticlockwise():
    ids = np.ones((7, 9), dtype=np.uint32)
    ids[2:4, 3:5] = 0
    (polygon,) = polygonise_labels(ids, TRANSFORM, [False, True])[1]
    assert len(polygon.exterior.coords) == 5
    assert polygon.exterior.is_ccw
    assert [len(hole.coords) for hole in polygon.interiors] == [5]
    assert not polygon.interiors[0].is_ccw


@pytest.mark.parametrize(
    ("picture", "holes"),
    [
        (["110", "101", "111"], 1),  # the hole touches the outside by a corner
        (["11111", "10111", "11011", "11111"], 2),  # two holes touch by a corner
        (["1111", "1001", "1011", "1101", "1111"], 2),
        (["11111", "10101", "11011", "10101", "11111"], 5),
    ],
)
def test_outlines_that_touch_by_a_corner_are_valid(picture, holes):
    ids = np.array([[int(c) for c in row] for row in picture], dtype=np.uint32)
    assert scipy.ndimage.label(ids)[1] == 1
    (polygon,) = polygonise_labels(ids, TRANSFORM, [False, True])[1]
    assert polygon.is_valid
    assert len(polygon.interiors) == holes
    np.testing.assert_array_equal(rasterise([1], [polygon], ids.shape), ids)


def test_a_grid_from_south_to_north_is_traced_too():
    ids, _ = segment_all(np.array([[1, 1, 2], [1, 2, 2]], dtype=np.uint8))
    transform = Affine(2, 0, 100, 0, 3, 50)
    chosen, polygons = polygonise_labels(ids, transform, np.ones(3, dtype=bool))
    assert shapely.is_valid(polygons).all()
    np.testing.assert_array_equal(rasterise(chosen, polygons, ids.shape, transform), ids)


def test_nothing_kept_gives_no_polygons():
    chosen, polygons = polygonise_labels(np.ones((2, 2), dtype=np.uint32), TRANSFORM, [True, False])
    assert len(chosen) == len(polygons) == 0


def make_mined(min_valid):
    rng = np.random.default_rng(0)
    clusters = rng.integers(1, 4, (40, 50), dtype=np.uint8)
    ids, cluster_of_segment = segment_all(clusters)
    weak = (scipy.ndimage.gaussian_filter(rng.random(ids.shape), 3) > 0.5).astype(np.uint8)
    overlap = overlap_segments(ids, weak, weak < 9, np.full((1, 1), 22.8), cluster_of_segment)
    return ids, overlap, mine_segments(overlap, Mined(cropland=0.8, noncropland=0.2), min_valid)


def test_mined_polygons_are_written_with_what_is_known_of_them(tmp_path):
    ids, overlap, lut = make_mined(0.5)
    grid = Grid(CRS.from_epsg(3857), TRANSFORM, 50, 40)
    for name in ("a.parquet", "b.parquet"):
        write_mined_polygons(tmp_path / name, lambda top, bottom: [ids[top:bottom]], overlap, lut, grid)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    table = gpd.read_parquet(tmp_path / "a.parquet")
    names = ["segment", "class", "weak_fraction", "weak_valid", "area_ha", "cluster", "geometry"]
    assert list(table.columns) == names
    assert table.crs == "EPSG:3857"
    assert ((table["class"] == "cropland") == (table["weak_fraction"] > 0.8)).all()
    assert ((table["class"] == "noncropland") == (table["weak_fraction"] < 0.2)).all()
    pairs = zip(table.geometry, (table["class"] == "cropland").astype(int), strict=True)
    drawn = rasterio.features.rasterize(pairs, out_shape=ids.shape, fill=255, transform=TRANSFORM, dtype="uint8")
    np.testing.assert_array_equal(drawn, lut[ids])


@given(CLUSTERS, st.integers(1, 60))
def test_batches_of_rows_change_no_polygon(clusters, batch_px):
    ids, cluster_of_segment = segment_all(clusters)
    fraction = np.linspace(0, 1, len(cluster_of_segment) - 1)
    overlap = overlap_segments(ids, np.append(0, fraction)[ids], ids > 0, np.ones((1, 1)), cluster_of_segment)
    lut = mine_segments(overlap, Mined(cropland=0.6, noncropland=0.4), 0.5)
    grid = Grid(CRS.from_epsg(3857), TRANSFORM, *ids.shape[::-1])
    tables = []
    with tempfile.TemporaryDirectory() as folder:
        for px in (2**24, batch_px):
            write_mined_polygons(
                Path(folder, "p.parquet"), lambda top, bottom: [ids[top:bottom]], overlap, lut, grid, px
            )
            tables.append(gpd.read_parquet(Path(folder, "p.parquet")).sort_values("segment", ignore_index=True))
    gpd.testing.assert_geodataframe_equal(*tables)
    assert set(tables[0]["segment"]) == set(np.flatnonzero(lut != 255))


def test_a_tile_without_mined_segments_gives_an_empty_file_of_the_same_columns(tmp_path):
    ids, overlap, lut = make_mined(1.1)
    grid = Grid(CRS.from_epsg(32636), TRANSFORM, 50, 40)
    write_mined_polygons(tmp_path / "none.parquet", lambda top, bottom: [ids[top:bottom]], overlap, lut, grid)
    table = gpd.read_parquet(tmp_path / "none.parquet")
    assert len(table) == 0
    assert table.crs == "EPSG:32636"
    assert "weak_fraction" in table
