"""What is known of a tile besides its imagery: the weak map and the tile's segments."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cropmine.config.regions import WeakMap
from cropmine.inputs.weak_maps import Consensus, Files, load_weak


@dataclass(frozen=True)
class TileContext:
    """A weak map, as the first two arguments of read_weak_map, and the files of a tile's segments; none where unused.

    segments: the raster of segment ids; overlap: the table of the weak map's share in each of them.
    """

    weak: tuple[Files, WeakMap | Consensus] | None = None
    segments: str | None = None
    overlap: str | None = None


def gather_contexts(
    tiles: Iterable[str], files: Mapping[str, Sequence[str]], weak: dict[str, Any] | None
) -> dict[str, TileContext]:
    """Gather the contexts of tiles from the files of a job.

    files: `segments` and `overlaps`, a file a tile or none at all, and the files of the weak map, `weak` and
    `registrations`; weak: its settings, as load_weak takes them, or None if it isn't read.
    """
    given = {name: list(files.get(name, [])) for name in ("segments", "overlaps", "weak", "registrations")}
    loaded = load_weak(weak, given["weak"], given["registrations"], guarded=False) if weak else None
    return {
        tile: TileContext(loaded, *(given[name][place] if given[name] else None for name in ("segments", "overlaps")))
        for place, tile in enumerate(tiles)
    }
