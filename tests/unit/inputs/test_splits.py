"""Splits of labels: blocks keep their part whatever is added, and every fold tests each piece once."""

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from cropmine.config.regions import Split
from cropmine.errors import CropmineError
from cropmine.inputs.label_pieces import draw_labels, split_of
from cropmine.inputs.splits import assign_blocks, rank_labels, split_labels
from factories.labels import make_labels, scatter_fields, scatter_over_blocks


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


@pytest.mark.parametrize("method", ["holdout", "kfold"])
@settings(max_examples=12, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.integers(0, 999), st.floats(-170, 170), st.floats(-70, 70), st.floats(0.3, 0.9))
def test_added_labels_move_no_block(method, seed, lon, lat, share):
    labels = scatter_over_blocks(seed, lon, lat, 1000, ["scattered", "clustered", "wide"][seed % 3], 60)
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
