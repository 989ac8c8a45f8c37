"""The windows that a tile is predicted in."""

Window = tuple[int, int, int, int]

CORE_PX = 256


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
