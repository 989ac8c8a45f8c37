"""Pieces of labels: nested draws, and files that others read."""

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely

from cropmine.config.regions import Split
from cropmine.errors import CropmineError
from cropmine.inputs.label_pieces import draw_labels, read_pieces, split_of, write_pieces
from cropmine.inputs.splits import split_labels
from cropmine.tables import write_table
from factories.labels import make_labels, scatter_fields


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


def test_a_file_without_labels_is_named(tmp_path):
    (tmp_path / "broken.parquet").write_bytes(b"no parquet")
    pd.DataFrame({"label": [1]}).to_parquet(tmp_path / "other.parquet")
    for name in ("broken", "other"):
        hint = r"Hint: delete it and it will be made again\.$"
        with pytest.raises(CropmineError, match=rf"{name}\.parquet: holds no labels \(.+\)\. {hint}"):
            read_pieces(tmp_path / f"{name}.parquet")
