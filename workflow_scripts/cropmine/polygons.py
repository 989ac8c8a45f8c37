"""Polygons of segments, for what people look at."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine

from cropmine.files import replacing
from cropmine.grids import Grid
from cropmine.mining import CROPLAND, IGNORE, Columns, wrap_column
from cropmine.outlines import Outlines, trace_outlines

if TYPE_CHECKING:
    import pyarrow as pa

WKB_POLYGON = b"\x01\x03\x00\x00\x00"  # little endian, a polygon; then its number of rings, and of each its points
POINT_WORDS = 4
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


def polygonise_labels(ids: np.ndarray, transform: Affine, keep: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Trace the exact pixel outlines of labelled pixels.

    ids uint32 (h, w), the pixels of each id 4-connected; keep bool (n + 1,) chooses among the ids 0 to n, of which 0 is
    none; the transform isn't rotated. Gives the ids (m,) that are kept and occur, rising, and a valid polygon with its
    holes for each, shapely (m,), in the coordinates of the transform, its vertices only where it turns.
    """
    import shapely

    outlines = trace_outlines([ids], ids.shape[1], keep)
    data, ends = encode_polygons(outlines, transform)
    polygons = [data[start:end] for start, end in pairwise(ends.tolist())]
    return outlines.label[~outlines.is_hole], shapely.from_wkb(np.array(polygons, object))


def encode_polygons(outlines: Outlines, transform: Affine) -> tuple[bytes, np.ndarray]:
    """Encode outlines as the well-known binary (WKB) of polygons, one a label, rings closed, shells anticlockwise.

    Returns the polygons one after another, and 0 and where each ends, int32 (m + 1,).
    """
    if not len(outlines.ends):
        return b"", np.zeros(1, np.int32)
    turns = np.diff(outlines.ends, prepend=0)
    shells = np.flatnonzero(~outlines.is_hole)
    # In words of four bytes: of each polygon the number of its rings, of each ring the number of its points.
    words = 1 + POINT_WORDS * (2 * turns + 1) + ~outlines.is_hole
    ends = np.cumsum(words)
    first_points = ends - POINT_WORDS * (2 * turns + 1)
    out = np.empty(ends[-1], dtype="<u4")
    begins = (ends - words)[shells]
    out[begins] = np.diff(np.append(shells, len(turns)))
    out[first_points - 1] = 2 * turns + 1
    x = _split_words(transform.c + transform.a * np.arange(outlines.columns.max() + 1), outlines.columns)
    y = _split_words(transform.f + transform.e * np.arange(outlines.rows.max() + 1), outlines.rows)
    starts = outlines.ends - turns
    place = np.arange(len(outlines.rows)) * (2 * POINT_WORDS) + np.repeat(
        first_points - starts * (2 * POINT_WORDS), turns
    )
    for half in (0, 1):
        following = np.append(y[half][1:], y[half][:1])
        following[outlines.ends - 1] = y[half][starts]
        out[place + half] = out[place + half + 4] = x[half]
        out[place + half + 2], out[place + half + 6] = y[half], following
        out[ends - 4 + half], out[ends - 2 + half] = x[half][starts], y[half][starts]
    data, cuts = memoryview(out.view(np.uint8)), 4 * np.append(begins, len(out))
    parts = [WKB_POLYGON] * (2 * len(begins))
    parts[1::2] = [data[start:end] for start, end in pairwise(cuts.tolist())]
    return b"".join(parts), (cuts + len(WKB_POLYGON) * np.arange(len(cuts))).astype(np.int32)


def _split_words(values: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lower and the upper four bytes of chosen float64 values."""
    halves = values.astype("<f8").view("<u4").reshape(-1, 2)
    return halves[index, 0], halves[index, 1]


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
    classes = np.where(lut[segment] == CROPLAND, b"cropland", b"noncropland").tolist()
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
    column = {"encoding": "WKB", "geometry_types": ["Polygon"], "orientation": "counterclockwise"}
    column["crs"] = grid.pyproj_crs.to_json_dict()
    return {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
