"""Views of tiles: a tile and its neighbours, from which pixels beyond its edges are read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cropmine.geo.grids import Grid, read_grid
from cropmine.inputs.contexts import TileContext
from cropmine.inputs.imagery import read_windows
from cropmine.inputs.neighbours import OVERLAP_PX, STEP_PX, Location, PixelWindow, lattice_starts
from cropmine.inputs.tile_sources import TileSource

MULTIPLE_PX = 32  # what networks halve five times
HALO_PX = 32
Margins = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class Pane:
    """A window of the lattice: where it begins, in pixels of a tile, and the part of it that holds tiles.

    margins: pixels above, below, left and right of that part that are mirrored: 32 px beyond an edge of all tiles, and
    to multiples of 32 px from the origin of the CRS.
    """

    column: int
    row: int
    window: PixelWindow
    margins: Margins


@dataclass(frozen=True)
class Surroundings:
    """A tile, its grid, and the neighbours with the windows of the tile's pixels that they cover."""

    source: TileSource
    grid: Grid
    others: tuple[tuple[TileSource, PixelWindow], ...] = ()
    context: TileContext = field(default_factory=TileContext)

    def read(self, window: PixelWindow) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Read a window (column, row, width, height) that may leave the tile.

        Gives pixels (channels, h, w), 0 where invalid; validity bool (h, w); and what of it is the tile's own, bool
        (h, w). A neighbour shows where the tile itself has nothing valid, of several the first.
        """
        return self.read_many([window])[0]

    def read_many(self, windows: Sequence[PixelWindow]) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Read windows as read does one, each file opened once."""
        found = [(pixels, valid, valid.copy()) for pixels, valid in read_windows(self.source, windows)]
        for source, place in self.others:
            short = [
                (window, pixels, valid)
                for window, (pixels, valid, _) in zip(windows, found, strict=True)
                if _meet(window, place) and not valid.all()
            ]
            offsets = [(window[0] - place[0], window[1] - place[1], *window[2:]) for window, *_ in short]
            others = read_windows(source, offsets) if short else []
            for (_, pixels, valid), (beyond, seen) in zip(short, others, strict=True):
                fill = seen & ~valid
                np.copyto(pixels, beyond, where=fill)
                valid |= fill
        return found

    def lay_panes(self) -> Iterator[tuple[int, list[Pane]]]:
        """Lay the windows of the lattice over the tile: yields the first row of each line of them, and its panes.

        A window is there if a tile is in its core, which is all of it before the next one begins. It is cut to the
        tiles in it. Depends only on ground position, not on how tiles are cut.
        """
        column, row = locate_grid(self.grid).corner
        tiles = [(0, 0, self.grid.width, self.grid.height), *(place for _, place in self.others)]
        for top in lattice_starts(row, row + self.grid.height):
            panes = []
            for left in lattice_starts(column, column + self.grid.width):
                window = left - column, top - row, STEP_PX + OVERLAP_PX, STEP_PX + OVERLAP_PX
                core = *window[:2], STEP_PX, STEP_PX
                if any(_meet(core, tile) for tile in tiles):
                    inner = _bound([_cut(window, tile) for tile in tiles if _meet(window, tile)])
                    panes.append(Pane(*window[:2], inner, _measure_margins(inner, window, (column, row))))
            yield top - row, panes


def locate_grid(grid: Grid) -> Location:
    """Where a grid lies."""
    step = grid.transform
    return Location(grid.crs.to_string(), step.c, step.f, step.a, -step.e, grid.width, grid.height)


def surround_tile(
    tile: str,
    sources: Mapping[str, TileSource],
    grids: Mapping[str, Grid] | None = None,
    context: TileContext | None = None,
) -> Surroundings:
    """View a tile with those of `sources` that its windows see.

    grids: those of all, if they are known already; context: the weak map and the segments of the tile, for models that
    read them.
    """
    grids = grids or {name: read_grid(source.images[0]) for name, source in sources.items()}
    place = locate_grid(grids[tile])
    places = {name: locate_grid(grids[name]) for name in sources if name != tile}
    seen = ((sources[name], place.locate(other)) for name, other in places.items() if place.sees(other))
    others = tuple((source, window) for source, window in seen if window is not None)
    return Surroundings(sources[tile], grids[tile], others, context or TileContext())


def _meet(window: PixelWindow, other: PixelWindow) -> bool:
    return all(
        window[axis] < other[axis] + other[axis + 2] and other[axis] < window[axis] + window[axis + 2]
        for axis in (0, 1)
    )


def _cut(window: PixelWindow, other: PixelWindow) -> PixelWindow:
    near = [max(window[axis], other[axis]) for axis in (0, 1)]
    far = [min(window[axis] + window[axis + 2], other[axis] + other[axis + 2]) for axis in (0, 1)]
    return near[0], near[1], far[0] - near[0], far[1] - near[1]


def _bound(windows: list[PixelWindow]) -> PixelWindow:
    near = [min(window[axis] for window in windows) for axis in (0, 1)]
    far = [max(window[axis] + window[axis + 2] for window in windows) for axis in (0, 1)]
    return near[0], near[1], far[0] - near[0], far[1] - near[1]


def _measure_margins(inner: PixelWindow, window: PixelWindow, corner: tuple[int, int]) -> Margins:
    """Rows and columns to mirror on each side of the part of a window that holds tiles, whose corner is counted too."""
    margins = []
    for axis in (1, 0):
        start, stop = inner[axis], inner[axis] + inner[axis + 2]
        before = HALO_PX if start > window[axis] else 0
        behind = HALO_PX if stop < window[axis] + window[axis + 2] else 0
        first, last = corner[axis] + start - before, corner[axis] + stop + behind
        margins.append((before + first % MULTIPLE_PX, behind + -last % MULTIPLE_PX))
    rows, columns = margins
    return rows, columns
