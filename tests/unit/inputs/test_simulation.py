from itertools import product

import geopandas
import numpy as np
import pytest
import rasterio
from rasterio.features import rasterize
from rasterio.warp import Resampling, reproject
from scipy import ndimage
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import f1_score

from cropmine.config.regions import Simulation
from cropmine.inputs.simulation.regions import EARTH_M, PIXEL_M, simulate_region, write_region

SMALL = Simulation(tile_px=128, label_sites=24)


@pytest.fixture(scope="module")
def region():
    return simulate_region(Simulation(seed=3, tile_px=384, label_sites=40))


def put_weak_map_on_pixels(region):
    values = np.full(region.grid.shape, 255, np.uint8)
    source, target = region.weak_grid, region.grid
    reproject(
        region.weak, values, src_transform=source.transform, src_crs=source.crs, src_nodata=255, dst_nodata=255,
        dst_transform=target.transform, dst_crs=target.crs, resampling=Resampling.nearest,
    )  # fmt: skip
    return values


def score_weak_map(region):
    seen = region.truth != 255
    return f1_score(region.truth[seen], put_weak_map_on_pixels(region)[seen])


def share_of_cropland(region):
    return (region.truth == 1).sum() / (region.truth != 255).sum()


def write(region, folder, settings=SMALL):
    tiles = [f"r{row}c{column}" for row, column in product(range(settings.rows), range(settings.columns))]
    imagery = [folder / f"imagery/{tile}.tif" for tile in tiles]
    masks = [folder / f"masks/{tile}.tif" for tile in tiles]
    weak = folder / "weak.tif", folder / "weak_other.tif"
    write_region(region, imagery, masks, weak, folder / "labels.gpkg", folder / "truth.tif")
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*.*"))}


def test_the_same_settings_make_the_same_bytes(tmp_path):
    first = write(simulate_region(SMALL), tmp_path / "first")
    again = write(simulate_region(SMALL), tmp_path / "again")
    assert len(first) == 4 + 4 + 4
    assert first == again


def test_another_seed_makes_another_region_elsewhere():
    first, second = (simulate_region(SMALL.model_copy(update={"seed": seed})) for seed in (1, 2))
    assert (first.pixels != second.pixels).mean() > 0.9
    assert first.grid.transform != second.grid.transform


def test_other_sites_change_neither_imagery_nor_weak_map():
    first, second = (simulate_region(SMALL.model_copy(update={"label_sites": sites})) for sites in (12, 24))
    assert np.array_equal(first.pixels, second.pixels)
    assert np.array_equal(first.weak, second.weak)


@pytest.mark.parametrize(("seed", "tile_px"), [(0, 128), (1, 128), (2, 192), (7, 256)])
def test_a_small_region_is_sane(seed, tile_px):
    region = simulate_region(Simulation(seed=seed, tile_px=tile_px, label_sites=24))
    assert 0.15 < share_of_cropland(region) < 0.30
    assert 0.5 < score_weak_map(region) < 0.85
    assert min(region.labels["class"].value_counts()[["cropland", "other"]]) >= 8


@pytest.mark.parametrize(("rows", "columns", "tile_px"), [(1, 1, 64), (1, 3, 64), (3, 1, 100)])
def test_a_region_of_any_shape_can_be_made(rows, columns, tile_px):
    region = simulate_region(Simulation(rows=rows, columns=columns, tile_px=tile_px, label_sites=8))
    assert region.pixels.shape == (4, rows * tile_px, columns * tile_px)
    assert set(np.unique(region.truth)) == {0, 1, 255}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_the_default_region_keeps_its_promises(seed):
    region = simulate_region(Simulation(seed=seed))
    assert 0.2 < share_of_cropland(region) < 0.24
    assert 0.6 < score_weak_map(region) < 0.8
    assert (region.labels["class"].value_counts()[["cropland", "other"]] >= 70).all()


def test_pixels_lie_on_the_grid_of_the_web_map(region):
    column = (region.grid.transform.c + EARTH_M / 2) / PIXEL_M
    row = (EARTH_M / 2 - region.grid.transform.f) / PIXEL_M
    assert abs(column - round(column)) < 1e-6
    assert abs(row - round(row)) < 1e-6
    assert region.grid.transform.a == pytest.approx(4.777314267823516, abs=1e-12)


def test_nodata_is_nodata_in_every_band_and_in_the_truth(region):
    empty = region.pixels == 0
    assert np.array_equal(empty.any(axis=0), empty.all(axis=0))
    assert np.array_equal(empty[0], region.truth == 255)
    assert 0.003 < empty[0].mean() < 0.1


def test_the_mask_covers_a_patch_of_haze(region):
    masked, seen = region.mask == 1, region.truth != 255
    assert set(np.unique(region.mask)) == {0, 1}
    assert 0.005 < masked.mean() < 0.05
    blue = region.pixels[0]
    assert blue[masked & seen].mean() > 1.4 * blue[~masked & seen].mean()


