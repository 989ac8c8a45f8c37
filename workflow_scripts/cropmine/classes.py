"""Classes and codes of pixels: the values that every raster and table of cropmine holds, and the words for them."""

import math

import numpy as np

NONCROPLAND, CROPLAND, IGNORE = 0, 1, 255  # target values
CLASS_NAMES = ("noncropland", "cropland")  # index = class value
CLASS_VALUES = {name: value for value, name in enumerate(CLASS_NAMES)}
CLASS_WORDS = {"cropland": "cropland", "noncropland": "non-cropland"}
CLASS_LEGEND = ", ".join(f"{value} {CLASS_WORDS[name]}" for name, value in CLASS_VALUES.items())
HUMAN, MINED, WEAK, RANDOM = 1, 2, 3, 4  # where a target value comes from
STEPS = 200  # probability codes are 0 to 200 for 0 to 1 in steps of 0.005
NODATA = 255


def encode_probability(probability: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Encode probabilities, float or 0/1, as uint8 codes of the same shape; 255 where not valid."""
    codes = np.rint(np.where(valid, probability, 0) * np.float32(STEPS)).astype(np.uint8)
    return np.where(valid, codes, np.uint8(NODATA))


def threshold_code(threshold: float) -> int:
    """The code above which (strictly) a pixel is cropland at a threshold between 0 and 1."""
    return math.floor(threshold * STEPS + 1e-6)
