"""The delivered map: bands of a tile, the mosaic of all tiles, and areas."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from cropmine.classes import CROPLAND, NODATA, NONCROPLAND, STEPS
from cropmine.geo.mosaics import MosaicBand, write_mosaics
from cropmine.mapping.colours import CROPLAND_COLOUR, NONCROPLAND_COLOUR

BANDS = ("probability of cropland x 200", "class: 0 non-cropland, 1 cropland", "disagreement of runs x 200")
PROBABILITY_BAND, CLASS_BAND, DISAGREEMENT_BAND = 1, 2, 3
SCALES = (1 / STEPS, 1.0, 1 / STEPS)
LEGEND = {NONCROPLAND: (NONCROPLAND_COLOUR, "non-cropland"), CROPLAND: (CROPLAND_COLOUR, "cropland")}


def build_mosaics(path: str | Path, maps: Sequence[str | Path], tags: Mapping[str, str] | None = None) -> list[Path]:
    """Join map tiles in one VRT a CRS, as write_mosaics does, with colour table, scales and offsets; gives the VRTs."""
    bands = [
        MosaicBand(
            number, description, "uint8", NODATA, SCALES[number - 1], list_colours() if number == CLASS_BAND else None
        )
        for number, description in enumerate(BANDS, start=1)
    ]
    return write_mosaics(path, maps, bands, tags)


def list_mosaics(path: str | Path) -> list[Path]:
    """List the mosaics that build_mosaics made, from the path of the first."""
    path = Path(path)
    return [path, *sorted(path.parent.glob(f"{path.stem}_*.vrt"))]


def list_colours(legend: Mapping[int, tuple[str, str]] = LEGEND) -> list[tuple[int, int, int, int]]:
    """List the colours (red, green, blue, alpha) of the 256 values of a raster by its legend {value: (colour, words)}.

    What isn't in the legend has no colour: all 0.
    """
    known = {value: (*bytes.fromhex(colour[1:]), 255) for value, (colour, _) in legend.items()}
    return [known.get(value, (0, 0, 0, 0)) for value in range(NODATA + 1)]
