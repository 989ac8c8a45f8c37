"""Limits on vector files: how many features, vertices and crossings are read at most."""

import json
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import shapely
from pyarrow import compute as pc
from pyarrow import parquet as pq

from cropmine.errors import CropmineError
from cropmine.geo.geometries import POLYGONAL

MOST_FEATURES = 5_000_000
MOST_VERTICES = 5_000_000
MOST_OF_ONE = 200_000  # vertices of a geometry: jagged ones take the square of the time
MOST_CROSSINGS = 300_000
BYTES_OF_ONE = 24  # of a vertex with a height
SAMPLED_EDGES = 50
SIMPLE_BYTES = 2**16
MOST_DEPTH = 8


def check_size(path: str | Path, features: int) -> None:
    """Refuse a file that claims more features than it has bytes, or than can be held. Raises CropmineError."""
    size = Path(path).stat().st_size
    if features > size:
        raise CropmineError(path, f"claims {features} features in {size} bytes", "fetch or write it again")
    check_features(path, features)


def check_features(path: str | Path, features: int) -> None:
    """Refuse more features than can be held. Raises CropmineError."""
    if features > MOST_FEATURES:
        hint = "cut it to the region, or take a raster of it"
        raise CropmineError(path, f"holds {features} features, and at most {MOST_FEATURES} are read", hint)


def check_vertices(path: str | Path, geometries: np.ndarray) -> None:
    """Refuse geometries that can't be worked with: too many vertices, places that aren't finite, endless crossings.

    Raises CropmineError.
    """
    vertices = shapely.get_num_coordinates(geometries)
    for count, most, of in ((vertices.sum(), MOST_VERTICES, ""), (vertices.max(initial=0), MOST_OF_ONE, " of one")):
        if count > most:
            what = f"holds {count} vertices{of}, and at most {most}{of} are read"
            raise CropmineError(path, what, "simplify its outlines, or cut it to the region")
    places, row = shapely.get_coordinates(geometries, return_index=True)
    if not np.isfinite(places).all():
        first = row[~np.isfinite(places).all(axis=1)][0] + 1
        raise CropmineError(
            path, f"row {first} has a coordinate that isn't a finite number", "draw it again, or drop it"
        )
    polygonal = np.isin(shapely.get_type_id(geometries), POLYGONAL)
    for at in np.flatnonzero(polygonal & (vertices**2 > MOST_CROSSINGS)):
        if not shapely.is_valid(geometries[at]) and _estimate_crossings(geometries[at]) > MOST_CROSSINGS:
            what = f"row {at + 1} crosses itself over {MOST_CROSSINGS} times"
            raise CropmineError(path, what, "that is no outline of anything; draw it again")


def _estimate_crossings(polygon: shapely.Geometry) -> float:
    """How often the edges of a polygon meet others, from some edges of it, evenly chosen."""
    ends, ring = shapely.get_coordinates(shapely.get_rings(polygon), return_index=True)
    edges = shapely.linestrings(np.stack([ends[:-1], ends[1:]], axis=1)[ring[:-1] == ring[1:]])
    chosen = edges[np.linspace(0, len(edges) - 1, SAMPLED_EDGES).round().astype(int)]
    return float(shapely.intersects(chosen[:, None], edges).sum(axis=1).mean()) * len(edges) / 2


def check_parquet(path: str | Path) -> None:
    """Refuse a Parquet file of too many rows, or whose geometries can't be worked with. Raises CropmineError."""
    file = pq.read_metadata(path)
    check_features(path, file.num_rows)
    for column in json.loads((file.metadata or {}).get(b"geo", b"{}")).get("columns", ()):
        groups = [file.row_group(number) for number in range(file.num_row_groups)]
        parts = [group.column(number) for group in groups for number in range(group.num_columns)]
        size = sum(part.total_uncompressed_size for part in parts if part.path_in_schema.split(".")[0] == column)
        if size > MOST_VERTICES * BYTES_OF_ONE + 128 * file.num_rows:
            what = f"holds {size // 10**6} MB of geometries, too many vertices"
            raise CropmineError(path, what, "simplify its outlines, or cut it to the region")
        for chunk in pq.read_table(path, columns=[column])[column].chunks:
            if pa.types.is_binary(chunk.type) or pa.types.is_large_binary(chunk.type):
                for row in np.flatnonzero(pc.binary_length(chunk).fill_null(0).to_numpy() > SIMPLE_BYTES):
                    _check_depth(path, chunk[int(row)].as_py())


def _check_depth(path: str | Path, wkb: bytes) -> None:
    """Refuse collections in collections in collections: the reader of WKB calls itself until the stack is full."""
    position, open_parts = 0, [1]
    while open_parts and position + 9 <= len(wkb):
        order = "<" if wkb[position] else ">"
        kind, count = struct.unpack_from(f"{order}II", wkb, position + 1)
        position += 9
        open_parts[-1] -= 1
        width = 8 * (2 + bool(kind & 0x80000000) + bool(kind & 0x40000000) + (kind % 0x10000000 // 1000 + 1) // 2)
        position += 4 if kind & 0x20000000 else 0
        kind = kind % 0x10000000 % 1000
        if kind == 1:
            position += width - 4
        elif kind in (2, 8):
            position += count * width
        elif kind in (3, 17):
            for _ in range(count):
                if position + 4 > len(wkb):
                    return
                position += 4 + struct.unpack_from(f"{order}I", wkb, position)[0] * width
        else:
            open_parts.append(count)
        while open_parts and not open_parts[-1]:
            open_parts.pop()
        if len(open_parts) > MOST_DEPTH:
            raise CropmineError(path, f"holds collections {MOST_DEPTH} deep and deeper", "this is a file of polygons")
