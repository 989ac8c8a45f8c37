"""Map tiles: predictions of several runs composed into bands and written."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import numpy as np
from rasterio.windows import Window

from cropmine.classes import CROPLAND, NODATA, NONCROPLAND, threshold_code
from cropmine.geo.cogs import write_cog
from cropmine.geo.grids import Grid
from cropmine.inputs.tile_views import Surroundings
from cropmine.inputs.zones import KNOWN_NONCROPLAND as EXCLUDED
from cropmine.inputs.zones import OUTSIDE, ZoneFiles, read_zones
from cropmine.mapping.bands import BANDS, SCALES
from cropmine.training.predictors import Predictor

STRIP_ROWS = 512


def map_strips(
    view: Surroundings,
    models: Iterable[Predictor],
    threshold: float,
    zones: ZoneFiles,
) -> Iterator[np.ndarray]:
    """Map a tile by one or more models, of which one is in memory at a time.

    Yields strips of rows, from top to bottom, of what compose_map gives: uint8
    (3, rows, w). What a run predicts is kept in a temporary file, a byte a pixel, until all are done.
    """
    grid = view.grid
    with ExitStack() as stack:
        runs = [_spool(model.predict_strips(view), stack.enter_context(TemporaryFile())) for model in models]
        for top in range(0, grid.height, STRIP_ROWS):
            part = grid.window(0, top, grid.width, min(STRIP_ROWS, grid.height - top))
            codes = [np.frombuffer(run.read(part.width * part.height), np.uint8).reshape(part.shape) for run in runs]
            yield compose_map(codes, read_zones(part, zones), threshold)


def _spool(strips: Iterable[tuple[int, np.ndarray]], file: IO[bytes]) -> IO[bytes]:
    for _, codes in strips:
        file.write(np.ascontiguousarray(codes).data)
    file.seek(0)
    return file


def compose_map(runs: Sequence[np.ndarray], zones: np.ndarray, threshold: float) -> np.ndarray:
    """Compose the bands of a map from the codes of one or more runs, each uint8 (h, w).

    zones: as read_zones gives them. Returns uint8 (3, h, w): the mean of the runs' codes; its class, 1 where the mean
    is above the threshold (0 to 1); and the runs' standard deviation. All 255 where there is no data.
    """
    mean, spread = _summarise_runs(runs)
    classes = np.where(mean > threshold_code(threshold), np.uint8(CROPLAND), np.uint8(NONCROPLAND))
    bands = np.stack([mean, classes, spread])
    bands[:, zones == EXCLUDED] = 0
    bands[:, (zones == OUTSIDE) | (runs[0] == NODATA)] = NODATA
    return bands


def _summarise_runs(runs: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The mean and the standard deviation of codes uint8 (h, w), rounded to codes."""
    if len(runs) == 1:
        return runs[0], np.zeros_like(runs[0])
    total = np.zeros(runs[0].shape, np.uint32)
    squares = np.zeros(runs[0].shape, np.uint32)
    for codes in runs:
        total += codes
        squares += np.square(codes, dtype=np.uint32)
    count = np.uint32(len(runs))
    mean = ((2 * total + count) // (2 * count)).astype(np.uint8)
    spread = np.rint(np.sqrt((count * squares - total * total).astype(np.float32)) / np.float32(count))
    return mean, spread.astype(np.uint8)


def write_map(
    path: str | Path, bands: np.ndarray | Iterable[np.ndarray], grid: Grid, tags: Mapping[str, object]
) -> None:
    """Write the bands that compose_map gives, whole or in strips of rows from top to bottom, as a COG."""
    strips = [bands] if isinstance(bands, np.ndarray) else bands
    write_cog(path, grid, _place_strips(strips, grid), NODATA, BANDS, tags, scales=SCALES)


def _place_strips(strips: Iterable[np.ndarray], grid: Grid) -> Iterator[tuple[Window, np.ndarray]]:
    row = 0
    for strip in strips:
        rows = strip.shape[1]
        yield Window(0, row, grid.width, rows), strip
        row += rows
    if row != grid.height:
        raise ValueError(f"strips of {row} rows don't fill a grid of shape {grid.shape}")
