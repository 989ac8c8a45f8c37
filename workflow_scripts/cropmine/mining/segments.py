"""Segments: pixels clustered by their colours, then the connected pixels of one cluster."""

from collections.abc import Callable, Iterator

import numpy as np

BAND_PX = 1 << 24  # pixels whose components are found at once; a quad is one band
STRIP_PX = 1 << 21  # pixels that are summed at once

Areas = np.ndarray | Callable[[int, int], np.ndarray]


def label_segments(
    clusters: np.ndarray,
    areas: Areas,
    min_area_m2: float,
    max_area_m2: float | None,
    band_px: int = BAND_PX,
) -> tuple[np.ndarray, np.ndarray]:
    """Number the 4-connected pixels of one cluster, without those that are too small or too large.

    clusters uint8 (h, w), 0 for none; areas are pixel areas in m², an array that is broadcastable to (h, w) or a
    function that gives those of the rows from one to before another. Gives ids uint32 (h, w), 0 for none and 1 to n
    ordered by cluster and then by first pixel, and the cluster of each id, uint8 (n + 1,). Components are found in
    bands of rows of `band_px` pixels and joined, so that a large tile takes little more memory than its ids.
    """
    areas_of = areas if callable(areas) else _give_rows(np.broadcast_to(areas, clusters.shape))
    limits = min_area_m2, np.inf if max_area_m2 is None else max_area_m2
    ids, cluster, area, first = _find_components(clusters, areas_of, limits, band_px)
    kept = (area >= limits[0]) & (area <= limits[1]) & (first == np.arange(len(first), dtype=first.dtype))
    kept[0] = False
    kept = np.flatnonzero(kept)  # by first pixel, as components
    kept = kept[np.argsort(cluster[kept], kind="stable")]
    renumbered = np.zeros(len(first), dtype=np.uint32)
    renumbered[kept] = np.arange(1, len(kept) + 1)
    renumbered = renumbered[first]
    for rows in _divide_rows(ids.shape, STRIP_PX):
        np.take(renumbered, ids[rows], out=ids[rows], mode="clip")
    return ids, np.concatenate([cluster[:1] * 0, cluster[kept]])


def _give_rows(areas: np.ndarray) -> Callable[[int, int], np.ndarray]:
    return lambda top, bottom: areas[top:bottom]


def _divide_rows(shape: tuple[int, int], pixels: int) -> Iterator[slice]:
    """Rows of an array in strips of about `pixels` pixels."""
    step = max(pixels // max(shape[1], 1), 1)
    return (slice(top, min(top + step, shape[0])) for top in range(0, shape[0], step))


def _find_components(
    clusters: np.ndarray, areas_of: Callable[[int, int], np.ndarray], limits: tuple[float, float], band_px: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Components uint32 (h, w), numbered by first pixel; of each its cluster, area, and the first that it is part of.

    Left out, as 0, are those whose area isn't within the limits, as far as one band shows. A component that spans bands
    has a number in each; the area is at the first.
    """
    ids, count, seams = np.empty(clusters.shape, dtype=np.uint32), 0, list[np.ndarray]()
    cluster_parts, area_parts = [np.zeros(1, dtype=np.uint8)], [np.zeros(1)]
    for band in _divide_rows(clusters.shape, band_px):
        found, cluster, area = _measure_components(clusters[band], _count_from(band.start, areas_of))
        kept = (area >= limits[0]) & (area <= limits[1])
        for edge, open_ in ((found[0], band.start > 0), (found[-1], band.stop < len(clusters))):
            kept[edge if open_ else []] = True
        kept[0] = False
        numbers = np.where(kept, np.cumsum(kept) + count, 0).astype(np.uint32)
        for rows in _divide_rows(found.shape, STRIP_PX):
            np.take(numbers, found[rows], out=ids[band][rows], mode="clip")
        if band.start:
            above, below = clusters[band.start - 1], clusters[band.start]
            seams.append(ids[band.start - 1 : band.start + 1, (above == below) & (above > 0)].astype(np.int64))
        cluster_parts.append(cluster[kept])
        area_parts.append(area[kept])
        count += int(np.count_nonzero(kept))
    cluster, area = np.concatenate(cluster_parts), np.concatenate(area_parts)
    first = np.arange(count + 1, dtype=np.uint32)
    if seams:
        first = _join_components(count, np.concatenate(seams, axis=1))
        area = np.bincount(first, weights=area, minlength=count + 1)
    return ids, cluster, area, first


def _count_from(start: int, areas_of: Callable[[int, int], np.ndarray]) -> Callable[[int, int], np.ndarray]:
    """The areas of pixels by rows that are counted from a start."""
    return lambda top, bottom: areas_of(start + top, start + bottom)


def _measure_components(
    clusters: np.ndarray, areas_of: Callable[[int, int], np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Components, numbered by first pixel, with the cluster and the area of each."""
    import cc3d

    found, n = cc3d.connected_components(clusters, connectivity=4, out_dtype=np.uint32, return_N=True)
    area, cluster = np.zeros(n + 1), np.zeros(n + 1, dtype=np.uint8)
    for rows in _divide_rows(found.shape, STRIP_PX):
        flat = found[rows].reshape(-1).astype(np.intp)
        weights = np.broadcast_to(areas_of(rows.start, rows.stop), found[rows].shape).reshape(-1)
        area += np.bincount(flat, weights=weights, minlength=n + 1)
        cluster[flat] = clusters[rows].reshape(-1)
    return found, cluster, area


def _join_components(count: int, pairs: np.ndarray) -> np.ndarray:
    """The least number that each of the numbers 0 to `count` is joined to by pairs (2, p), uint32 (count + 1,)."""
    first = np.arange(count + 1, dtype=np.uint32)
    pairs = np.unique(pairs, axis=1)
    while pairs.shape[1]:
        roots = first[pairs]
        np.minimum.at(first, roots.max(axis=0), roots.min(axis=0))
        touched = np.unique(pairs)
        while not np.array_equal(first[first[touched]], first[touched]):
            first[touched] = first[first[touched]]
        pairs = pairs[:, first[pairs[0]] != first[pairs[1]]]
    while not np.array_equal(
        first[first], first
    ):  # those whose own pairs were done before their root found a lesser one
        first = first[first]
    return first
