"""Outlines of labelled pixels: rings along their edges, traced for whole arrays at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from affine import Affine

STRIP_ROWS = 64  # so that the arrays of a strip stay in the cache
# A boundary runs with its segment to the left. By the direction in which it comes to a corner of pixels: the segment's
# quadrant, the one across the boundary, and those ahead to the right and to the left.
QUADRANTS = {
    "east": ("nw", "sw", "se", "ne"),
    "west": ("se", "ne", "nw", "sw"),
    "south": ("ne", "nw", "sw", "se"),
    "north": ("sw", "se", "ne", "nw"),
}
RIGHT = {"east": "south", "south": "west", "west": "north", "north": "east"}
LEFT = {after: before for before, after in RIGHT.items()}
HORIZONTAL, VERTICAL = ("east", "west"), ("south", "north")
WKB_POLYGON = b"\x01\x03\x00\x00\x00"  # little endian, a polygon; then its number of rings, and of each its points
POINT_WORDS = 4


@dataclass(frozen=True)
class Outlines:
    """Rings, each as the corners at which it turns from horizontal to vertical.

    label uint32 (r,), rising, and is_hole bool (r,), a label's shell first; ends (r,) of the rings in rows and columns
    (n,), corners of pixels from the upper left. After the corner (row k, column k) a ring runs to (row k + 1, column
    k), then to (row k + 1, column k + 1), and from the last corner to the first. Shells are anticlockwise, north up.
    """

    label: np.ndarray
    is_hole: np.ndarray
    ends: np.ndarray
    rows: np.ndarray
    columns: np.ndarray


@dataclass(frozen=True)
class _Turns:
    """Where boundaries of one direction end: corners in raster order, whether they turn right, and their label."""

    corner: np.ndarray
    right: np.ndarray
    label: np.ndarray


def trace_outlines(strips: Iterable[np.ndarray], width: int, keep: np.ndarray) -> Outlines:
    """Trace the outlines of labelled pixels.

    strips are the rows of uint32 (h, width), from the top, the pixels of each id 4-connected; keep bool (n + 1,)
    chooses among the ids 0 to n, of which 0 is none. Each segment has one shell.

    A ring turns right wherever a pixel of its segment is ahead to the right, even if that touches by a corner alone:
    the segment being 4-connected, that corner is then on two rings, a hole and its shell or two holes, each of which
    passes it once. A left turn there would make one ring that meets itself, which isn't valid.
    """
    turns, height = _find_turns(strips, width, keep)
    numbers, following = _link_turns(turns, width, height)
    counts = [len(turns[direction].corner) for direction in HORIZONTAL]
    corner, label = (np.concatenate([getattr(turns[d], key) for d in HORIZONTAL]) for key in ("corner", "label"))
    heads_south = np.concatenate([turns["east"].right, ~turns["west"].right])
    # A top of a ring: the boundary comes from the south and goes back there. Each ring has one, its highest row.
    is_top = np.zeros(len(corner), dtype=bool)
    after_north = following[numbers["north"]]
    is_top[after_north] = heads_south[after_north]
    place, ring_top, ends = _order_turns(following[following[: len(corner)]], is_top, corner, label, counts[0])
    rows, columns = np.empty(len(corner), dtype=np.int32), np.empty(len(corner), dtype=np.int32)
    rows[place], columns[place] = np.divmod(corner, width + 1)
    return Outlines(label[ring_top], ring_top < counts[0], ends, rows, columns)


def _find_turns(strips: Iterable[np.ndarray], width: int, keep: np.ndarray) -> tuple[dict[str, _Turns], int]:
    """The turns by the direction in which the boundary comes, and the number of rows."""
    kept = np.arange(len(keep), dtype=np.uint32) * np.asarray(keep, dtype=bool)
    found: dict[str, list[_Turns]] = {direction: [] for direction in QUADRANTS}
    above, top = np.zeros((1, width + 2), dtype=np.uint32), 0
    for strip in strips:
        for start in range(0, len(strip), STRIP_ROWS):
            part = strip[start : start + STRIP_ROWS]
            labels = np.zeros((len(part) + 1, width + 2), dtype=np.uint32)
            labels[0] = above[-1]
            labels[1:, 1:-1] = kept[part]
            _find_turns_of_strip(labels, top, found)
            above, top = labels, top + len(part)
    _find_turns_of_strip(np.vstack([above[-1:], np.zeros_like(above[-1:])]), top, found)
    return {direction: _join_turns(parts) for direction, parts in found.items()}, top


def _join_turns(parts: list[_Turns]) -> _Turns:
    return _Turns(*(np.concatenate([getattr(part, key) for part in parts]) for key in ("corner", "right", "label")))


def _find_turns_of_strip(labels: np.ndarray, top: int, found: dict[str, list[_Turns]]) -> None:
    """Add the turns at the corners between the rows of padded labels; the first corners are in the row `top`."""
    across = labels[:-1] != labels[1:]
    along = labels[:, :-1] != labels[:, 1:]
    corners = np.flatnonzero((across[:, :-1] | across[:, 1:]) & (along[:-1] | along[1:]))
    columns, stride = labels.shape[1] - 1, labels.shape[1]
    flat, north_west = labels.reshape(-1), corners + corners // columns
    quadrants = {"nw": flat[north_west], "ne": flat[north_west + 1]}
    quadrants |= {"sw": flat[north_west + stride], "se": flat[north_west + stride + 1]}
    corners += top * columns
    for direction, names in QUADRANTS.items():
        own, other, ahead_right, ahead_left = (quadrants[name] for name in names)
        right = ahead_right == own
        turns = np.flatnonzero((own != 0) & (own != other) & (right | (ahead_left != own)))
        found[direction].append(_Turns(corners[turns], right[turns], own[turns]))


def _link_turns(turns: dict[str, _Turns], width: int, height: int) -> tuple[dict[str, slice], np.ndarray]:
    """The numbers of the turns by direction, horizontal ones first, and for each turn the one that follows it.

    Boundaries of one direction on one line don't overlap, so that their beginnings and ends come in the same order.
    """
    counts = [len(turns[direction].corner) for direction in QUADRANTS]
    ends = np.cumsum(counts).tolist()
    numbers = {d: slice(end - count, end) for d, count, end in zip(QUADRANTS, counts, ends, strict=True)}
    dtype = np.int32 if max(ends[-1], (width + 1) * (height + 1)) < 2**31 else np.int64
    following = np.empty(ends[-1], dtype=dtype)
    for direction in QUADRANTS:
        begun, where = [], []
        for before, right in ((LEFT[direction], True), (RIGHT[direction], False)):
            chosen = np.flatnonzero(turns[before].right == right)
            begun.append(chosen + numbers[before].start)
            where.append(turns[before].corner[chosen])
        begins, beginning = np.concatenate(begun), np.concatenate(where)
        begins = begins[np.argsort(beginning, kind="stable")]  # two sorted runs, which are merged
        stops = np.arange(numbers[direction].start, numbers[direction].stop)
        if direction in VERTICAL:
            begins = begins[_sort_by_column(np.sort(beginning, kind="stable"), width)]
            stops = stops[_sort_by_column(turns[direction].corner, width)]
        following[begins] = stops
    return numbers, following


def _sort_by_column(corner: np.ndarray, width: int) -> np.ndarray:
    """The order of corners, given in raster order, by column and then by row."""
    columns = corner % (width + 1)
    return np.argsort(columns.astype(np.uint16) if width < 2**16 else columns, kind="stable")  # 16 bits: a radix sort


def _order_turns(
    following: np.ndarray, is_top: np.ndarray, corner: np.ndarray, label: np.ndarray, east: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where each turn stands when ring comes after ring, the highest top of each ring, and the rings' ends.

    From all tops at once one walks to the next top; then only the tops are left to be ordered.
    """
    tops = np.flatnonzero(is_top).astype(following.dtype)
    tops = tops[np.argsort(corner[tops], kind="stable")]
    owner, step, next_top, length = _walk_from_tops(following, tops)
    first, before, total = _rank_tops(next_top, length)
    leaders = np.flatnonzero(first == np.arange(len(tops)))
    ring_top = tops[leaders]
    order = np.lexsort((ring_top < east, label[ring_top]))
    leaders, ring_top = leaders[order], ring_top[order]
    ends = np.cumsum(total[leaders])
    start = np.empty(len(tops), dtype=np.int64)
    start[leaders] = ends - total[leaders]
    return (start[first] + before)[owner] + step, ring_top, ends


