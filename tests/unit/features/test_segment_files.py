"""Files of segments: the same bytes each time, read whole or by strips."""

import numpy as np
import pytest
import rasterio
from rasterio import Affine
from rasterio.crs import CRS

from cropmine.errors import CropmineError
from cropmine.features.segment_files import read_segment_strips, read_segments, write_segments
from cropmine.geo.grids import Grid
from cropmine.geo.rasters import write_raster
from cropmine.mining.segments import label_segments


def test_strips_of_segments_are_those_of_the_whole_file(tmp_path, monkeypatch):
    monkeypatch.setattr("cropmine.features.segment_files.BUFFER_PX", 256 * 40)
    clusters = np.random.default_rng(8).integers(0, 3, (600, 40), dtype=np.uint8)
    ids, cluster_of_segment = label_segments(clusters, np.ones((1, 1)), 0, None)
    write_segments(
        tmp_path / "a.tif",
        ids,
        cluster_of_segment,
        Grid(CRS.from_epsg(3857), Affine(4.777, 0, 1e6, 0, -4.777, 2e6), 40, 600),
    )
    for top, bottom in [(0, 600), (0, 1), (255, 257), (300, 600)]:
        strips = [strip.copy() for strip in read_segment_strips(tmp_path / "a.tif", top, bottom)]
        np.testing.assert_array_equal(np.concatenate(strips), ids[top:bottom])
        assert {strip.dtype for strip in strips} == {np.dtype(np.uint32)}
    assert len(strips) == 2
    monkeypatch.setattr("cropmine.features.segment_files.BUFFER_PX", 1)
    assert [len(strip) for strip in read_segment_strips(tmp_path / "a.tif", 0, 600)] == [256, 256, 88]


@pytest.mark.parametrize("case", ["ordinary", "no segments", "a cluster without segments"])
def test_segments_are_read_back_and_written_to_the_same_bytes(tmp_path, case):
    clusters = np.random.default_rng(6).choice([0, 1, 2, 4], (30, 40)).astype(np.uint8)
    least = 1e9 if case == "no segments" else 2
    ids, cluster_of_segment = label_segments(clusters, np.ones((1, 1)), least, None)
    grid = Grid(CRS.from_epsg(3857), Affine(4.777, 0, 1e6, 0, -4.777, 2e6), 40, 30)
    for name in ("a.tif", "b.tif"):
        write_segments(tmp_path / name, ids, cluster_of_segment, grid)
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()
    again, clusters_again = read_segments(tmp_path / "a.tif")
    assert again.dtype == np.uint32
    np.testing.assert_array_equal(again, ids)
    np.testing.assert_array_equal(clusters_again, cluster_of_segment)
    assert clusters_again.dtype == np.uint8
    with rasterio.open(tmp_path / "a.tif") as dataset:
        assert (dataset.nodata, dataset.descriptions) == (0, ("segment",))


def test_a_file_that_holds_no_segments_is_named(tmp_path):
    (tmp_path / "broken.tif").write_text("no raster")
    with pytest.raises(
        CropmineError, match=r"broken\.tif: can't be read \(.+\)\. Hint: delete it and it will be made again"
    ):
        read_segments(tmp_path / "broken.tif")
    grid = Grid(CRS.from_epsg(3857), Affine(4.777, 0, 1e6, 0, -4.777, 2e6), 4, 3)
    write_raster(tmp_path / "other.tif", np.zeros(grid.shape, np.uint32), grid)
    hint = r"Hint: delete it and it will be made again\.$"
    what = rf"other\.tif: has no tag CLUSTER_ENDS, so it holds no segments\. {hint}"
    with pytest.raises(CropmineError, match=what):
        read_segments(tmp_path / "other.tif")
