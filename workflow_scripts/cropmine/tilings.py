"""The check of how a region's tiles lie beside each other: aligned, overlapping, and with gaps between them."""

from collections.abc import Mapping

import numpy as np
import shapely

from cropmine.findings import Findings
from cropmine.grids import Grid

ALIGNED_PX = 0.01
OVERLAP_SHARE = 1e-3  # of a tile: less is a seam
GAP_SHARE = 0.5  # of a tile: a hole this large is one that a tile is missing in


def check_tiling(grids: Mapping[str, Grid], where: str, findings: Findings) -> None:
    """Note tiles of one CRS that are off the others' pixel grid, that overlap, and holes between them.

    grids: by tile. All are warnings: an overlap is counted twice in areas, a hole isn't mapped, pixels off the grid are
    resampled by whoever joins the map.
    """
    by_crs: dict[str, list[str]] = {}
    for tile, grid in grids.items():
        by_crs.setdefault(grid.crs.to_wkt(), []).append(tile)
    for tiles in by_crs.values():
        here = [grids[tile] for tile in tiles]
        off = [tile for tile, apart in zip(tiles, _measure_offsets(here), strict=True) if apart > ALIGNED_PX]
        if off:
            what = f"{len(off)} of {len(tiles)} tiles are off the pixel grid of {tiles[0]}"
            findings.warn(where, what, "warp them to one grid (gdalwarp -tap -tr …) if the map is to be joined", *off)
        boxes = shapely.box(*np.array([grid.bounds for grid in here]).T)
        if pairs := _find_overlaps(tiles, boxes):
            hint = "what lies in both is counted twice; cut the tiles so that they only touch"
            findings.warn(where, f"{len(pairs)} pairs of tiles overlap", hint, *pairs)
        if holes := _count_holes(boxes):
            what = f"{holes} holes lie between the tiles"
            findings.warn(where, what, "is a tile missing? Nothing is mapped there")


def _measure_offsets(grids: list[Grid]) -> np.ndarray:
    """How far the corners of grids of equal pixels are from the pixel grid of the first, in pixels; 0 of others."""
    first = grids[0].transform
    apart = np.zeros(len(grids))
    for place, grid in enumerate(grids):
        own = grid.transform
        if np.allclose((own.a, own.e), (first.a, first.e), rtol=1e-9):
            steps = np.array([(own.c - first.c) / first.a, (own.f - first.f) / first.e])
            apart[place] = np.abs(steps - steps.round()).max()
    return apart


def _find_overlaps(tiles: list[str], boxes: np.ndarray) -> list[str]:
    """Pairs of tiles that share more than a seam."""
    first, second = shapely.STRtree(boxes).query(boxes, predicate="intersects")
    first, second = first[first < second], second[first < second]
    shared = shapely.area(shapely.intersection(boxes[first], boxes[second]))
    large = shared > OVERLAP_SHARE * np.minimum(shapely.area(boxes[first]), shapely.area(boxes[second]))
    return [f"{tiles[a]} and {tiles[b]}" for a, b in zip(first[large], second[large], strict=True)]


def _count_holes(boxes: np.ndarray) -> int:
    """Holes, as large as half a tile or more, that tiles enclose."""
    side = np.sqrt(np.median(shapely.area(boxes)))
    joined = shapely.union_all(shapely.buffer(boxes, 1e-6 * side, join_style="mitre"))
    rings = shapely.get_rings(shapely.get_parts(joined))
    holes = shapely.polygons(rings[~shapely.is_ccw(rings)]) if len(rings) else np.empty(0)
    shells = shapely.get_num_geometries(joined)
    return int((shapely.area(holes) > GAP_SHARE * side**2).sum()) if len(rings) > shells else 0
