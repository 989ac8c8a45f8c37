"""Weak maps: global or national cropland maps read onto a tile's grid, moved, guarded or eroded."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyproj

from cropmine.classes import CROPLAND, NONCROPLAND
from cropmine.config.regions import WeakMap
from cropmine.errors import REMAKE, CropmineError
from cropmine.geo.geometries import burn_polygons
from cropmine.geo.grids import Grid, open_raster, pixel_size_m
from cropmine.geo.rasters import match_values, warp_nearest
from cropmine.geo.vectors import is_vector, read_polygons
from cropmine.inputs.class_values import class_text
from cropmine.tables import read_json

CROPLAND_ABOVE = 0.5  # a probability above it is cropland
PROBABILITY_SLACK = 1e-3
DISTANCE_SLACK_M = 1e-6
POLYGON_STEP_M = 10.0  # in place of the pixel of a map of polygons


@dataclass(frozen=True)
class Consensus:
    """What several weak maps agree on: `agreement` "all" leaves out where they differ, "mean" takes their mean."""

    members: tuple[WeakMap, ...]
    agreement: Literal["all", "mean"]
    guard_m: float


Files = str | Path | Sequence[str | Path]


def load_weak(
    description: dict, paths: Sequence[str | Path], registrations: Sequence[str | Path] = (), guarded: bool = True
) -> tuple[Files, WeakMap | Consensus]:
    """Make the first two arguments of read_weak_map from a weak map's settings and files.

    description: what recipes.describe_weak_map gives; paths: its file, or one for each member of a consensus;
    registrations: the file of a shift for each of them that is registered. A guard is for mining: `guarded` is
    false where the map itself is looked at.
    """
    described = description["members"] or [description["weak"]]
    maps = [WeakMap(**settings) for settings in described]
    registered = [place for place, weak in enumerate(maps) if weak.register_ == "auto"]
    for place, path in zip(registered, registrations, strict=True):
        maps[place] = maps[place].model_copy(update={"register_": read_shift(path)})
    whole = WeakMap(**description["weak"])
    guard_m = whole.guard_m if guarded else 0
    if not whole.consensus:
        return paths[0], maps[0].model_copy(update={"guard_m": guard_m})
    return list(paths), Consensus(tuple(maps), whole.agreement, guard_m)


def read_shift(path: str | Path) -> tuple[float, float]:
    """Read the shift of a weak map, true metres to the east and north. Raises CropmineError if the file isn't one."""
    try:
        content = read_json(path)
        return float(content["east"]), float(content["north"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CropmineError(path, f"holds no shift ({error!r})", REMAKE) from error


def read_weak_map(path: Files, weak: WeakMap | Consensus, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Read a weak map, or a consensus of several from their paths, onto a grid by nearest neighbour, in any CRS.

    Gives (h, w) values, uint8 1 cropland and 0 not, or float32 probabilities of 0 to 1 of a probability raster, and
    their validity, bool (h, w); invalid values are 0. Invalid is what is outside the map, nodata by the file's tag (or
    by `weak.nodata` in its stead), not finite, or whose centre is within `weak.guard_m` of a boundary between the
    classes (a probability above 0.5 is cropland). Of a polygon file, what is outside its bounds is invalid; with
    `weak.class_field`, so is what no polygon covers or polygons of both classes do. `weak.register_` moves the map by
    true ground metres. A consensus is valid where all its maps are and, unless their mean is taken, agree on the class;
    a guard is at the boundaries of the consensus. Raises CropmineError for an unreadable file, no such band or field,
    class values that aren't numbers, or probabilities outside 0 to 1.
    """
    if not weak.guard_m:
        return _read_map(path, weak, grid)
    halo = _halo_px(grid, weak.guard_m)
    values, valid = _read_map(path, weak, grid.padded(halo))
    cropland = values > CROPLAND_ABOVE
    cropland, other = valid & cropland, valid & ~cropland
    size, limit = pixel_size_m(grid), weak.guard_m + DISTANCE_SLACK_M
    valid &= ~(cropland & find_within(other, limit, size)) & ~(other & find_within(cropland, limit, size))
    values[~valid] = 0
    return _crop(values, halo), _crop(valid, halo)


def erode_weak_map(path: Files, weak: WeakMap | Consensus, grid: Grid, erode_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Read the raw weak labels of a grid that are deep inside their class: the control that mining has to beat.

    Gives (h, w) classes, uint8 1 cropland and 0 not, and their validity, bool (h, w): valid are pixels whose centre is
    at least `erode_m` true ground metres from the nearest edge of a pixel of the other class or an invalid one, on the
    weak map as it is on the grid; with 0 all valid ones. What is beyond the grid counts, `weak.guard_m` doesn't.
    Raises CropmineError as read_weak_map does.
    """
    halo = _halo_px(grid, erode_m) if erode_m else 0
    values, valid = _read_map(path, weak, grid.padded(halo))
    cropland = values > CROPLAND_ABOVE
    classes = np.where(cropland, np.uint8(CROPLAND), np.uint8(NONCROPLAND))
    if erode_m:
        size, limit = pixel_size_m(grid), erode_m - DISTANCE_SLACK_M
        cropland, other = valid & cropland, valid & ~cropland
        valid = (cropland & ~find_within(~cropland, limit, size)) | (other & ~find_within(~other, limit, size))
        classes[~valid] = 0
    return _crop(classes, halo), _crop(valid, halo)


def find_weak_pixel(paths: Sequence[str | Path], grid: Grid) -> float | None:
    """Find the true side of a weak map's pixels, metres to 0.1: the largest of a consensus; None of polygons."""
    sides = [measure_weak_pixel(path, grid) for path in paths if not is_vector(path)]
    return round(max(sides), 1) if sides else None


def measure_weak_pixel(path: str | Path, grid: Grid) -> float:
    """Measure the true side of a weak raster's pixel at the middle of a grid, metres: that of a square as large."""
    with open_raster(path) as dataset:
        to_weak = pyproj.Transformer.from_crs(
            grid.pyproj_crs, pyproj.CRS.from_wkt(dataset.crs.to_wkt()), always_xy=True
        )
        x, y = to_weak.transform(*grid.centre)
        step = dataset.transform
        at = type(step)(step.a, 0, x - step.a / 2, 0, step.e, y - step.e / 2)
        width, height = pixel_size_m(Grid(dataset.crs, at, 1, 1))
    return float(np.sqrt(width * height))


def find_within(mask: np.ndarray, limit_m: float, pixel_m: tuple[float, float]) -> np.ndarray:
    """Find which pixels have their centre within a distance of any part of a pixel of a mask.

    `mask` and the result are bool (h, w), `pixel_m` the width and height of a pixel, metres. The distances are exact:
    to the nearest point of the rectangle, not to its centre.
    """
    width, height = pixel_m
    across = _count_columns(mask)
    found = np.zeros_like(mask)
    for step in range(int(limit_m / height + 0.5) + 1):
        up = max(step - 0.5, 0) * height
        if up > limit_m:
            break
        columns = int(np.sqrt(limit_m**2 - up**2) / width + 0.5)
        rows = len(mask) - step
        if rows <= 0:
            break
        found[:rows] |= across[step:] <= columns
        found[step:] |= across[:rows] <= columns
    return found


def _count_columns(mask: np.ndarray) -> np.ndarray:
    """Columns from each pixel to the nearest one of the mask in its row, (h, w) int32; huge without one."""
    columns, none = np.arange(mask.shape[1], dtype=np.int32), np.int32(2**30)
    before = columns - np.maximum.accumulate(np.where(mask, columns, -none), axis=1)
    after = np.minimum.accumulate(np.where(mask, columns, none)[:, ::-1], axis=1)[:, ::-1] - columns
    return np.minimum(before, after)


def _halo_px(grid: Grid, metres: float) -> int:
    return int(metres / min(pixel_size_m(grid))) + 2


def _crop(array: np.ndarray, halo: int) -> np.ndarray:
    return np.ascontiguousarray(array[halo : array.shape[0] - halo, halo : array.shape[1] - halo])


def _read_map(path: Files, weak: WeakMap | Consensus, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Values and validity on the grid, the map moved but neither guarded nor eroded."""
    paths = [path] if isinstance(path, str | Path) else path
    members = weak.members if isinstance(weak, Consensus) else (weak,)
    maps = [_read_member(own, member, grid) for own, member in zip(paths, members, strict=True)]
    return _combine(maps, weak.agreement) if isinstance(weak, Consensus) else maps[0]


def _read_member(path: str | Path, weak: WeakMap, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    if weak.register_ == "auto":
        raise ValueError("the shift of a weak map that is registered by itself is measured before the map is read")
    if weak.register_ != "off":
        east, north = weak.register_
        grid = grid.shifted(-east, -north)
    values, valid = _read_polygons(path, weak, grid) if is_vector(path) else _read_raster(path, weak, grid)
    values[~valid] = 0
    return values, valid


def _combine(maps: list[tuple[np.ndarray, np.ndarray]], agreement: str) -> tuple[np.ndarray, np.ndarray]:
    valid = np.logical_and.reduce([known for _, known in maps])
    if agreement == "mean":
        values = np.zeros(valid.shape, np.float32)
        for part, _ in maps:
            values += part
        values /= np.float32(len(maps))
    else:
        classes = [part > CROPLAND_ABOVE for part, _ in maps]
        for other in classes[1:]:
            valid &= other == classes[0]
        values = classes[0].astype(np.uint8)
    values[~valid] = 0
    return values, valid


def _read_raster(path: str | Path, weak: WeakMap, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    with open_raster(path) as dataset:
        raw, valid = warp_nearest(dataset, weak.band, grid)
        nodata = dataset.nodatavals[weak.band - 1] if weak.nodata is None else weak.nodata
    valid &= ~match_values(raw, [nodata])
    if raw.dtype.kind == "f":
        valid &= np.isfinite(raw)
    if weak.probability:
        return _scale_probabilities(raw, valid, weak.scale, path), valid
    return match_values(raw, _parse_classes(weak, path)).astype(np.uint8), valid


def _scale_probabilities(raw: np.ndarray, valid: np.ndarray, scale: float, path: str | Path) -> np.ndarray:
    values = np.where(valid, raw, 0).astype(np.float32) * np.float32(scale)
    if values.size and (values.max() > 1 + PROBABILITY_SLACK or values.min() < -PROBABILITY_SLACK):
        what = f"probabilities of {values.min():g} to {values.max():g} after scaling by {scale:g}, not of 0 to 1"
        raise CropmineError(path, what, "percent have scale 0.01; name a value without data as nodata")
    return np.clip(values, 0, 1, out=values)


def _parse_classes(weak: WeakMap, path: str | Path) -> list[float]:
    try:
        return [float(value) for value in weak.cropland]
    except ValueError as error:
        hint = "name the raster's values that are cropland"
        raise CropmineError(path, f"`cropland` of the weak map isn't numbers ({error})", hint) from error


def _read_polygons(path: str | Path, weak: WeakMap, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    layer = read_polygons(path, grid, weak.class_field)
    if layer.values is None:
        covered = burn_polygons(layer.polygons, grid)
        return covered.astype(np.uint8), covered | burn_polygons(layer.extent, grid)
    wanted = {class_text(value) for value in weak.cropland}
    is_cropland = np.array([class_text(value) in wanted for value in layer.values], bool)
    cropland = burn_polygons(layer.polygons[is_cropland], grid)
    other = burn_polygons(layer.polygons[~is_cropland], grid)
    return cropland.astype(np.uint8), cropland ^ other
