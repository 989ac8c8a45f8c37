"""Patches of imagery and target that a training step sees: where they lie, how they are cut and turned."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
import rasterio

from cropmine.classes import CLASS_VALUES, CLASS_WORDS, CROPLAND, IGNORE, NONCROPLAND
from cropmine.errors import CropmineError
from cropmine.geo.grids import open_raster, read_grid
from cropmine.inputs.imagery import read_tile
from cropmine.inputs.neighbours import PixelWindow
from cropmine.inputs.tile_sources import TileSource
from cropmine.training.losses.weighting import SOURCES, encode_labels
from cropmine.training.networks import Normalisation

Strata = dict[tuple[int, int], np.ndarray]
IN_MEMORY_BYTES = 2_000_000_000
STATISTICS_PX = 32_000_000
STATISTICS_WINDOW_PX = 512
CUTTERS = 4
BATCHES_AHEAD = 8


@dataclass(frozen=True)
class LabelledTile:
    """A tile's imagery and the path of its target."""

    source: TileSource
    target: str


class PatchReader:
    """Cuts windows out of labelled tiles, which are kept in memory if they fit. Windows may leave the tile."""

    def __init__(self, tiles: Sequence[LabelledTile], in_memory_bytes: int = IN_MEMORY_BYTES):
        self.tiles = list(tiles)
        self.shapes = [read_grid(tile.source.images[0]).shape for tile in self.tiles]
        self._kept = None
        sizes = [
            _bytes_a_pixel(tile.source) * height * width
            for tile, (height, width) in zip(self.tiles, self.shapes, strict=True)
        ]
        if sum(sizes) <= in_memory_bytes:
            self._kept = [(*read_tile(tile.source), _read_labels(tile.target)) for tile in self.tiles]

    def cut(self, tile: int, window: PixelWindow) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Give pixels (channels, h, w) in their own dtype, valid bool (h, w) and label codes uint8 (h, w).

        Outside the tile pixels are 0 and invalid; where a pixel is invalid there is no label, 255.
        """
        if self._kept is None:
            pixels, valid = read_tile(self.tiles[tile].source, window)
            labels = _read_labels(self.tiles[tile].target, window)
        else:
            pixels, valid, labels = (
                cut_window(array, window, fill)
                for array, fill in zip(self._kept[tile], (0, False, IGNORE), strict=True)
            )
        return pixels, valid, np.where(valid, labels, np.uint8(IGNORE))


def _bytes_a_pixel(source: TileSource) -> int:
    with open_raster(source.images[0]) as dataset:
        return source.channels * np.dtype(dataset.dtypes[0]).itemsize + 2


def _inner(window: PixelWindow, shape: tuple[int, int]) -> tuple[slice, slice, slice, slice]:
    """Rows and columns of the tile that a window holds, and where in the window they come to lie."""
    column, row, width, height = window
    top, bottom = (min(max(edge, 0), shape[0]) for edge in (row, row + height))
    left, right = (min(max(edge, 0), shape[1]) for edge in (column, column + width))
    return slice(top, bottom), slice(left, right), slice(top - row, bottom - row), slice(left - column, right - column)


def cut_window(array: np.ndarray, window: PixelWindow, fill: float) -> np.ndarray:
    """Cut a window (column, row, width, height) out of an array (…, h, w); beyond its edges is `fill`."""
    rows, columns, to_rows, to_columns = _inner(window, array.shape[-2:])
    cut = np.full((*array.shape[:-2], window[3], window[2]), fill, array.dtype)
    cut[..., to_rows, to_columns] = array[..., rows, columns]
    return cut


def _read_labels(path: str, window: PixelWindow | None = None) -> np.ndarray:
    """The label codes of a target raster, or of a window that may leave it."""
    with rasterio.open(path) as dataset:
        if window is None:
            return encode_labels(*dataset.read([1, 2]))
        rows, columns, to_rows, to_columns = _inner(window, dataset.shape)
        labels = np.full((window[3], window[2]), IGNORE, np.uint8)
        if rows.start < rows.stop and columns.start < columns.stop:
            inner = (rows.start, rows.stop), (columns.start, columns.stop)
            labels[to_rows, to_columns] = encode_labels(*dataset.read([1, 2], window=inner))
    return labels


def measure_normalisation(reader: PatchReader) -> Normalisation:
    """Measure mean and standard deviation of the tiles' valid pixels; beyond 32 Mpx those of evenly spread windows.

    A band that is constant has deviation 1. Raises CropmineError if no pixel is valid.
    """
    size = STATISTICS_WINDOW_PX
    windows = [
        (tile, (column, row, min(size, width - column), min(size, height - row)))
        for tile, (height, width) in enumerate(reader.shapes)
        for row in range(0, height, size)
        for column in range(0, width, size)
    ]
    step = -(-sum(height * width for height, width in reader.shapes) // STATISTICS_PX)
    channels = reader.tiles[0].source.channels
    count, total, squares = 0, np.zeros(channels), np.zeros(channels)
    for tile, window in windows[::step]:
        pixels, valid, _ = reader.cut(tile, window)
        values = pixels[:, valid].astype(np.float64)
        count, total, squares = count + values.shape[1], total + values.sum(1), squares + np.square(values).sum(1)
    if not count:
        raise CropmineError("imagery", "no pixel of the training tiles is valid", "look at nodata, masks and area")
    mean = total / count
    std = np.sqrt(np.maximum(squares / count - mean**2, 0))
    return Normalisation(mean, np.where(std > 1e-9 * np.maximum(np.abs(mean), 1), std, 1.0))


def index_labels(targets: Sequence[str], rng: np.random.Generator, per_stratum: int = 50_000) -> Strata:
    """Draw labelled pixels of each source and class, tiles in proportion to the labelled pixels that they hold.

    targets: paths of target rasters (band 1 the class, band 2 the source). Returns {(source, class): int32 (n, 3) of
    tile, row, column}, n up to about `per_stratum`. Raises CropmineError if a class has no labelled pixel.
    """
    counts = np.array([np.bincount(_read_labels(path).ravel(), minlength=256) for path in targets])
    totals = counts.sum(0)
    codes = [int(code) for code in np.flatnonzero(totals[:-1])]
    for name, cls in CLASS_VALUES.items():
        if not any(code % 2 == cls for code in codes):
            words = CLASS_WORDS[name]
            sources = [kind for kind, source in SOURCES.items() if source in {code // 2 for code in codes}]
            what = f"no pixel is labelled {words}; sources that hold labels: {', '.join(sources) or 'none'}"
            hint = f"give the recipe a source of {words}: human, mined.{name} or weak_classes"
            raise CropmineError("training target", what, hint)
    shares = np.ceil(counts * np.minimum(1, per_stratum / np.maximum(totals, 1))).astype(int)
    drawn: dict[int, list[np.ndarray]] = {code: [] for code in codes}
    for tile, path in enumerate(targets):
        wanted = [code for code in codes if shares[tile, code]]
        if not wanted:
            continue
        flat = _read_labels(path)
        for code in wanted:
            places = np.flatnonzero(flat == code)
            chosen = rng.choice(places, shares[tile, code], replace=False)
            row, column = np.unravel_index(chosen, flat.shape)
            drawn[code].append(np.column_stack([np.full(len(chosen), tile), row, column]).astype(np.int32))
    return {(code // 2, code % 2): np.concatenate(parts) for code, parts in drawn.items()}


def schedule_strata(strata: Strata, first: int, count: int) -> list[tuple[int, int]]:
    """Name the stratum of patches first, first + 1 …: classes take turns, and within a class its sources do."""
    sources = {cls: sorted(source for source, c in strata if c == cls) for cls in (NONCROPLAND, CROPLAND)}
    turns = range(first, first + count)
    return [(sources[turn % 2][turn // 2 % len(sources[turn % 2])], turn % 2) for turn in turns]


@dataclass(frozen=True)
class PatchBatches:
    """Batches of patches, each a function of the seed and its number alone."""

    reader: PatchReader
    strata: Strata
    norm: Normalisation
    batch_size: int
    patch_px: int
    seed: int

    def cut_batch(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Cut a batch, turned at random: normalised pixels float32 (n, channels, h, w), label codes uint8."""
        rng = np.random.default_rng([self.seed, number])
        schedule = schedule_strata(self.strata, number * self.batch_size, self.batch_size)
        patches = [self._cut_patch(stratum, rng) for stratum in schedule]
        pixels, valid, labels = (np.stack(part) for part in zip(*patches, strict=True))
        return turn_patches(
            self.norm.apply(pixels, valid), labels, rng.integers(0, 2, (self.batch_size, 3), dtype=bool)
        )

    def _cut_patch(
        self, stratum: tuple[int, int], rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        places = self.strata[stratum]
        tile, row, column = places[rng.integers(len(places))]
        reach = self.patch_px // 4
        row, column = np.array([row, column]) + rng.integers(-reach, reach + 1, 2) - self.patch_px // 2
        return self.reader.cut(int(tile), (int(column), int(row), self.patch_px, self.patch_px))

    def cut_batches(self, start: int, stop: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Cut the batches start to stop - 1 in order, some ahead of time in threads of their own."""
        with ThreadPoolExecutor(CUTTERS, "cut_batch") as pool:
            futures = (pool.submit(self.cut_batch, number) for number in range(start, stop))
            ahead = deque(islice(futures, BATCHES_AHEAD))
            while ahead:
                batch = ahead.popleft().result()
                ahead.extend(islice(futures, 1))
                yield batch


def turn_patches(pixels: np.ndarray, labels: np.ndarray, turns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn square patches into one of their eight positions.

    pixels: (n, channels, h, h); labels: (n, h, h); turns: bool (n, 3), whether to mirror left to right, top to bottom,
    and at the diagonal.
    """
    pixels, labels = pixels.copy(), labels.copy()
    for turn, mirror in enumerate((np.s_[..., ::-1], np.s_[..., ::-1, :], None)):
        chosen = turns[:, turn]
        for array in (pixels, labels):
            array[chosen] = array[chosen].swapaxes(-1, -2) if mirror is None else array[chosen][mirror]
    return pixels, labels
