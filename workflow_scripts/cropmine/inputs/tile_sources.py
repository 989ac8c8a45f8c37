"""Sources of tiles: the files of each tile, by date, and what makes their pixels invalid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cropmine.errors import CropmineError


@dataclass(frozen=True)
class TileSource:
    """The files of a tile: one image a date, each with `bands` bands, and one mask file a date or none.

    `bad` are the values of band `mask_band` of the mask files that make a pixel invalid. `rescale` are a gain and an
    offset a channel, by which pixels are read in the statistics of other imagery; none of most sources.
    """

    images: tuple[str, ...]
    bands: int
    masks: tuple[str, ...] = ()
    bad: tuple[float, ...] = ()
    mask_band: int = 1
    rescale: tuple[tuple[float, float], ...] = ()

    @property
    def channels(self) -> int:
        """Bands of all dates together."""
        return len(self.images) * self.bands


def source_from_settings(images: list[str], masks: list[str], settings: dict) -> TileSource:
    """Build the source of a tile from its files and the settings `bands` (names), `mask_bad` and `mask_band`.

    Raises CropmineError if the masks aren't one a date, or a bad value isn't a number.
    """
    if len(masks) not in (0, len(images)):
        raise CropmineError("mask", f"{len(masks)} mask files for {len(images)} dates", "one mask file a date, or none")
    try:
        bad = tuple(float(value) for value in settings.get("mask_bad") or ())
    except ValueError as error:
        raise CropmineError(
            "mask.bad", f"not a number ({error})", "list the mask values that make a pixel nodata"
        ) from error
    names = tuple(map(str, images))
    return TileSource(names, len(settings["bands"]), tuple(map(str, masks)), bad, settings.get("mask_band") or 1)


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


def rescale_sources(
    sources: Mapping[str, TileSource], rescale: tuple[tuple[float, float], ...]
) -> dict[str, TileSource]:
    """Let sources be read in the statistics of other imagery, by a gain and an offset a channel."""
    return {tile: replace(source, rescale=rescale) for tile, source in sources.items()}


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
