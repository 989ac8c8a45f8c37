"""Guesses about a weak map: which well-known map it is, or which of its values are cropland."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
from affine import Affine

from cropmine.classes import CLASS_VALUES
from cropmine.commands.guess_labels import find_file_year
from cropmine.config.known_maps import PRESETS
from cropmine.errors import CropmineError
from cropmine.geo.areas import measure_polygons
from cropmine.geo.grids import Grid, open_raster
from cropmine.geo.headers import RasterHeader, read_raster_header
from cropmine.geo.rasters import match_values, warp_nearest
from cropmine.geo.vectors import is_vector, read_vector
from cropmine.inputs.checks.findings import list_names
from cropmine.inputs.class_values import class_text

LOOKED_AT = 32  # tiles over which the map is looked at
LOOKED_PX = 128
MANY_VALUES = 20
LEAST_LABELS = 5
NAMES = (
    ("esa_worldcover_2020", r"world.?cover.*(2020|v100)"),
    ("esa_worldcover_2021", r"world.?cover"),
    ("worldcereal_2021", r"world.?cereal|temporarycrops"),
    ("copernicus_lc100", r"lc.?100|probav"),
    ("glad_cropland", r"(^|[^a-z])glad|global_cropland|potapov"),
    ("digital_earth_africa_2019", r"deafrica|digital.?earth|crop_mask|cropland_extent"),
    ("cdl", r"(^|[^a-z])cdl([^a-z]|$)|cropland.?data.?layer"),
    ("dynamic_world", r"dynamic.?world|(^|[^a-z])dw([^a-z]|$)"),
)
_WORLDCOVER = frozenset({10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 100})
LEGENDS = {
    "esa_worldcover_2020": _WORLDCOVER,
    "esa_worldcover_2021": _WORLDCOVER,
    "worldcereal_2021": frozenset({0, 100}),
    "copernicus_lc100": frozenset({0, *range(20, 101, 10), *range(111, 117), *range(121, 127), 200}),
    "glad_cropland": frozenset({0, 1}),
    "digital_earth_africa_2019": frozenset({0, 1}),
    "cdl": frozenset(range(1, 255)),
    "dynamic_world": frozenset(range(9)),
}
# Legends that no other map shares, recognised by values alone: at least this many of the legend, and one of the marks.
TELLING = (
    ("esa_worldcover_2021", 3, _WORLDCOVER),
    ("copernicus_lc100", 3, frozenset({*range(111, 117), *range(121, 127)})),
    ("dynamic_world", 4, frozenset({4})),
    ("worldcereal_2021", 2, frozenset({100})),
)


@dataclass
class WeakGuess:
    """What a weak map was taken for: its name and settings, why, and remarks."""

    name: str
    settings: dict
    why: str
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class SampledValues:
    """Values of a raster without those of no data: over the tiles, (n,), and at each label, (L,), NaN outside."""

    values: np.ndarray
    at_labels: np.ndarray
    nodata: float | None

    @property
    def shares(self) -> dict[float, float]:
        """Share of each value in those over the tiles."""
        found, counts = np.unique(self.values, return_counts=True)
        return dict(zip(found.tolist(), (counts / counts.sum()).tolist(), strict=True))


def guess_weak_map(
    path: str, grids: Sequence[Grid], labels: geopandas.GeoDataFrame | None, cropland: Sequence[str] = ()
) -> WeakGuess:
    """Guess the settings of a weak map from its name, its values over the tiles' grids, and the labels on it.

    cropland: the values that a user says are cropland; empty: guess them. Raises CropmineError where values aren't
    known, with what was seen.
    """
    path = _settle_file(path)
    name = re.sub(r"[^A-Za-z0-9]+", "_", Path(path).stem).strip("_").lower() or "weak_map"
    if is_vector(path):
        return _guess_polygons(path, name, cropland)
    header = read_raster_header(path)
    band = _choose_band(header)
    seen = _look(path, band, grids, labels)
    if not len(seen.values):
        raise CropmineError(path, "no valid pixel lies over the imagery", "is it of this region, and is nodata right?")
    guess = _guess_raster(path, name, seen, cropland, header)
    if band > 1:
        guess.settings["band"] = band
    named = {"path": path} | guess.settings
    preset = PRESETS[named["preset"]].settings if "preset" in named else {}
    if "year" not in preset and (year := find_file_year([Path(path).name])):
        named["year"] = year
    guess.settings = named
    _hold_against_labels(guess, seen, labels)
    return guess


def _settle_file(path: str) -> str:
    place = Path(path)
    if not place.exists():
        raise CropmineError(path, "no such file", "WEAK is a raster or a polygon file")
    if not place.is_dir():
        return path
    inside = sorted(one for one in place.iterdir() if one.suffix.lower() in (".tif", ".tiff", ".vrt"))
    if len(inside) == 1:
        return str(inside[0])
    seen = f"holds {len(inside)} rasters: {list_names([one.name for one in inside])}" if inside else "holds no raster"
    raise CropmineError(
        path, seen, f"a weak map is one file: join tiles (rio merge {path}/*.tif weak.tif), or name one"
    )


def _choose_band(header: RasterHeader) -> int:
    """The band that is called a class; the first, if none is."""
    names = [(name or "").lower() for name in header.descriptions]
    return next((at for at, name in enumerate(names, 1) if re.search(r"class|label|map", name)), 1)


def _look(path: str, band: int, grids: Sequence[Grid], labels: geopandas.GeoDataFrame | None) -> SampledValues:
    chosen = np.unique(np.linspace(0, len(grids) - 1, min(len(grids), LOOKED_AT)).round().astype(int))
    with open_raster(path) as dataset:
        nodata, found = dataset.nodatavals[band - 1], []
        for grid in (_coarsen(grids[at]) for at in chosen):
            values, inside = warp_nearest(dataset, band, grid)
            found.append(values[inside & ~match_values(values, [nodata])].astype(float))
        values = np.concatenate(found)
        at_labels = np.empty(0)
        if labels is not None:
            points = labels.geometry.representative_point().to_crs(dataset.crs)
            places = zip(points.x, points.y, strict=True)
            rows = np.ma.stack(list(dataset.sample(places, indexes=[band], masked=True)))[:, 0]
            at_labels = np.ma.filled(rows.astype(float), np.nan)
    return SampledValues(values[np.isfinite(values)], at_labels, nodata)


def _coarsen(grid: Grid) -> Grid:
    """The same place in at most LOOKED_PX pixels a side."""
    width, height = (min(side, LOOKED_PX) for side in (grid.width, grid.height))
    scaled = grid.transform @ Affine.scale(grid.width / width, grid.height / height)
    return Grid(grid.crs, scaled, width, height)


def _guess_raster(
    path: str, name: str, seen: SampledValues, cropland: Sequence[str], header: RasterHeader
) -> WeakGuess:
    found = set(seen.shares)
    if cropland:
        return WeakGuess(name, {"cropland": [_number(value) for value in cropland]}, "as you say")
    preset = _find_preset(Path(path).name, found)
    if preset:
        key, why = preset
        guess = WeakGuess(re.sub(r"_\d{4}$", "", key), {"preset": key}, why)
        nodata = PRESETS[key].settings.get("nodata")
        if seen.nodata is not None and seen.nodata != nodata and seen.nodata not in LEGENDS[key]:
            guess.settings["nodata"] = _number(seen.nodata)
        return guess
    low, high = min(found), max(found)
    if len(found) > MANY_VALUES and low >= 0 and high <= 100:
        scale = {} if high <= 1 else {"scale": 0.01}
        return WeakGuess(name, {"probability": True} | scale, f"values of {low:g} to {high:g}: probabilities")
    if found <= {0.0, 1.0, 255.0}:
        value, why = _choose_of_two(path, header)
        settings: dict[str, Any] = {"cropland": [value]}
        if seen.nodata in (None, 0.0):
            settings["nodata"] = 255  # a file that tags 0, which is other land, would lose it
        return WeakGuess(name, settings, why)
    raise _refuse_values(path, seen)


def _find_preset(file: str, found: set[float]) -> tuple[str, str] | None:
    """The well-known map that a file is, and why that is thought: by its name if its values fit, or by these alone."""
    for key, pattern in NAMES:
        rest = found - {PRESETS[key].settings.get("nodata")}
        if re.search(pattern, file, re.IGNORECASE) and rest <= LEGENDS[key] and not _is_reversed(key, rest):
            return key, f"by its name; {PRESETS[key].title}"
    for key, least, marks in TELLING:
        rest = found - {PRESETS[key].settings.get("nodata")}
        if rest <= LEGENDS[key] and len(rest) >= least and rest & marks:
            return key, f"by its values {list_values(rest)}; {PRESETS[key].title}"
    return None


def _is_reversed(key: str, values: set[float]) -> bool:
    """Whether the values are of two classes that the map calls otherwise, such as 0 and 1 where it has 0 and 100."""
    return values == {0.0, 1.0} and not LEGENDS[key] >= {0, 1}


def list_values(values: Iterable[float]) -> str:
    """Spell values, whole numbers without a fraction."""
    return ", ".join(class_text(value) for value in sorted(values))


def _number(value: float | str) -> int | float | str:
    text = class_text(value)
    return int(text) if re.fullmatch(r"-?\d+", text) else value


def _choose_of_two(path: str, header: RasterHeader) -> tuple[int, str]:
    """Which of 0 and 1 is cropland: 1, unless a band of probabilities beside it says otherwise."""
    names = [(name or "").lower() for name in header.descriptions]
    beside = next((at for at, name in enumerate(names, 1) if "prob" in name), None)
    if beside is None:
        return 1, "of 0 and 1, 1 is taken for cropland"
    with open_raster(path) as dataset:
        shape = tuple(min(side, 4 * LOOKED_PX) for side in dataset.shape)
        classes = dataset.read(_choose_band(header), out_shape=shape)
        chances = dataset.read(beside, out_shape=shape, masked=True)
    means = {value: float(chances[classes == value].mean()) for value in (0, 1) if (classes == value).any()}
    value = max(means, key=lambda cls: means[cls])
    return value, f"where it is {value}, its band {header.descriptions[beside - 1]} is high ({means[value]:.0f})"


def _refuse_values(path: str, seen: SampledValues) -> CropmineError:
    told = ", ".join(f"{class_text(value)} ({share:.1%})" for value, share in list(seen.shares.items())[:MANY_VALUES])
    more = " …" if len(seen.shares) > MANY_VALUES else ""
    hint = "name those of cropland, each by --weak-cropland; docs/bring-your-own-data.md lists well-known maps"
    return CropmineError(path, f"its values aren't those of a map that is known: {told}{more} of the imagery", hint)


def _guess_polygons(path: str, name: str, cropland: Sequence[str]) -> WeakGuess:
    frame = read_vector(Path(path))
    if not cropland:
        fields = [str(column) for column in frame.columns if column != frame.geometry.name]
        note = f"every polygon of {path} is taken for cropland; if a field holds the class, name it as class_field: "
        return WeakGuess(name, {"path": path}, "polygons of cropland", [note + (list_names(fields) or "it has none")])
    for column in frame.columns.drop(frame.geometry.name):
        if set(cropland) & set(frame[column].map(class_text, na_action=None)):
            settings = {"path": path, "class_field": str(column), "cropland": list(cropland)}
            return WeakGuess(name, settings, "as you say")
    raise CropmineError(path, f"no field holds {', '.join(cropland)}", "--weak-cropland names values of a field")


def _hold_against_labels(guess: WeakGuess, seen: SampledValues, labels: geopandas.GeoDataFrame | None) -> None:
    """Say how the labels see the map: what share of each class lies on its cropland."""
    settings = guess.settings
    if labels is None or settings.get("probability"):
        return
    cropland = settings.get("cropland") or PRESETS[settings["preset"]].settings["cropland"]
    known = np.isfinite(seen.at_labels)
    hit = match_values(seen.at_labels[known], [float(value) for value in cropland])
    targets, areas = labels["target"].to_numpy()[known], measure_polygons(labels.geometry.to_numpy())[known]
    if min(np.count_nonzero(targets == target) for target in CLASS_VALUES.values()) < LEAST_LABELS:
        return
    off, on = (np.average(hit[targets == target], weights=areas[targets == target]) for target in (0, 1))
    guess.why += (
        f"; about {on:.0%} of the area of cropland labels is cropland in it, and {off:.0%} of that of the others"
    )
    if on <= off:
        guess.notes.append(f"the weak map {guess.name} doesn't know cropland labels from others: are its values right?")
