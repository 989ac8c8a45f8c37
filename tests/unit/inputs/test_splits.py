"""Blocks are true and stable, cuts lose nothing, and draws are nested."""

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from cropmine.config.regions import Split
from cropmine.errors import CropmineError
from cropmine.geo.grids import GEOD
from cropmine.inputs.blocks import block_bounds, block_of, cut_labels
from cropmine.inputs.splits import (
    assign_blocks,
    count_leaks,
    draw_labels,
    rank_labels,
    read_pieces,
    split_labels,
    split_of,
    write_pieces,
)
from cropmine.tables import write_table
from factories.labels import make_labels, scatter_fields

latitudes, longitudes = st.floats(-84, 84), st.floats(-179.9, 179.9)
block_sizes = st.floats(10, 200_000)


def is_near(value, metres, share=1e-9):
    return value == pytest.approx(metres, rel=share, abs=1e-6)


@given(longitudes, latitudes, block_sizes)
def test_a_point_lies_in_its_block(lon, lat, block_m):
    west, south, east, north = block_bounds(*block_of([lon], [lat], block_m), block_m)
    assert west - 1e-9 <= lon <= east + 1e-9 and south - 1e-9 <= lat <= north + 1e-9


@given(st.floats(-179, 179), st.floats(-80, 80), st.floats(10, 20_000))
def test_blocks_are_as_high_and_wide_as_asked_in_true_metres(lon, lat, block_m):
    rows, columns = block_of([lon], [lat], block_m)
    west, south, east, north = (border[0] for border in block_bounds(rows, columns, block_m))
    assert is_near(GEOD.inv(west, south, west, north)[2], block_m)
    middle = GEOD.fwd(west, south, 0, block_m / 2)[1]
    corners = np.linspace(west, east, 101)
    parallel = GEOD.line_length(corners, np.full(101, middle))
    assert is_near(parallel, block_m, 1e-6)


def test_a_block_keeps_its_place_in_rows_and_columns():
    rows, columns = block_of([36.8219, -0.0001, 36.8219], [-1.2921, 0.0001, 51.5], 1000)
    assert list(zip(rows, columns, strict=True)) == [(-143, 4097), (0, -1), (5707, 2557)]


@st.composite
def crooked_labels(draw):
    """A star-shaped polygon with a hole, up to some ten blocks wide."""
    lon, lat = draw(st.floats(-170, 170)), draw(st.floats(-70, 70))
    angles = np.sort(np.random.default_rng(draw(st.integers(0, 99))).uniform(0, 2 * np.pi, 12))
    radii = np.array(draw(st.lists(st.floats(0.002, 0.02), min_size=12, max_size=12)))
    shell = np.column_stack([lon + radii * np.cos(angles), lat + radii * np.sin(angles)])
    hole = shapely.box(lon - 1e-3, lat - 1e-3, lon + 1e-3, lat + 1e-3)
    return shapely.make_valid(shapely.Polygon(shell), method="structure", keep_collapsed=False).difference(hole)


@settings(max_examples=60)
@given(crooked_labels(), st.floats(150, 5000))
def test_the_pieces_of_a_label_are_the_label_and_each_lies_in_its_block(polygon, block_m):
    pieces = cut_labels(make_labels([polygon]), block_m)
    geometries = pieces.geometry.to_numpy()
    assert pieces["piece"].tolist() == list(range(len(pieces))) and pieces["block"].is_unique
    assert np.isin(shapely.get_type_id(geometries), (3, 6)).all() and shapely.is_valid(geometries).all()
    missing = shapely.area(polygon) - shapely.area(geometries).sum()
    assert abs(missing) < 1e-4 * shapely.area(polygon)
    assert shapely.area(polygon ^ shapely.union_all(geometries)) < 1e-4 * shapely.area(polygon)
    inside = shapely.get_coordinates(shapely.point_on_surface(geometries))
    rows, columns = block_of(*inside.T, block_m)
    assert pieces["block"].tolist() == [f"r{row}c{column}" for row, column in zip(rows, columns, strict=True)]
    boxes = shapely.box(*block_bounds(rows, columns, block_m))
    assert (shapely.area(shapely.difference(geometries, boxes)) < 1e-12).all()


def test_a_label_within_a_block_stays_whole_and_keeps_its_columns():
    labels = make_labels(scatter_fields(30), file="a.gpkg")
    pieces = cut_labels(labels, 100_000)
    assert shapely.equals_exact(pieces.geometry.to_numpy(), labels.geometry.to_numpy()).all()
    assert (pieces["file"] == "a.gpkg").all() and (pieces["piece"] == 0).all()


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
        hint = r"Hint: delete it and it will be made anew\.$"
        with pytest.raises(CropmineError, match=rf"{name}\.parquet: holds no labels \(.+\)\. {hint}"):
            read_pieces(tmp_path / f"{name}.parquet")