def _walk_from_tops(following: np.ndarray, tops: np.ndarray) -> tuple[np.ndarray, ...]:
    """For each turn the top before it and the steps from there, for each top the next one and the steps to it."""
    number = np.full(len(following), -1, dtype=np.int32)
    number[tops] = np.arange(len(tops), dtype=np.int32)
    owner, step = number.copy(), np.zeros(len(following), dtype=np.int32)
    next_top, length = np.empty(len(tops), dtype=np.int32), np.empty(len(tops), dtype=np.int32)
    here, own, steps = tops, np.arange(len(tops), dtype=np.int32), 0
    while len(here):
        here, steps = following[here], steps + 1
        reached = number[here]
        arrived = reached >= 0
        next_top[own[arrived]], length[own[arrived]] = reached[arrived], steps
        here, own = here[~arrived], own[~arrived]
        owner[here], step[here] = own, steps
    return owner, step, next_top, length


def _rank_tops(following: np.ndarray, length: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each top the first of its ring, the steps to it from there, and the steps of the whole ring, at the first.

    By doubling: a top knows the least number, and then the steps, of the 1, 2, 4, ... tops from it on.
    """
    n = len(following)
    first, jump = np.arange(n, dtype=np.int32), following
    while True:
        least = np.minimum(first, first[jump])
        if np.array_equal(least, first):
            break
        first, jump = least, jump[jump]
    left = np.append(length, 0).astype(np.int64)  # steps to the end of the ring; n stands for the end
    jump = np.append(np.where(first[following] == following, n, following), n)
    while (jump < n).any():
        left, jump = left + left[jump], jump[jump]
    return first, left[first] - left[:n], left[:n]


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
    data, cuts = out.view(np.uint8).data, 4 * np.append(begins, len(out))
    parts: list[bytes | memoryview] = [WKB_POLYGON] * (2 * len(begins))
    parts[1::2] = [data[start:end] for start, end in pairwise(cuts.tolist())]
    return b"".join(parts), (cuts + len(WKB_POLYGON) * np.arange(len(cuts))).astype(np.int32)


def _split_words(values: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lower and the upper four bytes of chosen float64 values."""
    halves = values.astype("<f8").view("<u4").reshape(-1, 2)
    return halves[index, 0], halves[index, 1]
