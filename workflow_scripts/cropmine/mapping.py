"""The mapping of a tile: predicted by one run after the other and composed from top to bottom, a few rows at a time."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import numpy as np

from cropmine.maps import compose_map
from cropmine.predictors import Predictor
from cropmine.surroundings import Surroundings
from cropmine.zones import read_zones

STRIP_ROWS = 512


def map_strips(
    view: Surroundings,
    models: Iterable[Predictor],
    threshold: float,
    area: str | Path | None = None,
    excludes: Sequence[tuple[str | Path, str]] = (),
) -> Iterator[np.ndarray]:
    """Map a tile amid its neighbours by one or more models, of which one is in memory at a time.

    area, excludes: as for read_zones. Yields strips of rows, from top to bottom, of what compose_map gives: uint8
    (3, rows, w). What a run predicts is kept in a temporary file, a byte a pixel, until all are done.
    """
    grid = view.grid
    with ExitStack() as stack:
        runs = [_spool(model.predict_strips(view), stack.enter_context(TemporaryFile())) for model in models]
        for top in range(0, grid.height, STRIP_ROWS):
            part = grid.window(0, top, grid.width, min(STRIP_ROWS, grid.height - top))
            codes = [np.frombuffer(run.read(part.width * part.height), np.uint8).reshape(part.shape) for run in runs]
            yield compose_map(codes, read_zones(part, area, excludes), threshold)


def _spool(strips: Iterable[tuple[int, np.ndarray]], file: IO[bytes]) -> IO[bytes]:
    for _, codes in strips:
        file.write(np.ascontiguousarray(codes).data)
    file.seek(0)
    return file
