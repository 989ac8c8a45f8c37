"""The verdict on a region's inputs: what the check found out, as all later steps read it from checks.json.

It is light, since the Snakefile reads it.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cropmine.errors import REMAKE, CropmineError
from cropmine.files import write_text
from cropmine.inputs.neighbours import Location
from cropmine.planning.digests import write_canonical


@dataclass(frozen=True)
class Verdict:
    """What the check of a region's inputs found out.

    tiles: the images and masks of each, a date each; warnings: text; dtype: of the imagery; channels: bands × dates;
    labels: how many there are by split and class; labelled: the tiles that labels are on; resolution_m: the median
    ground size of a pixel, metres; locations: of tiles; suspicious: tiles that look odd, each with its seams by date,
    as fields of a seams.Line; usual: a tile that looks like most, None where no tile is suspicious.
    """

    tiles: dict[str, dict[str, list[str]]]
    warnings: list[str]
    dtype: str | None
    channels: int
    labels: dict[str, Any]
    labelled: list[str]
    resolution_m: float | None
    locations: dict[str, Location]
    suspicious: dict[str, dict[str, Any]] = field(default_factory=dict)
    usual: str | None = None

    @property
    def largest_px(self) -> int:
        """The pixels of the largest tile."""
        return max(location.width * location.height for location in self.locations.values())


def write_verdict(path: str | Path, verdict: Verdict) -> None:
    """Write a verdict as canonical JSON, the same bytes for the same verdict."""
    write_text(path, write_canonical(asdict(verdict)) + "\n")


def read_verdict(path: str | Path) -> Verdict:
    """Read a verdict. Raises CropmineError if the file doesn't hold one of this version."""
    content: Mapping[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    if content.keys() != Verdict.__dataclass_fields__.keys():
        raise CropmineError(path, "holds no verdict of this version", REMAKE)
    locations = {tile: Location(**location) for tile, location in content["locations"].items()}
    return Verdict(**{**content, "locations": locations})
