"""Splits of labels: stable blocks, nested draws, and nothing that trains in or near a held-out block."""

import geopandas
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from affine import Affine
from hypothesis import HealthCheck, event, given, reject, settings
from hypothesis import strategies as st
from rasterio.crs import CRS

from cropmine.classes import HUMAN, IGNORE, MINED
from cropmine.config.regions import Split
from cropmine.errors import CropmineError
from cropmine.geo.grids import Grid, pixel_size_m
from cropmine.inputs.blocks import block_bounds, block_of
from cropmine.inputs.held_out import count_leaks, held_out_mask
from cropmine.inputs.label_pieces import draw_labels, read_pieces, split_of, write_pieces
from cropmine.inputs.label_rasters import burn_labels
from cropmine.inputs.splits import assign_blocks, rank_labels, split_labels
from cropmine.mining.targets import compose_target, mask_training
from cropmine.tables import write_table
from factories.labels import make_labels, scatter_fields

GEOD = pyproj.Geod(ellps="WGS84")
BLOCKS_ACROSS = 5
GRID_PX = 70
NEAREST = 3
FAR = 1.5
METRES_OF_DEGREE = 110_500
MILLIMETRE = 1e-3


@given(st.sets(st.integers(-(10**6), 10**6), min_size=1, max_size=40), st.integers(0, 5))
def test_added_blocks_move_no_other(rows, seed):
    blocks = [f"r{row}c{row}" for row in sorted(rows)]
    for method in ("holdout", "kfold"):
        split = Split(method=method, seed=seed)
        alone = pd.concat([assign_blocks([block], split) for block in blocks], ignore_index=True)
        pd.testing.assert_frame_equal(assign_blocks(blocks, split), alone)


def test_blocks_are_split_in_the_shares_asked_for():
    blocks = [f"r{row}c{column}" for row in range(100) for column in range(100)]
    shares = assign_blocks(blocks, Split(train=0.5, validation=0.2, test=0.3))["split"].value_counts(normalize=True)
    assert shares.to_dict() == pytest.approx({"train": 0.5, "test": 0.3, "validation": 0.2}, abs=0.02)
    folds = assign_blocks(blocks, Split(method="kfold", folds=4))["fold"].value_counts(normalize=True)
    assert folds.to_dict() == pytest.approx(dict.fromkeys(range(4), 0.25), abs=0.02)
    assert not assign_blocks(blocks, Split()).equals(assign_blocks(blocks, Split(seed=1)))


@pytest.mark.parametrize("method", ["holdout", "kfold"])
def test_added_labels_move_no_block_and_keep_the_order_of_the_others(method):
    split = Split(method=method)
    few, many = (split_labels(make_labels(scatter_fields(300)[:count]), split, [0, 1]) for count in (200, 300))
    column = "fold" if method == "kfold" else "split"
    both = few[1].merge(many[1], on="block", suffixes=("", "_later"))
    assert len(both) == len(few[1]) and both[column].equals(both[f"{column}_later"])
    later = many[0][many[0]["label"] < 200].reset_index(drop=True)
    for name in ("rank_0", "rank_1"):
        for target in (0, 1):
            ranked = (few[0]["target"] == target) & (few[0][name] >= 0)
            assert few[0][name][ranked].rank(method="dense").equals(later[name][ranked].rank(method="dense"))


def test_ranks_run_from_zero_in_each_class_and_differ_by_draw():
    ranks = rank_labels(make_labels(scatter_fields(50)), [0, 1], seed=0)
    for name in ("rank_0", "rank_1"):
        assert sorted(ranks[name][::2]) == sorted(ranks[name][1::2]) == list(range(25))
    assert not ranks["rank_0"].equals(ranks["rank_1"])
    shuffled = rank_labels(make_labels(scatter_fields(50)).iloc[::-1], [0, 1], seed=0)
    assert ranks.equals(shuffled.iloc[::-1].reset_index(drop=True))


