"""Tags that every file of a map carries, and the names of its files."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from cropmine.version import VERSION


def stamp_tags(stamp: Mapping, inputs: Sequence[str | Path]) -> dict[str, str]:
    """Give the tags that every file of a map carries: version, digest, inputs, and what it shows.

    stamp: as stamps.describe_map gives it, with the threshold; inputs: the files that it was made from.
    """
    told = {key: str(stamp[key]) for key in ("region", "experiment", "definition", "threshold", "config_digest")}
    return told | {
        "map_version": stamp["version"],
        "year": "" if stamp["year"] is None else str(stamp["year"]),
        "software": f"cropmine {VERSION}",
        "inputs": json.dumps([str(path) for path in inputs], ensure_ascii=False),
    }


def name_product(stamp: Mapping, *parts: str) -> str:
    """Name a file of a map by its region, year, run and parts, without a suffix."""
    year = "undated" if stamp["year"] is None else str(stamp["year"])
    return "_".join([stamp["region"], *parts[:1], year, stamp["run"], *parts[1:]])
