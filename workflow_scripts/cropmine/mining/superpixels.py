"""What superpixels share: the spread of a channel, and the numbering of segments."""

import numpy as np

CHUNK_ROWS = 256


def measure_spread(band: np.ndarray, valid: np.ndarray) -> tuple[float, float]:
    """Measure the mean and the standard deviation of a channel's valid pixels, in its units; 0 of a constant channel.

    band (h, w) of any number type, valid bool (h, w) with one true pixel at least.
    """
    values = band[valid].astype(np.float64)
    return values.mean(), values.std() if values.min() < values.max() else 0.0


def number_superpixels(
    parts: np.ndarray, areas: np.ndarray, min_area_m2: float, max_area_m2: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Number the 4-connected pixels of each superpixel by first pixel, without those that are too small or too large.

    parts int32 (h, w), 0 for none; areas are pixel areas in m², broadcastable to (h, w). Gives ids uint32 (h, w), 0 for
    none, and the cluster of each id, uint8 (n + 1,), which is 1.
    """
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
