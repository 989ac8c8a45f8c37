"""The check of labels against each other: where both classes are drawn over the same ground."""

import numpy as np
import shapely

from cropmine.findings import Findings

SHARE = 0.1  # of the smaller of two labels: less is a common border, drawn twice


def find_contradictions(geometries: np.ndarray, targets: np.ndarray) -> list[tuple[int, int]]:
    """Find pairs of a cropland and another label that overlap by over a tenth of the smaller.

    geometries: (n,) valid polygons of one CRS; targets: (n,) 1 cropland, 0 not. Gives positions, the cropland label's
    first, in their order.
    """
    cropland, other = np.flatnonzero(targets == 1), np.flatnonzero(targets == 0)
    tree = shapely.STRtree(geometries[other])
    first, second = tree.query(geometries[cropland], predicate="intersects")
    first, second = cropland[first], other[second]
    shared = shapely.area(shapely.intersection(geometries[first], geometries[second]))
    large = shared > SHARE * np.minimum(shapely.area(geometries[first]), shapely.area(geometries[second]))
    return sorted(zip(first[large].tolist(), second[large].tolist(), strict=True))


def check_contradictions(
    geometries: np.ndarray, targets: np.ndarray, rows: np.ndarray, where: str, findings: Findings
) -> None:
    """Note labels of both classes over the same ground; `rows` (n,) are what messages call the labels by."""
    if pairs := find_contradictions(geometries, targets):
        what = f"{len(pairs)} pairs of a cropland and another label lie over the same ground"
        names = [f"rows {rows[first] + 1} and {rows[second] + 1}" for first, second in pairs]
        findings.warn(where, what, "one of each is wrong: a pixel that both claim doesn't train", *names)
