import tempfile
from pathlib import Path

import geopandas as gpd
import geopandas.testing
import numpy as np
import rasterio.features
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st
from rasterio.crs import CRS

from cropmine.config.experiments import Mined
from cropmine.geo.grids import Grid
from cropmine.mining.mined_polygons import write_mined_polygons
from cropmine.mining.overlaps import mine_segments, overlap_segments
from factories.segments import CLUSTERS, TRANSFORM, segment_all


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
