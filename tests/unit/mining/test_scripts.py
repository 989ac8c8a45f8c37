"""The three mining rules by their own scripts: exact, the same whatever the threads, and plain about bad input."""

import json
import runpy
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import rasterio
from exactextract import exact_extract
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.features import rasterize

from cropmine.config.experiments import Mined
from cropmine.config.regions import WeakMap
from cropmine.config.segmentations import KMeans
from cropmine.geo.areas import pixel_areas
from cropmine.geo.grids import Grid
from cropmine.geo.outlines import polygonise_labels
from cropmine.geo.rasters import limit_gdal, write_raster
from cropmine.mining.clusters import Codebook, assign_clusters
from cropmine.mining.overlaps import overlap_segments
from cropmine.mining.segmentation import divide_tile, number_segments
from cropmine.mining.segments import label_segments
from factories.held_tiles import hold_tile
from factories.rasters import make_grid, write_plain
from workspace import ROOT

SCRIPTS = ROOT / "workflow_scripts"


class Files(dict):
    """Files by name; Snakemake gives no files for what a job lacks."""

    def __getattr__(self, name):
        return self.get(name, [])


def run_rule(rule, folder, inputs, settings, threads=1):
    """Run a rule's script on files, as Snakemake would."""
    names = {"segments": "segments.tif", "overlap": "overlap.parquet", "polygons": "polygons.parquet"}
    output = Files({name: str(folder / file) for name, file in names.items()})
    job = {"rule": rule, "input": Files(inputs), "output": output, "threads": threads, "wildcards": {}}
    job |= {"params": Files(settings=json.dumps(settings)), "log": [str(folder / f"{rule}.log")]}
    runpy.run_path(str(SCRIPTS / f"{rule}.py"), init_globals={"snakemake": SimpleNamespace(**job)})
    return output


def mine(folder, image, weak, bands=2, threads=1, **segmentation):
    """Segments (h, w), the table of overlaps and the polygons of a tile."""
    chosen = KMeans(**{"min_area_m2": 0, "sample_px": 500, **segmentation}).model_dump(mode="json")
    settings = {"bands": [f"b{band}" for band in range(bands)], "mask_bad": [], "mask_band": 1, "exclude_as": []}
    settings |= {"tile": "a", "segmentation": chosen}
    run_rule("segment_tile", folder, {"images": [str(image)]}, settings, threads)
    described = WeakMap(path="weak.tif").model_dump(mode="json", exclude={"year", "min_valid", "training_labels"})
    files = {"segments": str(folder / "segments.tif"), "weak": [str(weak)]}
    run_rule("overlap_tile", folder, files, {"weak": {"weak": described, "members": []}}, threads)
    mined = {"mined": Mined(cropland=0.8, noncropland=0.2).model_dump(mode="json"), "min_valid": 0.5}
    files = {"segments": files["segments"], "overlap": str(folder / "overlap.parquet")}
    run_rule("mine_polygons", folder, files, mined, threads)
    with rasterio.open(folder / "segments.tif") as dataset:
        ids = dataset.read(1)
    return ids, gpd.pd.read_parquet(folder / "overlap.parquet"), gpd.read_parquet(folder / "polygons.parquet")


def write_tile(folder, pixels, grid=None, nodata=0):
    """Imagery and a weak map whose left half is cropland."""
    grid = grid or make_grid(pixels.shape[2], pixels.shape[1])
    image = write_plain(folder / "image.tif", pixels, grid, nodata=nodata)
    weak = (np.arange(grid.width) < grid.width / 2)[None].repeat(grid.height, 0).astype(np.uint8)
    return image, write_plain(folder / "weak.tif", weak, grid)


def draw_pixels(shape, bands=2, seed=0):
    return np.random.default_rng(seed).integers(1, 4000, (bands, *shape), dtype=np.uint16)


def test_a_constant_tile_is_one_segment(tmp_path):
    ids, overlap, polygons = mine(tmp_path, *write_tile(tmp_path, np.full((2, 20, 30), 7, np.uint16)))
    assert (ids == 1).all()
    assert overlap.weak_fraction.tolist() == [0.5]
    assert len(polygons) == 0


