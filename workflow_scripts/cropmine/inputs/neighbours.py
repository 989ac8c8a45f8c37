"""Neighbours of tiles and the windows that see them, found from the locations of tiles without opening a raster."""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

PixelWindow = tuple[int, int, int, int]  # column, row, width and height
CORE_PX = 256  # of windows that divide a tile
STEP_PX = 512  # from one window of the lattice to the next
OVERLAP_PX = 32
SAME_PX = 0.01
# Lattices of pixels are at whole or half pixels of their CRS: with a number in between, rounding makes no difference.
PHASE = 0.3


@dataclass(frozen=True)
class Location:
    """The location of a tile: the name of its CRS, its north-western corner, its pixel, and its size in pixels."""

    crs: str
    west: float
    north: float
    pixel_width: float
    pixel_height: float
    width: int
    height: int

    @property
    def pixel(self) -> tuple[float, float]:
        """Width and height of a pixel, units of the CRS."""
        return self.pixel_width, self.pixel_height

    @property
    def corner(self) -> tuple[int, int]:
        """Column and row of its first pixel, counted from the origin of the CRS."""
        return math.floor(self.west / self.pixel[0] + PHASE), math.floor(-self.north / self.pixel[1] + PHASE)

    def locate(self, other: "Location") -> PixelWindow | None:
        """The window (column, row, width, height) of this tile's pixels that another covers; None on another grid."""
        longest = max(self.width, self.height, other.width, other.height)
        apart = (abs(a / b - 1) * longest for a, b in zip(self.pixel, other.pixel, strict=True))
        if self.crs != other.crs or max(apart) > SAME_PX:
            return None
        column, row = (other.west - self.west) / self.pixel[0], (self.north - other.north) / self.pixel[1]
        return round(column), round(row), other.width, other.height

    def sees(self, other: "Location") -> bool:
        """Whether the windows in which this tile is predicted hold a pixel of another."""
        window = self.locate(other)
        if window is None:
            return False
        corner, size = self.corner, (self.width, self.height)
        for axis in (0, 1):
            near, far = lattice_reach(corner[axis], corner[axis] + size[axis])
            start = corner[axis] + window[axis]
            if start >= far or start + window[axis + 2] <= near:
                return False
        return True


def find_neighbours(locations: Mapping[str, Location]) -> dict[str, list[str]]:
    """Name the neighbours of every tile, in the order of `locations`."""
    cells: dict[tuple, list[str]] = defaultdict(list)
    size = _cell_size(locations)
    for tile, location in locations.items():
        cells[_cell(location, size)].append(tile)
    order = {tile: number for number, tile in enumerate(locations)}
    found = {}
    for tile, location in locations.items():
        crs, column, row = _cell(location, size)
        around = [cells.get((crs, column + x, row + y), ()) for x in (-1, 0, 1) for y in (-1, 0, 1)]
        near = [other for cell in around for other in cell if other != tile and location.sees(locations[other])]
        found[tile] = sorted(near, key=order.__getitem__)
    return found


def _cell_size(locations: Mapping[str, Location]) -> dict[str, tuple[float, float]]:
    """By CRS, a size of cells that no tile sees beyond the next of."""
    size: dict[str, tuple[float, float]] = {}
    for location in locations.values():
        reach = [side + 2 * sum(map(abs, lattice_reach(0, 1))) for side in (location.width, location.height)]
        ground = reach[0] * location.pixel[0], reach[1] * location.pixel[1]
        width, height = size.get(location.crs, (0, 0))
        size[location.crs] = max(width, ground[0]), max(height, ground[1])
    return size


def _cell(location: Location, size: Mapping[str, tuple[float, float]]) -> tuple[str, int, int]:
    width, height = size[location.crs]
    return location.crs, math.floor(location.west / width), math.floor(location.north / height)


def tile_windows(shape: tuple[int, int], core: int = CORE_PX) -> list[PixelWindow]:
    """Divide a tile of shape (h, w) into windows (column, row, width, height) of nearly one size, at most `core` px."""
    rows, columns = (range(0, size, even_step(size, core)) for size in shape)
    return [
        (left, top, min(columns.step, shape[1] - left), min(rows.step, shape[0] - top))
        for top in rows
        for left in columns
    ]


def even_step(size: int, core: int = CORE_PX) -> int:
    """The width of the windows that a length is divided into: nearly equal ones of at most `core`."""
    return -(-size // -(-size // core))


def lattice_starts(start: int, stop: int) -> range:
    """Where the windows begin that hold any of the pixels start to stop - 1, counted from the origin of a CRS.

    Windows of STEP_PX + OVERLAP_PX px begin at every multiple of STEP_PX. They depend only on ground position, not on
    how tiles are cut, so that a pixel is seen in the same windows whichever tile holds it.
    """
    return range((start - OVERLAP_PX) // STEP_PX * STEP_PX, stop, STEP_PX)


def lattice_reach(start: int, stop: int) -> tuple[int, int]:
    """The first pixel, and that after the last, which these windows see."""
    starts = lattice_starts(start, stop)
    return starts[0], starts[-1] + STEP_PX + OVERLAP_PX
