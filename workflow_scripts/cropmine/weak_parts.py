"""The check of a weak map that is a VRT of overlapping parts: does one without data hide another that has some?"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import rasterio
import shapely

from cropmine.access import place_sources
from cropmine.findings import Findings
from cropmine.grids import Grid, grid_of, open_raster
from cropmine.region_settings import WeakMap

SAMPLED_PAIRS = 32
SAMPLED_PX = 64
HIDDEN_SHARE = 0.01


def check_parts(weak: WeakMap, bounds: np.ndarray, where: str, findings: Findings) -> None:
    """Note where parts of a VRT overlap and the map has no data, though one of them has some.

    bounds (n, 4): of the tiles that the map covers, in its CRS. A coarse read of up to 32 overlaps, evenly chosen, is
    looked at. A raster that is no VRT has no parts.
    """
    with open_raster(weak.path) as whole:
        if whole.driver != "VRT":
            return
        pairs = _find_overlaps(place_sources(weak.path, weak.band), grid_of(whole), bounds)
        chosen = np.unique(np.linspace(0, len(pairs) - 1, min(len(pairs), SAMPLED_PAIRS)).round().astype(int))
        hiding = [pairs[place][:2] for place in chosen if _hides(whole, weak, *pairs[place])]
    if hiding:
        names = [f"{Path(first).name} and {Path(second).name}" for first, second in hiding]
        what = f"in {len(hiding)} of {len(chosen)} overlaps of its parts one has data that the map lacks"
        hint = "the part on top hides the other: build the VRT with its value without data (gdalbuildvrt -srcnodata …)"
        findings.warn(where, what, hint, *names)


def _find_overlaps(places: Mapping, grid: Grid, bounds: np.ndarray) -> list[tuple[str, str, shapely.Polygon]]:
    """Pairs of parts, and what they share in the CRS of the map, where that meets a tile."""
    left, top, right, bottom = np.array(list(places.values())).reshape(-1, 4).T
    (west, east), (north, south) = grid.transform @ (np.stack([left, right]), np.stack([top, bottom]))
    boxes, files = shapely.box(west, south, east, north), list(places)
    first, second = shapely.STRtree(boxes).query(boxes, predicate="intersects")
    shared = shapely.intersection(boxes[first], boxes[second])
    met = np.zeros(len(shared), bool)
    met[shapely.STRtree(shared).query(shapely.box(*bounds.T), predicate="intersects")[1]] = True
    met &= (first < second) & (shapely.area(shared) > 0)
    return [(files[a], files[b], box) for a, b, box in zip(first[met], second[met], shared[met], strict=True)]


def _hides(whole: rasterio.DatasetReader, weak: WeakMap, first: str, second: str, box: shapely.Polygon) -> bool:
    missing = ~_find_valid(whole, weak, box, None)
    if not missing.any():
        return False
    known = np.zeros(missing.shape, bool)
    for part in (first, second):
        with open_raster(part) as dataset:
            known |= _find_valid(dataset, weak, box, missing.shape)
    return bool((missing & known).mean() > HIDDEN_SHARE)


def _find_valid(
    dataset: rasterio.DatasetReader, weak: WeakMap, box: shapely.Polygon, shape: tuple[int, int] | None
) -> np.ndarray:
    """Where a raster has data within a box, read coarsely, of a shape or at most 64 × 64 px."""
    grid = grid_of(dataset)
    west, south, east, north = box.bounds
    (left, right), (top, bottom) = ~grid.transform @ (np.array([west, east]), np.array([north, south]))
    window = rasterio.windows.Window(left, top, right - left, bottom - top).round_offsets().round_lengths()
    shape = shape or tuple(max(min(int(side), SAMPLED_PX), 1) for side in (window.height, window.width))
    band = min(weak.band, dataset.count)
    values = dataset.read(band, window=window, out_shape=shape)
    nodata = dataset.nodatavals[band - 1] if weak.nodata is None else weak.nodata
    valid = np.isfinite(values)
    return valid if nodata is None else valid & (values != nodata)
