"""Segmentation by a watershed of the imagery's gradient."""

from collections.abc import Sequence

import numpy as np
from skimage.segmentation import watershed

from cropmine.config.segmentations import Watershed
from cropmine.features.indices import add_features
from cropmine.geo.grids import pixel_size_m
from cropmine.mining.segmentation import Tile
from cropmine.mining.superpixels import measure_spread


def divide_tile(tile: Tile, segmentation: Watershed) -> np.ndarray:
    """Divide a tile into basins, int32 (h, w), that grow from the flattest pixel of each cell of a regular grid."""
    pixels, valid = tile.read_rows(0, tile.grid.height)
    pixels = add_features(pixels, valid, tile.bands, segmentation.features)
    if not valid.any():
        return np.zeros(valid.shape, np.int32)
    gradient = _measure_gradient(pixels, valid)
    steps = [max(segmentation.segment_m2**0.5 / size, 1) for size in reversed(pixel_size_m(tile.grid))]
    parts = watershed(gradient, _place_markers(gradient, valid, steps), mask=valid)
    parts[valid & (parts == 0)] = parts.max() + 1  # islands without a marker, which touch no basin
    return parts


def _measure_gradient(pixels: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Norm over the channels and both axes of central differences, in standard deviations; float32 (h, w).

    A difference to an invalid pixel is left out.
    """
    squares = np.zeros(valid.shape, np.float32)
    for band in pixels:
        _, deviation = measure_spread(band, valid)
        if not deviation:
            continue
        values = np.where(valid, band, 0).astype(np.float32)
        for part, sight, out in ((values, valid, squares), (values.T, valid.T, squares.T)):
            both = sight[1:] & sight[:-1]
            step = np.diff(part, axis=0) * both
            slope, count = np.zeros(part.shape, np.float32), np.zeros(part.shape, np.uint8)
            for side in (slice(1, None), slice(None, -1)):
                slope[side] += step
                count[side] += both
            slope /= np.maximum(count, 1) * np.float32(deviation)
            slope *= slope
            out += slope
    return np.sqrt(squares)


def _place_markers(gradient: np.ndarray, valid: np.ndarray, steps: Sequence[float]) -> np.ndarray:
    """Mark the valid pixel of the least gradient, the first of equals, in each cell of a grid; int32, 0 for none.

    `steps` are the height and width of a cell in pixels, at least 1.
    """
    cost = np.where(valid, gradient, np.inf)
    starts = [np.arange(0, size, step).astype(np.intp) for size, step in zip(valid.shape, steps, strict=True)]
    least = np.minimum.reduceat(np.minimum.reduceat(cost, starts[0], axis=0), starts[1], axis=1)
    rows, columns = (
        np.searchsorted(start, np.arange(size), side="right") - 1
        for start, size in zip(starts, valid.shape, strict=True)
    )
    places = np.flatnonzero(valid & (cost == least[np.ix_(rows, columns)]))
    down, right = np.divmod(places, valid.shape[1])
    _, firsts = np.unique(rows[down] * len(starts[1]) + columns[right], return_index=True)
    markers = np.zeros(valid.shape, np.int32)
    markers.reshape(-1)[places[firsts]] = np.arange(1, len(firsts) + 1)
    return markers
