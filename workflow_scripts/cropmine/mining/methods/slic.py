"""Segmentation by SLIC superpixels (Achanta et al. 2012)."""

import numpy as np
from skimage.segmentation import slic

from cropmine.config.segmentations import Slic
from cropmine.features.indices import add_features
from cropmine.geo.areas import pixel_areas
from cropmine.mining.segmentation import Tile
from cropmine.mining.superpixels import measure_spread


def divide_tile(tile: Tile, segmentation: Slic) -> np.ndarray:
    """Divide a tile into superpixels, int32 (h, w): SLIC over its whole rectangle, cut out by the mask.

    Not skimage's masked mode: its seeds need all distances between them, 40 GB for a tile of 70,000 segments.
    Compactness is the distance in colour, root mean square over the channels in standard deviations, that counts as
    much as the spacing of the seeds.
    """
    pixels, valid = tile.read_rows(0, tile.grid.height)
    pixels = add_features(pixels, valid, tile.bands, segmentation.features)
    if not valid.any():
        return np.zeros(valid.shape, np.int32)
    image = np.zeros((*valid.shape, len(pixels)), np.float32)
    for channel, band in enumerate(pixels):
        mean, deviation = measure_spread(band, valid)
        if deviation:
            image[valid, channel] = (band[valid] - mean) / deviation
    area = np.broadcast_to(pixel_areas(tile.grid), valid.shape).sum(dtype=np.float64)
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
