"""The windows that a tile is predicted in."""

Window = tuple[int, int, int, int]

CORE_PX = 256
STEP_PX = 512
OVERLAP_PX = 32


def tile_windows(shape: tuple[int, int], core: int = CORE_PX) -> list[Window]:
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

    Windows of STEP_PX + OVERLAP_PX px begin at every multiple of STEP_PX. Their places hang on the ground alone, not
    on the tiles that cut it, so that a pixel is seen in the same windows whichever tile holds it.
    """
    return range((start - OVERLAP_PX) // STEP_PX * STEP_PX, stop, STEP_PX)


def lattice_reach(start: int, stop: int) -> tuple[int, int]:
    """The first pixel, and that after the last, which these windows see."""
    starts = lattice_starts(start, stop)
    return starts[0], starts[-1] + STEP_PX + OVERLAP_PX