def test_fewer_distinct_values_than_clusters_are_a_cluster_each(tmp_path):
    pixels = np.repeat(np.array([5, 9, 200], np.uint16), 10)[None, None].repeat(12, 1).repeat(2, 0)
    ids, overlap, polygons = mine(tmp_path, *write_tile(tmp_path, pixels))
    assert sorted(np.unique(ids)) == [1, 2, 3]
    assert overlap.pixels.tolist() == [120] * 3
    assert polygons["class"].tolist() == ["cropland", "noncropland"]


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1)])
def test_tiles_of_one_row_column_or_pixel_are_mined(tmp_path, shape):
    ids, overlap, polygons = mine(tmp_path, *write_tile(tmp_path, draw_pixels(shape)))
    assert overlap.pixels.sum() == ids.size == np.prod(shape)
    assert polygons.is_valid.all()


def test_a_tile_of_60_bands_is_mined_and_texture_changes_with_no_strip(tmp_path, monkeypatch):
    image, weak = write_tile(tmp_path, draw_pixels((40, 30), 60))
    whole = mine(tmp_path, image, weak, bands=60, features=["texture"])[0]
    monkeypatch.setattr("cropmine.mining.methods.kmeans.STRIP_ROWS", 7)
    monkeypatch.setattr("cropmine.inputs.imagery.HELD_BYTES", 0)
    monkeypatch.setattr("cropmine.inputs.imagery.open_rows.__defaults__", (None, 0))
    np.testing.assert_array_equal(mine(tmp_path, image, weak, bands=60, features=["texture"])[0], whole)
    assert whole.any()


def test_a_band_without_data_is_an_error_and_never_a_silent_nothing(tmp_path, capsys):
    pixels = draw_pixels((20, 30)).astype(np.float32)
    pixels[1] = np.nan
    with pytest.raises(SystemExit):
        mine(tmp_path, *write_tile(tmp_path, pixels, nodata=None))
    assert "band 2 holds no data, though band 1 does" in capsys.readouterr().err
    assert not (tmp_path / "segments.tif").exists()


def test_some_missing_numbers_are_merely_left_out(tmp_path):
    pixels = draw_pixels((20, 30)).astype(np.float32)
    pixels[1, :, :5] = np.nan
    ids, _, _ = mine(tmp_path, *write_tile(tmp_path, pixels, nodata=None))
    np.testing.assert_array_equal(ids[:, :5] == 0, True)
    assert (ids[:, 5:] > 0).all()


def test_an_empty_tile_says_so_in_the_log(tmp_path):
    ids, overlap, polygons = mine(tmp_path, *write_tile(tmp_path, np.zeros((2, 20, 30), np.uint16)))
    assert not ids.any() and len(overlap) == len(polygons) == 0
    assert "no pixel is valid" in (tmp_path / "segment_tile.log").read_text()


def test_beyond_a_weak_map_that_covers_a_corner_nothing_is_mined(tmp_path):
    pixels = np.repeat(np.arange(1, 5, dtype=np.uint16), 10)[None, None].repeat(40, 1).repeat(2, 0)
    image, _ = write_tile(tmp_path, pixels)
    weak = write_plain(tmp_path / "corner.tif", np.ones((40, 10), np.uint8), make_grid(10, 40))
    _, overlap, polygons = mine(tmp_path, image, weak)
    assert overlap.weak_valid.tolist() == [1, 0, 0, 0]
    assert np.isnan(overlap.weak_fraction[1:]).all()
    assert polygons["segment"].tolist() == [1]


@pytest.mark.slow
def test_files_are_the_same_to_the_byte_whatever_the_threads(tmp_path):
    image, weak = write_tile(tmp_path, draw_pixels((600, 700)))
    made = []
    for threads in (1, 3):
        (tmp_path / str(threads)).mkdir()
        mine(tmp_path / str(threads), image, weak, threads=threads)
        names = ("segments.tif", "overlap.parquet", "polygons.parquet")
        made.append([(tmp_path / str(threads) / name).read_bytes() for name in names])
    assert made[0] == made[1]


def test_rasters_are_the_same_to_the_byte_whatever_the_threads(tmp_path):
    grid = make_grid(1500, 1200)
    array = np.random.default_rng(0).integers(0, 50, grid.shape, dtype=np.uint32)
    for threads in (1, 2, 4):
        with limit_gdal(threads):
            write_raster(tmp_path / f"{threads}.tif", array, grid)
    assert len({(tmp_path / f"{threads}.tif").read_bytes() for threads in (1, 2, 4)}) == 1


