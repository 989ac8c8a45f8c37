"""Verdicts on inputs, as check_region writes them."""

from typing import Any

from cropmine.inputs.checks.verdicts import Verdict, write_verdict
from cropmine.inputs.neighbours import Location


def make_verdict(**changes: Any) -> Verdict:
    """A verdict on two tiles of 100 × 70 and 90 × 70 px, of which one holds labels."""
    locations = {tile: Location("EPSG:32637", 4e5, 1e6, 10, 10, width, 70) for tile, width in (("a", 100), ("b", 90))}
    made = {
        "tiles": {tile: {"images": [f"{tile}.tif"], "masks": []} for tile in locations},
        "warnings": [],
        "dtype": "uint16",
        "channels": 4,
        "labels": {"train": {"cropland": 3, "noncropland": 2}},
        "labelled": ["b"],
        "resolution_m": 10.0,
        "locations": locations,
    }
    return Verdict(**made | changes)


def write_made(path, **changes: Any) -> None:
    """Write such a verdict."""
    write_verdict(path, make_verdict(**changes))