@pytest.mark.parametrize(("method", "fold"), [("holdout", None), ("kfold", 2)])
def test_draws_are_nested_stratified_and_count_labels(method, fold):
    split = Split(method=method, block_m=1000)
    pieces, _ = split_labels(make_labels(scatter_fields(200, size=0.01)), split, [0, 1])
    splits = split_of(pieces, fold, split.folds)
    before = np.zeros(len(pieces), dtype=bool)
    for fraction in (0, 0.1, 0.25, 0.5, 1):
        drawn = draw_labels(pieces, splits, fraction, 1)
        assert drawn[before].all()
        for target in (0, 1):
            own = (pieces["target"] == target).to_numpy() & (splits == "train")
            labels = pieces["label"][own].nunique()
            assert pieces["label"][drawn & own].nunique() == np.ceil(np.round(fraction * labels, 6))
        before = drawn
    assert (drawn == (splits == "train")).all()


def test_every_fold_tests_each_piece_once_and_validates_it_once():
    split = Split(method="kfold", folds=4)
    pieces, blocks = split_labels(make_labels(scatter_fields(200)), split, [0])
    runs = np.stack([split_of(pieces, fold, 4) for fold in range(4)])
    assert ((runs == "test").sum(axis=0) == 1).all() and ((runs == "validation").sum(axis=0) == 1).all()
    assert pieces["split"].isna().all() and set(blocks["fold"]) == {0, 1, 2, 3}
    assert (split_of(pieces, None, 4) == "train").all()


def test_a_split_field_rules_but_nothing_trains_in_a_block_that_tests():
    fields = scatter_fields(6)
    parts = ["train", "train", "train", "test", "validation", "train"]
    beside = shapely.affinity.translate(fields[3], 1e-5, 1e-5)
    labels = make_labels([*fields[:5], beside], [0, 1, 1, 0, 1, 1], split=parts)
    split = Split(method="field", field="part", block_m=500)
    pieces, blocks = split_labels(labels, split, [0])
    drawn = draw_labels(pieces, split_of(pieces, None), 1, 0)
    assert set(pieces["label"][drawn]) == {0, 1, 2}
    assert set(blocks["split"][blocks["block"].isin(pieces["block"][pieces["label"] == 3])]) == {"test"}
    assert (pieces["rank_0"][pieces["label"] > 2] == -1).all()


def test_labels_of_another_region_leak_where_they_lie_in_a_held_out_block_or_its_buffer():
    fields = scatter_fields(2)
    pieces, _ = split_labels(
        make_labels(
            [*fields, shapely.affinity.translate(fields[1], 0.1, 0)], [1, 1, 0], split=["train", "test", "train"]
        ),
        Split(method="field", field="part", block_m=500),
        [0],
    )
    splits = split_of(pieces, None)
    assert count_leaks(make_labels([fields[1], fields[0]]), pieces, splits, 0, 500) == 1
    beyond = shapely.affinity.translate(fields[1], 0, 0.009)  # 1 km to the north
    assert count_leaks(make_labels([beyond]), pieces, splits, 0, 500) == 0
    assert count_leaks(make_labels([beyond]), pieces, splits, 1000, 500) == 1


def test_a_class_that_is_left_nowhere_to_train_is_refused():
    labels = make_labels(scatter_fields(40), split=["train", "test"] * 20)
    with pytest.raises(CropmineError, match=r"no cropland label is left.*split\.seed"):
        split_labels(labels, Split(method="field", field="part", block_m=500), [0])
    near = make_labels(scatter_fields(2), split=["train", "train"])
    held = near.assign(geometry=near.geometry.translate(0.006), split="test")
    both = pd.concat([near, held.assign(label=[2, 3])], ignore_index=True)
    split_labels(both, Split(method="field", field="part", block_m=100, buffer_m=0), [0])
    with pytest.raises(CropmineError, match="buffer_m"):
        split_labels(both, Split(method="field", field="part", block_m=100, buffer_m=2000), [0])


def test_labels_of_one_class_are_split_for_mined_labels_may_bring_the_other(caplog):
    pieces, blocks = split_labels(make_labels(scatter_fields(60), np.ones(60)), Split(), [0])
    assert "no noncropland labels" in caplog.text
    assert set(pieces["class"]) == {"cropland"} and blocks["labels_noncropland"].sum() == 0


