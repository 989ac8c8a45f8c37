"""Polygons of mined segments, traced batch by batch, as GeoParquet."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cropmine.classes import CLASS_NAMES, IGNORE
from cropmine.features.overlap_files import Columns, wrap_column
from cropmine.files import replacing
from cropmine.geo.grids import Grid
from cropmine.geo.outlines import Outlines, encode_polygons, trace_outlines

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_PX = 2**24
COLUMNS = {
    "segment": "uint32",
    "class": "string",
    "weak_fraction": "float64",
    "weak_valid": "float64",
    "area_ha": "float64",
    "cluster": "uint8",
    "geometry": "binary",
}
NUMBERS = ("weak_fraction", "weak_valid", "area_ha", "cluster")
ReadStrips = Callable[[int, int], Iterable[np.ndarray]]


def write_mined_polygons(
    path: str | Path, read_strips: ReadStrips, overlap: Columns, lut: np.ndarray, grid: Grid, batch_px: int = BATCH_PX
) -> None:
    """Write the mined segments as GeoParquet in the CRS of the tile.

    read_strips(top, bottom) yields rows of ids uint32 (h, w), from the top; overlap and lut uint8 (n + 1,) are those of
    `mining`. Columns: segment, class ("cropland" or "noncropland"), weak_fraction, weak_valid, area_ha, cluster,
    geometry. Segments come in batches by their first row, each a row group, so that a tile of any size takes the memory
    of `batch_px` pixels; within a batch by id.
    """
    from pyarrow import parquet as pq

    metadata = {"geo": json.dumps(_describe_geometry(grid))}
    with replacing(path) as temporary, ExitStack() as stack:
        writer = None
        for top, bottom, keep in _batch_segments(read_strips, lut != IGNORE, grid.shape, batch_px):
            outlines = trace_outlines(read_strips(top, bottom), grid.width, keep)
            np.add(outlines.rows, top, out=outlines.rows)
            table = _tabulate_polygons(outlines, overlap, lut, grid).replace_schema_metadata(metadata)
            if writer is None:
                options = {"compression": "zstd", "use_dictionary": ["class", "cluster"]}
                writer = stack.enter_context(pq.ParquetWriter(temporary, table.schema, **options))
            writer.write_table(table)


def _batch_segments(
    read_strips: ReadStrips, keep: np.ndarray, shape: tuple[int, int], batch_px: int
) -> Iterator[tuple[int, int, np.ndarray]]:
    """Rows and the segments of them that are drawn together: those whose first row lies in a band of rows."""
    height, width = shape
    band = max(batch_px // width, 1)
    if height <= band:
        yield 0, height, keep
        return
    first, last = np.zeros(len(keep), dtype=np.int32), np.full(len(keep), -1, dtype=np.int32)
    row = 0
    for strip in read_strips(0, height):
        for ids in strip:
            present = ids[np.diff(ids, prepend=ids[0] + np.uint32(1)) != 0]
            present = present[keep[present]]
            first[present[last[present] < 0]] = row
            last[present] = row
            row += 1
    last[~keep] = -1
    for top in range(0, height, band):
        here = (last >= 0) & (first // band == top // band)
        yield top, int(last[here].max(initial=top)) + 1, here


def _tabulate_polygons(outlines: Outlines, overlap: Columns, lut: np.ndarray, grid: Grid) -> "pa.Table":
    import pyarrow as pa

    segment = outlines.label[~outlines.is_hole]
    row = segment.astype(np.intp) - 1
    classes = np.array([name.encode() for name in CLASS_NAMES])[lut[segment]].tolist()
    class_ends = np.cumsum([0, *map(len, classes)], dtype=np.int32)
    numbers = {"segment": segment} | {name: overlap[name][row] for name in NUMBERS}
    columns = {name: wrap_column(column) for name, column in numbers.items()}
    columns["class"] = _wrap_bytes(b"".join(classes), class_ends, pa.string())
    columns["geometry"] = _wrap_bytes(*encode_polygons(outlines, grid.transform), pa.binary())
    return pa.table([columns[name] for name in COLUMNS], schema=pa.schema(list(COLUMNS.items())))


def _wrap_bytes(data: bytes, ends: np.ndarray, kind: "pa.DataType") -> "pa.Array":
    import pyarrow as pa

    return pa.Array.from_buffers(kind, len(ends) - 1, [None, pa.py_buffer(ends), pa.py_buffer(data)])


def _describe_geometry(grid: Grid) -> dict:
    """The file metadata of GeoParquet 1.1."""
    column: dict[str, Any] = {"encoding": "WKB", "geometry_types": ["Polygon"], "orientation": "counterclockwise"}
    column["crs"] = grid.pyproj_crs.to_json_dict()
    return {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
