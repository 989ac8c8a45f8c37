"""Ways to cut a tile into segments: K-means clusters, SLIC superpixels, watershed basins.

A tile is first divided into parts (clusters or superpixels), then the connected pixels of a part become segments.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from cropmine.grids import Grid, pixel_areas, pixel_size_m
from cropmine.learning_settings import Segmentation
from cropmine.segments import Codebook, assign_clusters, fit_codebook, label_segments, seed_tile
from cropmine.spectral import TEXTURE_PX, add_features

CHUNK_ROWS = 256
STRIP_ROWS = 256

ReadRows = Callable[[int, int], tuple[np.ndarray, np.ndarray]]


def divide_tile(
    pixels: np.ndarray,
    valid: np.ndarray,
    grid: Grid,
    segmentation: Segmentation,
    tile: str,
    bands: Sequence[str],
    codebook: Codebook | None = None,
) -> np.ndarray:
    """Divide a tile into parts by the method kmeans, slic or watershed.

    pixels (channels, h, w) are those of `bands`, date after date, valid is bool (h, w); the values where it is false
    change nothing. `tile` names the tile, for the draw that K-means is fitted to; a codebook, if there is one, is used
    instead. Gives 0 where invalid, else clusters from 1 as uint8 (h, w) (kmeans), or the numbers of superpixels from 1
    as int32 (h, w) (slic, watershed). Raises CropmineError if a feature needs a band that isn't there.
    """
    if segmentation.method == "kmeans":

        def read_rows(top, bottom):
            return pixels[:, top:bottom], valid[top:bottom]

        return cluster_tile(read_rows, valid.shape, segmentation, tile, bands, codebook)
    pixels = add_features(pixels, valid, bands, segmentation.features)
    if not valid.any():
        return np.zeros(valid.shape, np.uint8)
    if segmentation.method == "slic":
        return _grow_superpixels(pixels, valid, grid, segmentation)
    return _flood_basins(pixels, valid, grid, segmentation.segment_m2)


def cluster_tile(
    read_rows: ReadRows,
    shape: tuple[int, int],
    segmentation: Segmentation,
    tile: str,
    bands: Sequence[str],
    codebook: Codebook | None = None,
    threads: int = 1,
) -> np.ndarray:
    """Cluster the pixels of a tile of shape (h, w) by K-means, strip after strip.

    read_rows(top, bottom) gives the pixels (channels, rows, w) and validity bool (rows, w) of some rows, thrice without
    a codebook. Gives uint8 (h, w) as divide_tile does, whose other arguments are these; neither the strips nor the
    `threads` change a pixel.
    """
    if codebook is None:
        rng = seed_tile(segmentation.seed, tile)
        samples = sample_tile(read_rows, shape, bands, segmentation, rng)[0]
        if not len(samples):
            return np.zeros(shape, np.uint8)
        codebook = fit_codebook(samples, segmentation.clusters, segmentation.seed)
    clusters = np.empty(shape, np.uint8)
    for rows, pixels, valid in _read_features(read_rows, shape[0], bands, segmentation.features):
        clusters[rows] = assign_clusters(pixels, valid, codebook, threads)
    return smooth_clusters(clusters, segmentation.smooth_px)


def sample_tile(
    read_rows: ReadRows,
    shape: tuple[int, int],
    bands: Sequence[str],
    segmentation: Segmentation,
    rng: np.random.Generator,
) -> tuple[np.ndarray, int]:
    """Draw valid pixels of a tile without replacement, `segmentation.sample_px` of them or fewer if fewer are valid.

    read_rows is that of cluster_tile. Gives the pixels with their features, float32 (n, C) in raster order, and the
    number of valid pixels.
    """
    strips = range(0, shape[0], STRIP_ROWS)
    counts = [np.count_nonzero(read_rows(top, min(top + STRIP_ROWS, shape[0]))[1]) for top in strips]
    ends = np.cumsum(counts)
    total = int(ends[-1])
    drawn = np.sort(rng.choice(total, min(segmentation.sample_px, total), replace=False, shuffle=False))
    samples, wanted = [], np.split(drawn, np.searchsorted(drawn, ends))
    for number, (_, pixels, valid) in enumerate(_read_features(read_rows, shape[0], bands, segmentation.features)):
        places = np.flatnonzero(valid)[wanted[number] - ends[number] + counts[number]]
        samples.append(pixels.reshape(len(pixels), -1)[:, places].T.astype(np.float32))
    return np.concatenate(samples), total


def _read_features(
    read_rows: ReadRows, height: int, bands: Sequence[str], names: Sequence[str]
) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Rows, their pixels with features, and their validity, strip after strip; texture looks beyond a strip's edges."""
    margin = TEXTURE_PX // 2 if "texture" in names else 0
    for top in range(0, height, STRIP_ROWS):
        bottom = min(top + STRIP_ROWS, height)
        first = max(top - margin, 0)
        pixels, valid = read_rows(first, min(bottom + margin, height))
        own = slice(top - first, bottom - first)
        yield slice(top, bottom), add_features(pixels, valid, bands, names)[:, own], valid[own]


