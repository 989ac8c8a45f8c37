import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cropmine.errors import CropmineError
from cropmine.features.overlap_files import read_overlap, write_overlap
from cropmine.mining.overlaps import overlap_segments


@pytest.mark.parametrize("n", [0, 3])
def test_overlaps_are_read_back_and_written_to_the_same_bytes(tmp_path, n):
    ids = np.arange(n * 4, dtype=np.uint32).reshape(2, -1) // 4 + 1
    valid = ids != 2
    overlap = overlap_segments(ids, valid.astype(np.uint8), valid, np.ones((1, 1)), np.arange(n + 1, dtype=np.uint8))
    for name in ("a.parquet", "b.parquet"):
        write_overlap(tmp_path / name, overlap)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert n == 0 or pq.read_metadata(tmp_path / "a.parquet").row_group(0).column(0).compression == "ZSTD"
    again = read_overlap(tmp_path / "a.parquet")
    for name, column in overlap.items():
        assert again[name].dtype == column.dtype
        np.testing.assert_array_equal(again[name], column)


def test_a_file_without_overlaps_is_named(tmp_path):
    (tmp_path / "broken.parquet").write_bytes(b"no parquet")
    pq.write_table(pa.table({"segment": [1]}), tmp_path / "other.parquet")
    for name in ("broken", "other"):
        hint = r"Hint: delete it and it will be made again\.$"
        with pytest.raises(CropmineError, match=rf"{name}\.parquet: holds no overlaps \(.+\)\. {hint}"):
            read_overlap(tmp_path / f"{name}.parquet")
