"""Files of several tiles, as a job gets them in one flat list, taken apart by tile."""

from collections.abc import Sequence

from cropmine.imagery import TileSource, source_from_settings


def group_sources(images: Sequence[str], masks: Sequence[str], settings: dict) -> dict[str, TileSource]:
    """Build the sources of tiles from flat lists of their files, tile after tile and date after date in each.

    settings: `tiles` (names, in order), `dates` (how many) and what source_from_settings reads. `masks` may be empty.
    """
    dates = settings["dates"]
    starts = range(0, len(images), dates)
    return {
        tile: source_from_settings(list(images[first : first + dates]), list(masks[first : first + dates]), settings)
        for tile, first in zip(settings["tiles"], starts, strict=True)
    }


def group_parts(images: Sequence[str], masks: Sequence[str], parts: Sequence[dict]) -> list[dict[str, TileSource]]:
    """Build the sources of the tiles of several regions, one dict a part, as group_sources does for one.

    parts: settings as for group_sources, with `masked`, whether the part's tiles have mask files.
    """
    grouped, images, masks = [], list(images), list(masks)
    for part in parts:
        files = len(part["tiles"]) * part["dates"]
        covered = files if part["masked"] else 0
        grouped.append(group_sources(images[:files], masks[:covered], part))
        del images[:files], masks[:covered]
    return grouped