def number_segments(parts: np.ndarray, grid: Grid, segmentation: Segmentation) -> tuple[np.ndarray, np.ndarray]:
    """Number the 4-connected pixels of a part, without those under the minimum or over the maximum area.

    parts (h, w) are as divide_tile gives them. Gives ids uint32 (h, w), 0 for none, and the cluster of each id, uint8
    (n + 1,). Clusters are numbered as label_segments does; segments of superpixels are 1 to n by first pixel, and all
    are of cluster 1.
    """
    least, most = segmentation.min_area_m2, segmentation.max_area_m2
    if segmentation.method in ("kmeans", "deep"):
        return label_segments(parts, lambda top, bottom: pixel_areas(grid, (top, bottom)), least, most)
    return _number_superpixels(parts, pixel_areas(grid), least, most)


def smooth_clusters(clusters: np.ndarray, size: int) -> np.ndarray:
    """Give each pixel the commonest cluster among the valid pixels of a window around it.

    clusters uint8 (h, w), 0 where invalid, which it stays; `size` is the window's odd side in pixels, 1 for no change,
    at most 31. Of equally common clusters the pixel's own wins, then the lowest.
    """
    if size == 1:
        return clusters
    margin, height = size // 2, len(clusters)
    padded, out = np.pad(clusters, margin), np.empty_like(clusters)
    dtype = np.uint8 if 2 * size**2 < 255 else np.uint16
    for top in range(0, height, CHUNK_ROWS):
        window = padded[top : top + CHUNK_ROWS + 2 * margin]
        own = clusters[top : top + CHUNK_ROWS]
        best, most = np.zeros_like(own), np.zeros(own.shape, dtype)
        for cluster in np.unique(window[window > 0]):
            votes = _sum_windows((window == cluster).astype(dtype), size)
            votes += votes
            votes += own == cluster
            best[votes > most] = cluster
            np.maximum(most, votes, out=most)
        out[top : top + CHUNK_ROWS] = np.where(own > 0, best, 0)
    return out


def _sum_windows(values: np.ndarray, size: int) -> np.ndarray:
    """Sums over all square windows that lie in the array, in its dtype."""
    return _sum_runs(_sum_runs(values, size).T, size).T


def _sum_runs(values: np.ndarray, size: int) -> np.ndarray:
    """Sums of `size` rows that follow each other, by runs of 1, 2, 4, ... rows."""
    count, total, run, length, covered = len(values) - size + 1, 0, values, 1, 0
    while covered < size:
        if size & length:
            total = total + run[covered : covered + count]
            covered += length
        length *= 2
        if length <= size:
            run = run[: -length // 2] + run[length // 2 :]
    return total


def _measure_spread(band: np.ndarray, valid: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of a channel's valid pixels; a constant channel has the deviation 0."""
    values = band[valid].astype(np.float64)
    return values.mean(), values.std() if values.min() < values.max() else 0.0


def _grow_superpixels(pixels: np.ndarray, valid: np.ndarray, grid: Grid, segmentation: Segmentation) -> np.ndarray:
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


def _flood_basins(pixels: np.ndarray, valid: np.ndarray, grid: Grid, segment_m2: float) -> np.ndarray:
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


def _number_superpixels(
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