def test_fields_have_a_tenth_to_two_hectares(region):
    fields, count = ndimage.label(region.truth == 1)
    hectares = np.bincount(fields.ravel())[1:] * PIXEL_M**2 / 10_000
    assert count > 200
    assert hectares.max() < 2.05
    assert 0.1 < np.average(hectares, weights=hectares) < 1


def test_the_weak_map_is_shifted_as_configured():
    settings = Simulation(seed=5, tile_px=256, weak_shift_px=(6, -4), omission=0, commission=0)
    region = simulate_region(settings)
    weak, truth = (values.astype(float) for values in (put_weak_map_on_pixels(region) == 1, region.truth == 1))
    inner = np.s_[16:-16, 16:-16]
    agreement = {
        (east, south): (np.roll(truth, (south, east), axis=(0, 1)) * weak)[inner].sum()
        for east, south in product(range(-2, 11), range(-10, 4))
    }
    east, south = max(agreement, key=agreement.get)
    assert abs(east - 6) <= 1
    assert abs(south + 4) <= 1


def test_errors_in_blobs_have_the_configured_shares():
    settings = Simulation(seed=5, tile_px=256, omission=0, commission=0)
    clean = simulate_region(settings).weak
    noisy = simulate_region(settings.model_copy(update={"omission": 0.3, "commission": 0.1})).weak
    assert (noisy[clean == 1] == 0).mean() == pytest.approx(0.3, abs=0.01)
    assert (noisy[clean == 0] == 1).mean() == pytest.approx(0.1, abs=0.02)


def test_the_weak_map_covers_the_region_and_says_nothing_beyond(region):
    assert not (put_weak_map_on_pixels(region) == 255).any()
    assert (region.weak[[0, -1]] == 255).all()
    assert (region.weak[:, [0, -1]] == 255).all()


def test_labels_are_pure_and_on_imagery_that_can_be_seen(region):
    placed = region.labels.to_crs(region.grid.crs)
    pixels = {"out_shape": region.grid.shape, "transform": region.grid.transform}
    for name, polygon in zip(placed["class"], placed.geometry, strict=True):
        touched = rasterize([polygon.buffer(-0.01)], all_touched=True, **pixels).astype(bool)
        assert polygon.is_valid
        assert (region.truth[touched] == (name == "cropland")).all()
        assert (region.mask[touched] == 0).all()


def test_labels_lie_apart(region):
    first, second = region.labels.sindex.query(region.labels.geometry, predicate="intersects")
    assert (first == second).all()


def test_most_sites_hold_both_classes_within_200_metres(region):
    placed = region.labels.to_crs(region.grid.crs)
    fields, others = (placed[placed["class"] == name] for name in ("cropland", "other"))
    apart = np.array([others.distance(field).min() for field in fields.geometry])
    assert (apart < 200).mean() > 0.85
    assert (placed["class"] == "unsure").sum() >= 1


def test_texture_tells_what_spectra_alone_do_not(region):
    pixels = region.pixels.astype(np.float32)
    features = [*pixels]
    for sigma in (2, 5, 12):
        means = [ndimage.gaussian_filter(band, sigma) for band in pixels]
        squares = [ndimage.gaussian_filter(band**2, sigma) for band in pixels]
        features += means + [np.sqrt((s - m**2).clip(0)) for s, m in zip(squares, means, strict=True)]
    features = np.stack(features, axis=-1)
    seen = (region.truth != 255) & (region.mask == 0)
    west = np.arange(region.grid.width) < region.grid.width / 2
    train, test = (np.argwhere(seen & side)[::12].T for side in (west, ~west))
    scores = []
    for count in (4, features.shape[-1]):
        model = HistGradientBoostingClassifier(max_iter=60, random_state=0)
        model.fit(features[*train][:, :count], region.truth[*train])
        share = model.predict_proba(features[*test][:, :count])[:, 1]
        scores.append(max(f1_score(region.truth[*test], share > level) for level in (0.2, 0.3, 0.4, 0.5)))
    spectra, texture = scores
    assert spectra < 0.65
    assert texture > spectra + 0.08


def test_files_hold_what_the_landscape_holds(tmp_path):
    region = simulate_region(SMALL)
    write(region, tmp_path)
    with rasterio.open(tmp_path / "imagery/r1c0.tif") as tile:
        assert np.array_equal(tile.read(), region.pixels[:, 128:, :128])
        assert tile.nodata == 0
        assert tile.descriptions == ("blue", "green", "red", "nir")
        assert tile.bounds.top == pytest.approx(region.grid.transform.f - 128 * PIXEL_M)
    with rasterio.open(tmp_path / "weak.tif") as weak:
        assert (weak.crs.to_epsg(), weak.nodata, weak.count) == (4326, 255, 1)
    labels = geopandas.read_file(tmp_path / "labels.gpkg")
    assert labels.crs.to_epsg() == 4326
    assert {"cropland", "other"} <= set(labels["class"]) <= {"cropland", "other", "unsure"}
