"""Registration: the shift of a weak map that makes segments most unanimous about it, and whether to apply it.

Measured tile by tile on a grid of shifts, pooled over a region, and checked against maps that can't fit.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cropmine.errors import REMAKE, CropmineError
from cropmine.files import replacing
from cropmine.geo.grids import Grid, pixel_size_m
from cropmine.tables import write_json

STEPS_PER_WEAK_PX = 2
WINDOW_STEPS = 3  # to 1.5 weak pixels
COARSE_PX = 1.5  # weak pixels of fewer pixels of the imagery are searched one pixel around
SAMPLED_PX = 1 << 21  # of a larger tile only every second row, or third, and so on
CELL_PX = 512
LEAST_SHIFT_WEAK_PX = 0.25
ROUNDED_PX = 0.25  # of the imagery: less hardly changes nearest neighbours
NULLS = ("rotated", "mirrored", "flipped", "other tile")
ReadWeak = Callable[[Grid], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Surfaces:
    """The unanimity of a tile's segments at each shift of the weak map, and of maps that can't fit.

    `step_m` (east, north) true metres of one step; `weak_pixel_m`, `pixel_m` the sides of pixels of weak map and
    imagery; `unanimity` float64 (maps, cells, k, k): the map itself and then the nulls named in `maps`; the cells are
    parts of the tile; the last axes are steps to the north and to the east, from the most negative one.
    """

    step_m: tuple[float, float]
    weak_pixel_m: float
    pixel_m: float
    maps: tuple[str, ...]
    unanimity: np.ndarray


def measure_surfaces(
    ids: np.ndarray, grid: Grid, read_weak: ReadWeak, others: Sequence[Grid], side_m: float
) -> Surfaces:
    """Measure how unanimous a tile's segments are about a weak map at each shift of up to 1.5 weak pixels.

    ids uint32 (h, w) on `grid`; read_weak(grid) gives the weak map's values and validity, unshifted; `others` are grids
    of other tiles; side_m is the side of a weak pixel, metres. Shifts are whole pixels of the imagery, half a weak
    pixel apart or the next that can be, and one step beyond, where a peak isn't believed: at most 81. Unanimity is the
    sum over segments of area · (fraction − ½)², the fraction being taken at all shifts on the same pixels: those with
    a valid weak pixel at each of them.
    """
    pixel_m = float(np.mean(pixel_size_m(grid)))
    step = max(round(side_m / pixel_m / STEPS_PER_WEAK_PX), 1)
    count = 1 + (WINDOW_STEPS if side_m / pixel_m >= COARSE_PX else 1)
    halo = step * count
    sample = _sample_segments(ids)
    values, valid = read_weak(grid.padded(halo))
    candidates = [
        ("map", values, valid),
        ("rotated", values[::-1, ::-1], valid[::-1, ::-1]),
        ("mirrored", values[:, ::-1], valid[:, ::-1]),
        ("flipped", values[::-1], valid[::-1]),
    ]
    for other in others:
        elsewhere = other.window(0, 0, grid.width, grid.height).padded(halo)
        candidates.append(("other tile", *read_weak(elsewhere)))
    surfaces = [_measure_surface(sample, values, valid, step, count) for _, values, valid in candidates]
    width_m, height_m = pixel_size_m(grid)
    maps = tuple(name for name, _, _ in candidates)
    return Surfaces((step * width_m, step * height_m), side_m, pixel_m, maps, np.stack(surfaces))


@dataclass(frozen=True)
class _Sample:
    """Pixels in segments: row, column and segment from 0 (n,); the cell of each segment, and the number of cells."""

    rows: np.ndarray
    columns: np.ndarray
    segment: np.ndarray
    cell_of_segment: np.ndarray
    cells: int


def _sample_segments(ids: np.ndarray) -> _Sample:
    every = -(-ids.size // SAMPLED_PX)
    rows, columns = np.nonzero(ids[::every])
    rows *= every
    present, first, segment = np.unique(ids[rows, columns], return_index=True, return_inverse=True)
    across = -(-ids.shape[1] // CELL_PX)
    cells = across * -(-ids.shape[0] // CELL_PX)
    cell_of_segment = rows[first] // CELL_PX * across + columns[first] // CELL_PX
    return _Sample(rows, columns, segment.reshape(-1), cell_of_segment if len(present) else first, cells)


def _measure_surface(sample: _Sample, values: np.ndarray, valid: np.ndarray, step: int, count: int) -> np.ndarray:
    """Unanimity by cell and shift, (cells, k, k); the map has a halo of `step` · `count` pixels."""
    halo, width = step * count, values.shape[1]
    flat, known = values.reshape(-1), valid.reshape(-1)
    place = (sample.rows + halo) * width + sample.columns + halo
    shifts = range(-count, count + 1)
    # Moved to the north by some rows, a pixel shows what was as many rows to the south of it.
    offsets = [(i, j, step * (north * width - east)) for i, north in enumerate(shifts) for j, east in enumerate(shifts)]
    common = np.ones(len(place), dtype=bool)
    for _, _, offset in offsets:
        common &= known[place + offset]
    place, segment = place[common], sample.segment[common]
    n = len(sample.cell_of_segment)
    pixels = np.bincount(segment, minlength=n)
    surface = np.zeros((sample.cells, 2 * count + 1, 2 * count + 1))
    for i, j, offset in offsets:
        here = flat[place + offset]
        if here.dtype.kind == "f":
            cropland = np.bincount(segment, weights=here, minlength=n)
        else:
            cropland = np.bincount(segment[here > 0], minlength=n)
        fraction = np.divide(cropland, pixels, out=np.full(n, 0.5), where=pixels > 0)
        unanimity = pixels * (fraction - 0.5) ** 2
        surface[:, i, j] = np.bincount(sample.cell_of_segment, weights=unanimity, minlength=sample.cells)
    return surface


def write_surfaces(path: str | Path, surfaces: Surfaces) -> None:
    """Write the surfaces of a tile, the same to the byte each time."""
    meta = {"step_m": surfaces.step_m, "weak_pixel_m": surfaces.weak_pixel_m, "pixel_m": surfaces.pixel_m}
    with replacing(path) as temporary:
        np.savez(temporary, meta=np.array(json.dumps(meta | {"maps": surfaces.maps})), unanimity=surfaces.unanimity)


def read_surfaces(path: str | Path) -> Surfaces:
    """Read the surfaces of a tile. Raises CropmineError if the file holds none."""
    try:
        with np.load(path) as file:
            meta, unanimity = json.loads(str(file["meta"])), file["unanimity"]
        return Surfaces(tuple(meta["step_m"]), meta["weak_pixel_m"], meta["pixel_m"], tuple(meta["maps"]), unanimity)
    except (OSError, ValueError, KeyError) as error:
        raise CropmineError(path, f"holds no shifts ({error})", REMAKE) from error


def pool_surfaces(tiles: Mapping[str, Surfaces]) -> dict:
    """Pool the surfaces of a region's tiles, by name, and decide whether the weak map is moved.

    Each cell's surface is normalised by its mean and spread over the shifts; the pooled one is their mean. The shift is
    applied only if its peak exceeds that of every null, isn't on the window's edge, and the peaks of both halves of the
    tiles (of a single tile: of its cells) are within half a weak pixel of each other; nor if it is under a quarter of
    a weak pixel. Gives east and north, metres, 0 unless applied, with what they rest on, as plain values.
    """
    shapes = [surfaces.unanimity.shape[2] for surfaces in tiles.values()]
    usual = max(sorted(set(shapes)), key=shapes.count)
    used = {name: tiles[name] for name in sorted(tiles) if tiles[name].unanimity.shape[2] == usual}
    step_m = np.mean([surfaces.step_m for surfaces in used.values()], axis=0)
    weak_pixel_m = float(np.mean([surfaces.weak_pixel_m for surfaces in used.values()]))
    cells, halves = _normalise_cells(used, "map")
    nulls = {name: pooled for name in NULLS if len(pooled := _normalise_cells(used, name)[0])}
    result: dict[str, Any] = {"tiles": len(used), "left_out": len(tiles) - len(used), "cells": len(cells)}
    result |= {"weak_pixel_m": round(weak_pixel_m, 2), "step_m": [round(float(side), 3) for side in step_m]}
    if not len(cells):
        return {"east": 0.0, "north": 0.0, "applied": False, "reason": "no segment is on the weak map"} | result
    surface = cells.mean(axis=0)
    peak, at, on_edge = _find_peak(surface)
    east, north = at[1] * step_m[0], at[0] * step_m[1]
    apart = [
        _find_peak(cells[halves == half].mean(axis=0))[1] * step_m[::-1] for half in (0, 1) if (halves == half).any()
    ]
    disagreement = float(np.hypot(*(apart[0] - apart[1]))) if len(apart) == 2 else None
    null_peaks = {name: float(_find_peak(maps.mean(axis=0))[0]) for name, maps in nulls.items()}
    length = float(np.hypot(east, north))
    reason = _judge_shift(peak, null_peaks, on_edge, disagreement, length, weak_pixel_m)
    unit = ROUNDED_PX * float(np.mean([surfaces.pixel_m for surfaces in used.values()]))
    return {
        "east": 0.0 if reason else round(round(float(east) / unit) * unit, 2),
        "north": 0.0 if reason else round(round(float(north) / unit) * unit, 2),
        "applied": reason is None,
        "reason": reason,
        "best_east": round(float(east), 2),
        "best_north": round(float(north), 2),
        "peak": round(float(peak), 4),
        "null_peaks": {name: round(value, 4) for name, value in null_peaks.items()},
        "halves_apart_m": None if disagreement is None else round(disagreement, 2),
        "surface": surface.round(4).tolist(),
        "null_surfaces": {name: maps.mean(axis=0).round(4).tolist() for name, maps in nulls.items()},
    } | result


def _normalise_cells(tiles: Mapping[str, Surfaces], name: str) -> tuple[np.ndarray, np.ndarray]:
    """Surfaces (n, k, k) of all cells in which the unanimity changes with the shift, and the half that each is of."""
    cells, halves = [], []
    for number, surfaces in enumerate(tiles.values()):
        for place in (place for place, kind in enumerate(surfaces.maps) if kind == name):
            for cell, surface in enumerate(surfaces.unanimity[place]):
                spread = surface.std()
                if spread > 1e-9 * max(surface.mean(), 1):
                    cells.append((surface - surface.mean()) / spread)
                    halves.append((number if len(tiles) > 1 else cell) % 2)
    return np.array(cells), np.array(halves)


def _find_peak(surface: np.ndarray) -> tuple[float, np.ndarray, bool]:
    """The highest value, its place in steps (north, east) from the middle, by parabolas, and if it is on an edge."""
    place = np.array(np.unravel_index(np.argmax(surface), surface.shape))
    last = len(surface) - 1
    on_edge = bool(((place == 0) | (place == last)).any())
    refined = place - last / 2
    for axis in (0, 1):
        if 0 < place[axis] < last:
            before, here, after = (surface[tuple(place + np.eye(2, dtype=int)[axis] * step)] for step in (-1, 0, 1))
            bend = before - 2 * here + after
            refined[axis] += 0.5 * (before - after) / bend if bend < 0 else 0
    return float(surface.max()), refined, on_edge


def _judge_shift(
    peak: float,
    null_peaks: Mapping[str, float],
    on_edge: bool,
    disagreement: float | None,
    length: float,
    weak_pixel_m: float,
) -> str | None:
    """Why a shift isn't applied; None if it is."""
    highest = max(null_peaks, key=lambda name: null_peaks[name], default=None)
    if highest is None:
        return "nothing to compare it with: no segment is on a turned map"
    if peak <= null_peaks[highest]:
        return f"its peak of {peak:.2f} doesn't exceed {null_peaks[highest]:.2f} of the map {NULL_WORDS[highest]}"
    if on_edge:
        return "its peak is on the edge of the window of 1.5 weak pixels"
    if disagreement is None:
        return "there are no two halves to compare"
    if disagreement > 0.5 * weak_pixel_m:
        return f"two halves disagree by {disagreement:.0f} m, more than half a weak pixel"
    if length < LEAST_SHIFT_WEAK_PX * weak_pixel_m:
        return f"at {length:.1f} m it is under a quarter of a weak pixel: the map is already aligned"
    return None


NULL_WORDS = {
    "rotated": "turned by 180°",
    "mirrored": "mirrored",
    "flipped": "upside down",
    "other tile": "of another tile",
}


def write_registration(shift: str | Path, evidence: str | Path, result: Mapping) -> None:
    """Write the shift alone, {"east": m, "north": m}, and its evidence in a second file."""
    for path, content in ((shift, {key: result[key] for key in ("east", "north")}), (evidence, result)):
        write_json(path, content)
