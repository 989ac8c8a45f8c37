"""Superpixels: SLIC and watershed segmentations of a tile."""

from collections.abc import Sequence

import numpy as np

from cropmine.config.experiments import Segmentation
from cropmine.geo.areas import pixel_areas
from cropmine.geo.grids import Grid, pixel_size_m

CHUNK_ROWS = 256


def _measure_spread(band: np.ndarray, valid: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of a channel's valid pixels; a constant channel has the deviation 0."""
    values = band[valid].astype(np.float64)
    return values.mean(), values.std() if values.min() < values.max() else 0.0


def grow_superpixels(pixels: np.ndarray, valid: np.ndarray, grid: Grid, segmentation: Segmentation) -> np.ndarray:
    """SLIC (Achanta et al. 2012) over the tile's whole rectangle, cut out by the mask.

    Not skimage's masked mode: its seeds need all distances between them, 40 GB for a tile of 70,000 segments.
    Compactness is the distance in colour, root mean square over the channels in standard deviations, that counts as
    much as the spacing of the seeds.
    """
    from skimage.segmentation import slic

    image = np.zeros((*valid.shape, len(pixels)), np.float32)
    for channel, band in enumerate(pixels):
        mean, deviation = _measure_spread(band, valid)
        if deviation:
            image[valid, channel] = (band[valid] - mean) / deviation
    area = np.broadcast_to(pixel_areas(grid), valid.shape).sum(dtype=np.float64)
    wanted = min(max(round(area / segmentation.segment_m2), 1), valid.size)
    span = float(np.ptp(image)) or 1.0  # slic divides the image by it
    parts = slic(
        image,
        n_segments=wanted,
        compactness=segmentation.compactness * len(pixels) ** 0.5 / span,
        start_label=1,
        channel_axis=-1,
        convert2lab=False,
    )
    return np.where(valid, parts, 0).astype(np.int32)


def flood_basins(pixels: np.ndarray, valid: np.ndarray, grid: Grid, segment_m2: float) -> np.ndarray:
    """Watershed of the gradient, from the flattest pixel of each cell of a regular grid."""
    from skimage.segmentation import watershed

    gradient = _measure_gradient(pixels, valid)
    steps = [max(segment_m2**0.5 / size, 1) for size in reversed(pixel_size_m(grid))]
    parts = watershed(gradient, _place_markers(gradient, valid, steps), mask=valid)
    parts[valid & (parts == 0)] = parts.max() + 1  # islands without a marker, which touch no basin
    return parts


def _measure_gradient(pixels: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Norm over the channels and both axes of central differences, in standard deviations; float32 (h, w).

    A difference to an invalid pixel is left out.
    """
    squares = np.zeros(valid.shape, np.float32)
    for band in pixels:
        _, deviation = _measure_spread(band, valid)
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


def number_superpixels(
    parts: np.ndarray, areas: np.ndarray, min_area_m2: float, max_area_m2: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Ids by first pixel of the connected pixels of a part, and the cluster 1 of each."""
    import cc3d

    ids, n = cc3d.connected_components(parts, connectivity=4, out_dtype=np.uint32, return_N=True)
    areas, area = np.broadcast_to(areas, ids.shape), np.zeros(n + 1)
    for top in range(0, len(ids), CHUNK_ROWS):
        rows = slice(top, top + CHUNK_ROWS)
        area += np.bincount(ids[rows].reshape(-1), weights=areas[rows].reshape(-1), minlength=n + 1)
    kept = area >= min_area_m2
    if max_area_m2 is not None:
        kept &= area <= max_area_m2
    kept[0] = False
    renumbered = np.cumsum(kept, dtype=np.uint32) * kept
    return renumbered[ids], np.minimum(np.arange(renumbered.max() + 1), 1).astype(np.uint8)
