"""The bands of a map: their order, meaning, scales and colours."""

from collections.abc import Mapping

from cropmine.classes import CROPLAND, NODATA, NONCROPLAND, STEPS
from cropmine.mapping.colours import CROPLAND_COLOUR, NONCROPLAND_COLOUR

BANDS = ("probability of cropland x 200", "class: 0 non-cropland, 1 cropland", "disagreement of runs x 200")
PROBABILITY_BAND, CLASS_BAND, DISAGREEMENT_BAND = 1, 2, 3
SCALES = (1 / STEPS, 1.0, 1 / STEPS)
LEGEND = {NONCROPLAND: (NONCROPLAND_COLOUR, "non-cropland"), CROPLAND: (CROPLAND_COLOUR, "cropland")}


def list_colours(legend: Mapping[int, tuple[str, str]] = LEGEND) -> list[tuple[int, int, int, int]]:
    """List the colours (red, green, blue, alpha) of the 256 values of a raster by its legend {value: (colour, words)}.

    What isn't in the legend has no colour: all 0.
    """
    known = {value: (*bytes.fromhex(colour[1:]), 255) for value, (colour, _) in legend.items()}
    return [known.get(value, (0, 0, 0, 0)) for value in range(NODATA + 1)]
