"""The bands of a map: their order, meaning, scales and colours."""

from collections.abc import Mapping

from cropmine.classes import CLASS_LEGEND, CLASS_WORDS, CROPLAND, NODATA, NONCROPLAND, STEPS
from cropmine.mapping.colours import CROPLAND_COLOUR, NONCROPLAND_COLOUR

BANDS = (f"probability of cropland x {STEPS}", f"class: {CLASS_LEGEND}", f"disagreement of runs x {STEPS}")
PROBABILITY_BAND, CLASS_BAND, DISAGREEMENT_BAND = 1, 2, 3
SCALES = (1 / STEPS, 1.0, 1 / STEPS)
LEGEND = {
    NONCROPLAND: (NONCROPLAND_COLOUR, CLASS_WORDS["noncropland"]),
    CROPLAND: (CROPLAND_COLOUR, CLASS_WORDS["cropland"]),
}


def list_colours(legend: Mapping[int, tuple[str, str]] = LEGEND) -> list[tuple[int, int, int, int]]:
    """List the colours (red, green, blue, alpha) of the 256 values of a raster by its legend {value: (colour, words)}.

    What isn't in the legend has no colour: all 0.
    """
    known = {value: (*bytes.fromhex(colour[1:]), 255) for value, (colour, _) in legend.items()}
    return [known.get(value, (0, 0, 0, 0)) for value in range(NODATA + 1)]
