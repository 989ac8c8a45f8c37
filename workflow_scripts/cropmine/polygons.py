"""Polygons of segments, for what people look at."""

from pathlib import Path

import numpy as np
import shapely
from rasterio import Affine
from scipy.sparse import csgraph, csr_array

from cropmine.files import replacing
from cropmine.grids import Grid
from cropmine.mining import CROPLAND, IGNORE, Columns

# A boundary runs west, south, east or north with its segment to the left, so a left turn is the next direction.
# As (row, column): a step in the direction, the neighbour across the boundary, the corner of a pixel where it begins.
STEPS = ((0, -1), (1, 0), (0, 1), (-1, 0))
SIDES = ((-1, 0), (0, -1), (1, 0), (0, 1))
CORNERS = ((0, 1), (0, 0), (1, 0), (1, 1))

Runs = list[tuple[np.ndarray, np.ndarray]]


def polygonise_labels(ids: np.ndarray, transform: Affine, keep: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Trace the exact pixel outlines of labelled pixels.

    ids uint32 (h, w), the pixels of each id 4-connected; keep bool (n + 1,) chooses among the ids 0 to n, of which 0 is
    none; the transform isn't rotated. Gives the ids (m,) that are kept and occur, rising, and a valid polygon with its
    holes for each, shapely (m,), in the coordinates of the transform, its vertices only where it turns.
    """
    kept = np.arange(len(keep), dtype=np.uint32) * np.asarray(keep, dtype=bool)
    labels = np.zeros((ids.shape[0] + 2, ids.shape[1] + 2), dtype=np.uint32)
    labels[1:-1, 1:-1] = kept[ids]
    runs = [_find_runs(labels, direction) for direction in range(4)]
    starts = np.concatenate([start for start, _ in runs])
    if not len(starts):
        return np.empty(0, dtype=np.uint32), np.empty(0, dtype=object)
    order, lengths = _order_runs(_link_runs(labels, runs))
    corners = np.repeat(CORNERS, [len(start) for start, _ in runs], axis=0)[order]
    rows, columns = np.divmod(starts[order], labels.shape[1])
    rows, columns = rows - 1 + corners[:, 0], columns - 1 + corners[:, 1]
    return _build_polygons(labels.reshape(-1)[starts[order]], rows, columns, lengths, transform)


def _shift(padded: np.ndarray, step: tuple[int, int]) -> np.ndarray:
    """What lies a step away from each pixel within the padding."""
    (row, column), (height, width) = step, padded.shape
    return padded[1 + row : height - 1 + row, 1 + column : width - 1 + column]


def _find_runs(labels: np.ndarray, direction: int) -> tuple[np.ndarray, np.ndarray]:
    """The first and the last pixel of every straight boundary in a direction, as flat positions."""
    inner, step = labels[1:-1, 1:-1], STEPS[direction]
    boundary = np.zeros(labels.shape, dtype=bool)
    boundary[1:-1, 1:-1] = (inner != 0) & (inner != _shift(labels, SIDES[direction]))
    ends = []
    for row, column in ((-step[0], -step[1]), step):
        goes_on = _shift(boundary, (row, column)) & (inner == _shift(labels, (row, column)))
        here = boundary[1:-1, 1:-1] & ~goes_on
        # Scanned along the boundaries, so that the first and the last pixels come in the same order.
        if row:
            columns, rows = np.divmod(np.flatnonzero(here.T), here.shape[0])
        else:
            rows, columns = np.divmod(np.flatnonzero(here), here.shape[1])
        ends.append((rows + 1) * labels.shape[1] + columns + 1)
    return ends[0], ends[1]


def _link_runs(labels: np.ndarray, runs: Runs) -> np.ndarray:
    """For each run the number of the run that follows it around its segment.

    A run turns right wherever a pixel of its segment lies ahead to the right, even if that touches by a corner alone:
    the segment being 4-connected, that corner then lies on two rings, a hole and its shell or two holes, each of which
    passes it once. A left turn there would make one ring that meets itself, which isn't valid.
    """
    flat, width = labels.reshape(-1), labels.shape[1]
    number = np.empty(flat.size, dtype=np.int32)  # of the run that begins at a pixel
    offsets = np.cumsum([0] + [len(start) for start, _ in runs])
    following = np.empty(offsets[-1], dtype=np.int32)
    right, beyond = [], []
    for direction, (_, last) in enumerate(runs):
        (row, column), (side_row, side_column) = STEPS[direction], SIDES[direction]
        beyond.append(last + (row + side_row) * width + column + side_column)
        right.append(flat[beyond[-1]] == flat[last])
    for direction, (start, _) in enumerate(runs):
        number[start] = np.arange(offsets[direction], offsets[direction + 1])
        before, after = (direction - 1) % 4, (direction + 1) % 4  # from which a left and a right turn lead here
        left_turns, right_turns = np.flatnonzero(~right[before]), np.flatnonzero(right[after])
        following[offsets[before] + left_turns] = number[runs[before][1][left_turns]]
        following[offsets[after] + right_turns] = number[beyond[after][right_turns]]
    return following


def _order_runs(following: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Runs in the order in which they make up ring after ring, and the number of runs of each ring."""
    rings, ring = csgraph.connected_components(_make_graph(following), directed=True, connection="weak")
    first = np.empty(rings, dtype=np.int32)
    first[ring[::-1]] = np.arange(len(ring), dtype=np.int32)[::-1]
    # The last run of each ring leads to the next ring instead: one walk then visits them all.
    last = np.flatnonzero(following == first[ring])
    walk = following.copy()
    walk[last] = first[(ring[last] + 1) % rings]
    order = csgraph.depth_first_order(_make_graph(walk), first[0], directed=True, return_predecessors=False)
    return order, np.bincount(ring)


def _make_graph(following: np.ndarray) -> csr_array:
    n = len(following)
    return csr_array((np.ones(n), following, np.arange(n + 1, dtype=np.int32)), shape=(n, n))


def _build_polygons(
    labels: np.ndarray, rows: np.ndarray, columns: np.ndarray, lengths: np.ndarray, transform: Affine
) -> tuple[np.ndarray, np.ndarray]:
    """Polygons of rings whose vertices stand one after the other; a segment's only anticlockwise ring is its shell."""
    starts = np.cumsum(lengths) - lengths
    following = np.arange(1, len(rows) + 1)
    following[starts + lengths - 1] = starts
    hole = np.add.reduceat(columns * (rows - rows[following]), starts) < 0
    label = labels[starts]
    order = np.lexsort((hole, label))
    starts, hole, closed = starts[order], hole[order], lengths[order] + 1
    offsets = np.concatenate([[0], np.cumsum(closed)])
    vertex = np.repeat(starts - offsets[:-1], closed) + np.arange(offsets[-1])
    vertex[offsets[1:] - 1] = starts
    x, y = transform.c + transform.a * columns[vertex], transform.f + transform.e * rows[vertex]
    shells = np.flatnonzero(~hole)
    polygons = shapely.from_ragged_array(
        shapely.GeometryType.POLYGON, np.column_stack([x, y]), (offsets, np.append(shells, len(hole)))
    )
    return label[order][shells], polygons


def write_mined_polygons(path: str | Path, ids: np.ndarray, overlap: Columns, lut: np.ndarray, grid: Grid) -> None:
    """Write the mined segments as GeoParquet in the CRS of the tile.

    ids uint32 (h, w); overlap and lut uint8 (n + 1,) are those of `mining`. Columns: segment, class ("cropland" or
    "noncropland"), weak_fraction, weak_valid, area_ha, cluster, geometry.
    """
    import geopandas as gpd

    segment, polygons = polygonise_labels(ids, grid.transform, lut != IGNORE)
    row = segment.astype(np.intp) - 1
    columns = {
        "segment": segment,
        "class": np.where(lut[segment] == CROPLAND, "cropland", "noncropland").astype(object),
        **{name: overlap[name][row] for name in ("weak_fraction", "weak_valid", "area_ha", "cluster")},
    }
    table = gpd.GeoDataFrame(columns, geometry=polygons, crs=grid.crs)
    with replacing(path) as temporary:
        table.to_parquet(temporary, index=False, compression="zstd")
