"""Tags that every file of a map carries, and the names of its files."""

import json
from collections.abc import Sequence
from pathlib import Path

from cropmine.planning.map_stamps import MapStamp
from cropmine.version import VERSION


def stamp_tags(stamp: MapStamp, inputs: Sequence[str | Path]) -> dict[str, str]:
    """Give the tags that every file of a map carries: version, digest, inputs, and what it shows.

    inputs: the files that the map was made from.
    """
    return {
        "region": stamp.region,
        "experiment": stamp.experiment,
        "definition": str(stamp.definition),
        "threshold": str(stamp.threshold),
        "config_digest": stamp.config_digest,
        "map_version": stamp.version,
        "year": "" if stamp.year is None else str(stamp.year),
        "software": f"cropmine {VERSION}",
        "inputs": json.dumps([str(path) for path in inputs], ensure_ascii=False),
    }


def name_product(stamp: MapStamp, *parts: str) -> str:
    """Name a file of a map by its region, year, run and parts, without a suffix."""
    year = "undated" if stamp.year is None else str(stamp.year)
    return "_".join([stamp.region, *parts[:1], year, stamp.run, *parts[1:]])