def test_the_files_hold_what_others_read_and_the_same_bytes_twice(tmp_path):
    for folder in ("a", "b"):
        pieces, blocks = split_labels(make_labels(scatter_fields(100)), Split(), [0, 1])
        write_pieces(tmp_path / folder / "labels.parquet", pieces)
        write_table(tmp_path / folder / "splits.csv", blocks, decimals=9)
    for name in ("labels.parquet", "splits.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    table = geopandas.read_parquet(tmp_path / "a" / "labels.parquet")
    ranks = ["rank_0", "rank_1"]
    assert list(table) == ["label", "piece", "target", "class", "block", "split", "fold", *ranks, "geometry"]
    assert table.crs.to_epsg() == 4326 and (table["fold"] == -1).all() and (table["rank_0"] >= -1).all()
    assert (split_of(table, None) == split_of(pieces, None)).all()
    listed = pd.read_csv(tmp_path / "a" / "splits.csv", index_col="block")
    bounds = ["lon_min", "lat_min", "lon_max", "lat_max"]
    assert list(listed) == ["split", *bounds, "labels_cropland", "labels_noncropland"]
    assert listed["split"].loc[table["block"]].tolist() == table["split"].tolist()
    outer = shapely.box(*listed.loc[table["block"], bounds].to_numpy().T)
    assert shapely.covers(shapely.buffer(outer, 1e-8), table.geometry.to_numpy()).all()


def test_the_files_of_folds_can_be_read_back(tmp_path):
    split = Split(method="kfold", folds=3)
    pieces, blocks = split_labels(make_labels(scatter_fields(60)), split, [0])
    write_pieces(tmp_path / "labels.parquet", pieces)
    table = geopandas.read_parquet(tmp_path / "labels.parquet")
    assert table["split"].isna().all() and "fold" in blocks
    assert (split_of(table, 1, 3) == split_of(pieces, 1, 3)).all()


def test_labels_of_a_test_file_only_test_and_the_others_train_or_validate():
    told = ["test"] * 20 + [""] * 60
    fields = scatter_fields(120)
    labels = make_labels(fields[:80], split=told)
    split = Split(method="field", block_m=500)
    pieces, _ = split_labels(labels, split, [0])
    own = pieces["label"] < 20
    assert set(pieces["split"][own]) == {"test"}
    assert set(pieces["split"][~own]) == {"train", "validation"}
    more, _ = split_labels(make_labels(fields, split=told + [""] * 40), split, [0])
    before = pieces.set_index(["label", "piece"])["split"]
    assert more.set_index(["label", "piece"])["split"][before.index].equals(before)


def test_a_file_without_labels_is_named(tmp_path):
    (tmp_path / "broken.parquet").write_bytes(b"no parquet")
    pd.DataFrame({"label": [1]}).to_parquet(tmp_path / "other.parquet")
    for name in ("broken", "other"):
        hint = r"Hint: delete it and it will be made again\.$"
        with pytest.raises(CropmineError, match=rf"{name}\.parquet: holds no labels \(.+\)\. {hint}"):
            read_pieces(tmp_path / f"{name}.parquet")


def scatter_labels(seed, lon, lat, block_m, arrangement, count):
    """Labels over some 5 x 5 blocks: points' circles or polygons, scattered, in clusters or as wide as a block."""
    rng = np.random.default_rng(seed)
    reach = BLOCKS_ACROSS * block_m / 2
    middles = rng.uniform(-reach, reach, (count, 2))
    if arrangement == "clustered":
        middles = rng.uniform(-reach, reach, (6, 2))[rng.integers(6, size=count)]
        middles += rng.normal(0, block_m / 5, (count, 2))
    size = block_m * (rng.uniform(0.3, 1.3, count) if arrangement == "wide" else rng.uniform(0.01, 0.2, count))
    angles = np.sort(rng.uniform(0, 2 * np.pi, (count, 9)), axis=1)
    radii = size[:, None] / 2 * rng.uniform(0.5, 1, (count, 9))
    corners = middles[:, None] + np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=-1)
    local = pyproj.Transformer.from_crs(f"+proj=aeqd +lon_0={lon} +lat_0={lat}", "EPSG:4326", always_xy=True)
    rings = np.stack(local.transform(corners[..., 0], corners[..., 1]), axis=-1)
    polygons = shapely.make_valid(shapely.polygons(rings), method="structure", keep_collapsed=False)
    polygons = polygons[shapely.area(polygons) > 0]
    targets, parts = rng.integers(0, 2, len(polygons)), rng.choice(["train", "validation", "test"], len(polygons))
    return make_labels(polygons, targets, split=parts.astype(object))


