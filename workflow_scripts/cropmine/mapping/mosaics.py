"""Mosaics of the map: its tiles joined in one virtual raster a CRS."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from cropmine.classes import NODATA
from cropmine.geo.mosaics import MosaicBand, write_mosaics
from cropmine.mapping.bands import BANDS, CLASS_BAND, SCALES, list_colours


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
