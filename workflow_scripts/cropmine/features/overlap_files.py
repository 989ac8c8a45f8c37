"""Files of overlaps: for each segment of a tile, how far it is cropland in a weak map."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cropmine.errors import REMAKE, CropmineError
from cropmine.files import replacing

if TYPE_CHECKING:
    import pyarrow as pa

DTYPES = {
    "segment": np.uint32,
    "pixels": np.uint32,
    "area_ha": np.float64,
    "cluster": np.uint8,
    "weak_fraction": np.float64,
    "weak_valid": np.float64,
}
Columns = dict[str, np.ndarray]


def write_overlap(path: str | Path, columns: Columns) -> None:
    """Write the columns of an overlap as Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({name: wrap_column(column) for name, column in columns.items()})
    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def wrap_column(column: np.ndarray) -> "pa.Array":
    """Hand numbers (n,) to Arrow as they are; pa.array would import pandas."""
    import pyarrow as pa

    buffers = [None, pa.py_buffer(np.ascontiguousarray(column))]
    return pa.Array.from_buffers(pa.from_numpy_dtype(column.dtype), len(column), buffers)


def read_overlap(path: str | Path) -> Columns:
    """Read the columns of an overlap. Raises CropmineError if the file doesn't hold them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # pq.read_table and to_numpy import pandas, which costs a short job a third of a second.
        with pq.ParquetFile(path) as file:
            table = file.read(columns=list(DTYPES)).combine_chunks()
        return {name: np.from_dlpack(table[name].chunk(0)).astype(dtype, copy=False) for name, dtype in DTYPES.items()}
    except (pa.ArrowInvalid, KeyError) as error:
        raise CropmineError(path, f"holds no overlaps ({error})", REMAKE) from error
