"""Features added to the bands: spectral indices and texture, for clusters and superpixels."""

from collections.abc import Sequence

import numpy as np

from cropmine.errors import CropmineError

BANDS_OF = {
    "ndvi": ("red", "nir"),
    "ndwi": ("green", "nir"),
    "evi": ("blue", "red", "nir"),
    "savi": ("red", "nir"),
    "texture": (),
}
REFLECTANCE_ONE = {"uint8": 255, "uint16": 10_000, "int16": 10_000}  # the value that stands for 1; floats: 1
TEXTURE_PX = 5
CHUNK_ROWS = 64


def add_features(pixels: np.ndarray, valid: np.ndarray, bands: Sequence[str], names: Sequence[str]) -> np.ndarray:
    """Put features after the channels of a tile.

    pixels (dates · bands, h, w) are those of `bands`, date after date, valid is bool (h, w). Gives float32
    (dates · bands + dates · names, h, w): the channels, then the features of the first date in the order of `names`,
    those of the second, and so on; all 0 where invalid. Without names the pixels themselves are given back.

    ndvi (N - R) / (N + R); ndwi (G - N) / (G + N), McFeeters 1996; savi 1.5 (N - R) / (N + R + 0.5), Huete 1988; evi
    2.5 (N - R) / (N + 6 R - 7.5 B + 1), Huete et al. 2002; each cut off at -1 and 1, and 0 where the divisor is 0.
    Reflectance is taken as value / 10,000 in 16-bit files, value / 255 in uint8, the value itself in floats. texture:
    standard deviation of the mean over the bands among the valid pixels of 5 × 5, in the imagery's units. Raises
    CropmineError if a band that an index needs isn't among `bands`.
    """
    if not names:
        return pixels
    places = _find_bands(bands, names)
    channels, dates = len(pixels), len(pixels) // len(bands)
    out = np.empty((channels + dates * len(names), *valid.shape), np.float32)
    out[:channels] = pixels
    np.copyto(out[:channels], 0, where=~valid)
    one = np.float32(REFLECTANCE_ONE.get(pixels.dtype.name, 1))
    for number in range(dates * len(names)):
        date, name = number // len(names), names[number % len(names)]
        image = out[date * len(bands) : (date + 1) * len(bands)]
        feature = out[channels + number]
        if name == "texture":
            _fill_texture(feature, image.mean(axis=0), valid)
        else:
            for top in range(0, len(valid), CHUNK_ROWS):
                rows = slice(top, top + CHUNK_ROWS)
                feature[rows] = _compute_index(name, *(image[places[band], rows] / one for band in BANDS_OF[name]))
    return out


def _find_bands(bands: Sequence[str], names: Sequence[str]) -> dict[str, int]:
    """The places of the bands by lower-case name."""
    places = {band.lower(): place for place, band in enumerate(bands)}
    for name in names:
        missing = [band for band in BANDS_OF[name] if band not in places]
        if missing:
            what = f"{name} needs the bands {', '.join(BANDS_OF[name])}; {', '.join(bands)} lack {', '.join(missing)}"
            hint = f"if the imagery has it under another name, call it {missing[0]} in the region's `bands`"
            raise CropmineError("segmentations.features", what, hint)
    return places


def _compute_index(name: str, *reflectances: np.ndarray) -> np.ndarray:
    """An index of reflectances in the order of BANDS_OF."""
    *others, nir = reflectances
    if name == "ndwi":
        (green,) = others
        over, under = green - nir, green + nir
    else:
        *blue, red = others
        over = nir - red
        if name == "ndvi":
            under = nir + red
        elif name == "savi":
            over, under = 1.5 * over, nir + red + 0.5
        else:
            over, under = 2.5 * over, nir + 6 * red - 7.5 * blue[0] + 1
    index = np.divide(over, under, out=np.zeros_like(over), where=under != 0)
    return np.clip(index, -1, 1, out=index)


def _fill_texture(out: np.ndarray, brightness: np.ndarray, valid: np.ndarray) -> None:
    """Fill float32 (h, w) with local standard deviations.

    Differences from the middle pixel, not values, are summed: so a flat neighbourhood has exactly 0.
    """
    margin = TEXTURE_PX // 2
    brightness, inside = np.pad(brightness, margin), np.pad(valid, margin)
    width = valid.shape[1]
    for top in range(0, len(valid), CHUNK_ROWS):
        height = min(CHUNK_ROWS, len(valid) - top)
        here = slice(top, top + height)
        middle = brightness[top + margin : top + margin + height, margin : margin + width]
        count, total, squares = np.zeros((3, height, width), np.float32)
        for down in range(TEXTURE_PX):
            for right in range(TEXTURE_PX):
                near = (slice(top + down, top + down + height), slice(right, right + width))
                difference = (brightness[near] - middle) * inside[near]
                count += inside[near]
                total += difference
                squares += difference * difference
        np.maximum(count, 1, out=count)
        variance = squares / count - (total / count) ** 2
        out[here] = np.sqrt(np.maximum(variance, 0)) * valid[here]