def test_with_one_codebook_cutting_a_tile_changes_only_segments_that_touch_the_cut():
    pixels = np.random.default_rng(1).integers(0, 4, (1, 60, 80)).astype(np.uint16)
    codebook = Codebook(np.zeros(1), np.ones(1), np.array([[0.0], [1.0], [3.0]]))

    def segment(part):
        clusters = assign_clusters(part, np.ones(part.shape[1:], bool), codebook)
        return label_segments(clusters, np.ones((1, 1)), 3, None)[0]

    whole, cut = segment(pixels), 37
    for columns in (slice(0, cut), slice(cut, 80)):
        here, there = whole[:, columns], segment(pixels[:, :, columns])
        at_cut = np.unique(np.concatenate([whole[:, cut - 1], whole[:, cut]]))
        apart = (here > 0) & ~np.isin(here, at_cut)
        pairs = np.unique(np.stack([here[apart], there[apart]]), axis=1)
        assert (there[apart] > 0).all()
        assert len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1]


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_fractions_are_those_of_exactextract_over_the_polygons_and_polygons_are_the_segments(seed):
    rng = np.random.default_rng(seed)
    grid = make_grid(24, 18)
    ids, clusters = label_segments(rng.integers(0, 3, grid.shape, dtype=np.uint8), np.ones((1, 1)), 0, None)
    values, valid = rng.integers(0, 2, grid.shape, dtype=np.uint8), rng.random(grid.shape) < 0.8
    overlap = overlap_segments(ids, values, valid, pixel_areas(grid), clusters)
    segment, polygons = polygonise_labels(ids, grid.transform, np.ones(len(clusters), bool))
    burnt = rasterize(
        zip(polygons, segment.tolist(), strict=True), grid.shape, transform=grid.transform, dtype="uint32"
    )
    np.testing.assert_array_equal(burnt, ids)
    table = gpd.GeoDataFrame({"segment": segment}, geometry=polygons, crs=grid.crs)
    with rasterio.MemoryFile() as memory:
        profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "crs": grid.crs, "nodata": np.nan}
        with memory.open(width=grid.width, height=grid.height, transform=grid.transform, **profile) as dataset:
            dataset.write(np.where(valid, values, np.nan).astype(np.float32), 1)
        with memory.open() as dataset:
            found = exact_extract(dataset, table, ["mean", "count"], output="pandas")
    np.testing.assert_allclose(found["count"], (overlap["weak_valid"] * overlap["pixels"])[segment - 1], atol=1e-4)
    known = overlap["weak_valid"][segment - 1] > 0
    np.testing.assert_allclose(found["mean"][known], overlap["weak_fraction"][segment - 1][known], atol=1e-5)


@pytest.mark.parametrize(
    ("crs", "x", "y", "px"),
    [
        ("EPSG:3857", 4e6, 3e5, 4.777),
        ("EPSG:3857", 4e6, 7e6, 4.777),
        ("EPSG:32637", 2e5, 1e6, 10.0),
        ("EPSG:32637", 5e5, 5e6, 10.0),
        ("EPSG:4326", 30.0, -25.0, 1e-4),
    ],
)
def test_areas_of_segments_are_geodesic_ones_to_a_thousandth(crs, x, y, px):
    grid: Grid = make_grid(60, 40, crs, x, y, px)
    pixels = np.random.default_rng(2).integers(1, 4, (1, 5, 5)).astype(np.uint16).repeat(8, 1).repeat(12, 2)
    segmentation = KMeans(clusters=3, min_area_m2=0)
    parts = divide_tile(hold_tile(pixels, np.ones(grid.shape, bool), grid, ["b"], "a"), segmentation)
    ids, clusters = number_segments(parts, grid, segmentation)
    overlap = overlap_segments(ids, parts, parts > 0, pixel_areas(grid), clusters)
    segment, polygons = polygonise_labels(ids, grid.transform, np.ones(len(clusters), bool))
    geod = pyproj.Geod(ellps="WGS84")
    lonlat = gpd.GeoSeries(polygons, crs=grid.crs).segmentize(5 * px).to_crs(4326)
    areas = [abs(geod.geometry_area_perimeter(polygon)[0]) / 1e4 for polygon in lonlat]
    np.testing.assert_allclose(overlap["area_ha"][segment - 1], areas, rtol=1e-3)