def cover(crs, lon, lat, block_m) -> Grid:
    """A grid somewhat wider than the labels."""
    utm = f"EPSG:{(32600 if lat >= 0 else 32700) + min(int((lon + 180) // 6) + 1, 60)}"
    crs = CRS.from_string(utm if crs == "utm" else crs)
    east, north = (GEOD.fwd(lon, lat, azimuth, BLOCKS_ACROSS * block_m * 0.6)[:2] for azimuth in (90, 0))
    to_grid = pyproj.Transformer.from_crs("EPSG:4326", pyproj.CRS.from_wkt(crs.to_wkt()), always_xy=True)
    (x, y), (right, _), (_, top) = (to_grid.transform(*place) for place in ((lon, lat), east, north))
    px = max(right - x, top - y) * 2 / GRID_PX
    return Grid(crs, Affine(px, 0, x - px * GRID_PX / 2, 0, -px, y + px * GRID_PX / 2), GRID_PX, GRID_PX)


@st.composite
def situations(draw):
    lon, lat = draw(st.floats(-175, 175)), draw(st.floats(-70, 70))
    block_m = draw(st.floats(100, 20_000))
    method = draw(st.sampled_from(["holdout", "kfold", "field"]))
    buffer_m = draw(st.sampled_from([0.1, 0, 0.4, 0.01])) * block_m
    split = Split(method=method, block_m=block_m, buffer_m=buffer_m, folds=4, seed=draw(st.integers(0, 99)))
    if method == "field":
        split = split.model_copy(update={"field": "part"})
    arrangement = draw(st.sampled_from(["scattered", "clustered", "wide"]))
    labels = scatter_labels(draw(st.integers(0, 999)), lon, lat, block_m, arrangement, draw(st.integers(30, 90)))
    grid = cover(draw(st.sampled_from(["utm", "EPSG:3857", "EPSG:4326"])), lon, lat, block_m)
    if method != "field":
        labels = labels.drop(columns="split")
    return labels, split, grid


def burn(pieces, splits, split, grid, fraction) -> np.ndarray:
    """A target as burn_target makes it, where every pixel was mined: bool (h, w), where something trains."""
    everywhere = np.ones(grid.shape, bool)
    held_out = held_out_mask(pieces, splits, grid, split.buffer_m, split.block_m)
    human = burn_labels(pieces[draw_labels(pieces, splits, fraction, 0)], grid)
    layers = [(everywhere.astype(np.uint8), MINED), (human, HUMAN)]
    return compose_target(layers, mask_training(everywhere, everywhere, held_out))[0] != IGNORE


def find_corners(trained, grid) -> np.ndarray:
    """Longitude and latitude of the corners and centres of pixels, (pixels, 5, 2)."""
    rows, cols = np.nonzero(trained)
    offsets = np.array([(0, 0), (0, 1), (1, 0), (1, 1), (0.5, 0.5)])
    x, y = grid.transform @ (cols[:, None] + offsets[:, 0], rows[:, None] + offsets[:, 1])
    return np.stack(grid.to_lonlat.transform(x, y), axis=-1)


def trace_border(bounds, steps=80) -> np.ndarray:
    """Points along the border of a lon/lat rectangle, (4 * steps, 2)."""
    west, south, east, north = bounds
    lon, lat = np.linspace(west, east, steps), np.linspace(south, north, steps)
    sides = [(lon, np.full(steps, south)), (np.full(steps, east), lat), (lon, np.full(steps, north))]
    return np.concatenate([np.column_stack(side) for side in [*sides, (np.full(steps, west), lat)]])


def _ring(bounds) -> np.ndarray:
    return shapely.get_coordinates(shapely.segmentize(shapely.box(*bounds), (bounds[3] - bounds[1]) / 20))


