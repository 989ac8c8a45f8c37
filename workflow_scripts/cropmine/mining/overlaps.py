"""Mining: how far each segment is cropland in the weak map, and which segments become labels."""

from collections.abc import Iterable

import numpy as np

from cropmine.classes import CROPLAND, IGNORE, NONCROPLAND
from cropmine.config.experiments import Mined
from cropmine.features.overlap_files import DTYPES, Columns

CHUNK_ROWS = 256


def overlap_segments(
    ids: np.ndarray, values: np.ndarray, valid: np.ndarray, areas: np.ndarray, cluster_of_segment: np.ndarray
) -> Columns:
    """Measure how far each segment is cropland in a weak map.

    ids uint32 (h, w); values, 0 to 1, and valid bool (h, w) are the weak map on the same grid; areas are pixel areas in
    m², broadcastable to (h, w); cluster_of_segment uint8 (n + 1,). Gives a row for each segment, 1 to n: segment,
    pixels, area_ha, cluster, weak_fraction (mean of the valid weak pixels, NaN without any) and weak_valid (their share
    of the pixels). The sums of a class map are exact.
    """
    return overlap_strips([(ids, values, valid, areas)], cluster_of_segment)


def overlap_strips(
    strips: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]], cluster_of_segment: np.ndarray
) -> Columns:
    """Measure segments as overlap_segments does; strips yields its first four arguments by rows."""
    n = len(cluster_of_segment) - 1
    pixels, usable = np.zeros(n + 1, dtype=np.int64), np.zeros(n + 1, dtype=np.int64)
    area, cropland = np.zeros(n + 1), np.zeros(n + 1)
    for ids, values, valid, areas in strips:
        areas = np.broadcast_to(areas, ids.shape)
        for start in range(0, len(ids), CHUNK_ROWS):
            rows = slice(start, start + CHUNK_ROWS)
            inside = np.flatnonzero(ids[rows])
            segment = ids[rows].reshape(-1)[inside].astype(np.intp)
            weighed = valid[rows].reshape(-1)[inside]
            pixels += np.bincount(segment, minlength=n + 1)
            area += np.bincount(segment, weights=areas[rows].reshape(-1)[inside], minlength=n + 1)
            segment = segment[weighed]
            usable += np.bincount(segment, minlength=n + 1)
            cropland += np.bincount(segment, weights=values[rows].reshape(-1)[inside][weighed], minlength=n + 1)
    pixels, usable, area, cropland = pixels[1:], usable[1:], area[1:], cropland[1:]
    columns = {
        "segment": np.arange(1, n + 1),
        "pixels": pixels,
        "area_ha": area / 1e4,
        "cluster": cluster_of_segment[1:],
        "weak_fraction": np.divide(cropland, usable, out=np.full(n, np.nan), where=usable > 0),
        "weak_valid": np.divide(usable, pixels, out=np.zeros(n), where=pixels > 0),
    }
    return {name: columns[name].astype(dtype) for name, dtype in DTYPES.items()}


def mine_segments(overlap: Columns, mined: Mined, min_valid: float) -> np.ndarray:
    """Make the look-up table from segment to label: the target is `lut[ids]`.

    Gives uint8 (n + 1,): 1 where the weak fraction is above the cropland threshold, 0 where it is below the
    non-cropland threshold, both strict as in the paper (arXiv 2401.07014, section 3), else 255; also 255 for id 0 and
    where the share of valid weak pixels is below min_valid.
    """
    fraction, usable = overlap["weak_fraction"], overlap["weak_valid"] >= min_valid
    lut = np.full(len(fraction) + 1, IGNORE, dtype=np.uint8)
    if mined.cropland is not None:
        lut[1:][usable & (fraction > mined.cropland)] = CROPLAND
    if mined.noncropland is not None:
        lut[1:][usable & (fraction < mined.noncropland)] = NONCROPLAND
    return lut