def measure_gap(corners, bounds, enough) -> float:
    """The geodesic distance of the nearest pixel from a block; negative if one reaches into the block.

    The nearest pixels are found in an azimuthal equidistant projection around the block, infinite where none is so
    near that its distance may be less than enough.
    """
    west, south, east, north = bounds
    lon, lat = corners[..., 0], corners[..., 1]
    slack = 1e-9
    if ((lon > west + slack) & (lon < east - slack) & (lat > south + slack) & (lat < north - slack)).any():
        return -1.0
    reach = FAR * enough / METRES_OF_DEGREE * np.array([1 / np.cos(np.radians(max(-south, north))), 1])
    corners = corners[
        ((corners[:, 4] > (west, south) - reach) & (corners[:, 4] < np.add((east, north), reach))).all(axis=1)
    ]
    if not len(corners):
        return np.inf
    around = f"+proj=aeqd +lon_0={(west + east) / 2} +lat_0={(south + north) / 2}"
    project = pyproj.Transformer.from_crs("EPSG:4326", around, always_xy=True).transform
    middles = shapely.points(*project(*corners[:, 4].T))
    outline = shapely.polygons(shapely.linearrings(np.column_stack(project(*_ring(bounds).T))))
    near = corners[np.argsort(shapely.distance(middles, outline))[:NEAREST]].reshape(-1, 2)
    border = trace_border(bounds)
    pairs = [np.repeat(near, len(border), axis=0), np.tile(border, (len(near), 1))]
    return GEOD.inv(*pairs[0].T, *pairs[1].T)[2].min()


@settings(max_examples=50, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(situations(), st.sampled_from([0.1, 0.5, 1]))
def test_no_pixel_trains_in_or_near_a_held_out_block(situation, fraction):
    labels, split, grid = situation
    try:
        pieces, blocks = split_labels(labels, split, [0])
    except CropmineError:
        reject()
    fold = split.seed % split.folds if split.method == "kfold" else None
    splits = split_of(pieces, fold, split.folds)
    trained = burn(pieces, splits, split, grid, fraction)
    if not trained.any():
        reject()
    event(f"{split.method}, buffer {split.buffer_m / split.block_m:.2f}")
    corners = find_corners(trained, grid)
    bounds = blocks.set_index("block")[["lon_min", "lat_min", "lon_max", "lat_max"]]
    enough = split.buffer_m + 3 * max(pixel_size_m(grid))
    for block in set(pieces["block"][splits != "train"]):
        assert measure_gap(corners, bounds.loc[block].to_numpy(), enough) >= split.buffer_m - MILLIMETRE


@pytest.mark.parametrize("method", ["holdout", "kfold"])
@settings(max_examples=12, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.integers(0, 999), st.floats(-170, 170), st.floats(-70, 70), st.floats(0.3, 0.9))
def test_added_labels_move_no_block(method, seed, lon, lat, share):
    labels = scatter_labels(seed, lon, lat, 1000, ["scattered", "clustered", "wide"][seed % 3], 60)
    labels = labels.drop(columns="split").sample(frac=1, random_state=seed)
    split = Split(method=method, block_m=1000, seed=seed)
    try:
        few, many = (split_labels(labels.iloc[:count], split, [0])[1] for count in (int(share * 60), 60))
    except CropmineError:
        reject()
    both = few.merge(many, on="block", how="left", suffixes=("", "_later"))
    column = "fold" if method == "kfold" else "split"
    assert both[column].tolist() == both[f"{column}_later"].tolist()
    assert both["lon_min"].equals(both["lon_min_later"]) and both["lat_max"].equals(both["lat_max_later"])


def test_a_pixel_that_a_held_out_block_only_scratches_is_held_out():
    """GDAL's all_touched alone leaves out pixels that a polygon meets by under a hundredth of their width."""
    lon, lat, block_m = -146.868, 69.566, 1455
    rows, columns = block_of([lon], [lat], block_m)
    bounds = np.concatenate(block_bounds(rows, columns, block_m))
    pieces = make_labels([shapely.box(*bounds)]).assign(block=f"r{rows[0]}c{columns[0]}")
    grid = cover("utm", lon, lat, block_m)
    held_out = held_out_mask(pieces, np.array(["test"], object), grid, 0, block_m)
    assert measure_gap(find_corners(~held_out, grid), bounds, 1) >= 0
