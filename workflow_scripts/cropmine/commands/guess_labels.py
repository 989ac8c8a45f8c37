"""Guesses about label files: which field holds the class, which classes are cropland, and how to split them."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import shapely

from cropmine.classes import CLASS_VALUES
from cropmine.config.regions import LabelFiles, Split
from cropmine.errors import CropmineError
from cropmine.geo.footprints import Footprint
from cropmine.geo.grids import measure_pixel
from cropmine.geo.vectors import read_vector
from cropmine.inputs.checks.findings import list_names
from cropmine.inputs.class_values import CLASS_KEYS, class_text
from cropmine.inputs.label_pieces import SPLITS, TEST, VALIDATION
from cropmine.inputs.labels import read_labels
from cropmine.inputs.splits import split_labels
from cropmine.planning.plans import FEW_LABELS
from cropmine.scoring.metrics import LEAST_BLOCKS

MOST_CLASSES = 50
FIELD_NAME = re.compile(r"class|crop|label|land|lc|lulc|use|type|categor", re.IGNORECASE)
CROPLAND = frozenset(
    {"crop", "crops", "cropland", "cultivated", "agriculture", "agricultural", "arable", "field", "fields", "farm"}
    | {"farmland", "farms", "maize", "corn", "wheat", "barley", "rice", "paddy", "sorghum", "millet", "teff", "tef"}
    | {
        "bean",
        "beans",
        "soy",
        "soya",
        "soybean",
        "soybeans",
        "groundnut",
        "groundnuts",
        "cassava",
        "potato",
        "potatoes",
    }
    | {"cotton", "sugarcane", "sunflower", "rapeseed", "canola", "vegetable", "vegetables", "cowpea", "cowpeas", "yam"}
    | {"yams", "potatoes", "sesame", "oats", "rye", "cereal", "cereals", "pulses", "tobacco", "yes", "true", "1"}
)
NONCROPLAND = frozenset(
    {"noncrop", "noncropland", "other", "others", "forest", "forests", "tree", "trees", "shrub", "shrubs", "shrubland"}
    | {"bush", "bushland", "grass", "grasses", "grassland", "pasture", "rangeland", "savanna", "savannah", "water"}
    | {"river", "lake", "wetland", "wetlands", "built", "urban", "town", "towns", "village", "settlement"}
    | {"settlements", "building", "buildings", "road", "roads", "bare", "bareland", "rock", "rocks", "sand", "desert"}
    | {"snow", "ice", "woodland", "natural", "no", "false", "0"}
)
YEAR = re.compile(r"(?<!\d)((?:19[7-9]|20)\d\d)(?=\D|[01]\d[0-3]\d|$)")  # also where month and day follow
NEGATION = re.compile(r"(non|not|no)[ _-]*(agricult|crop|cultiv|farm|arable)", re.IGNORECASE)
BLOCKS_M = (5000, 2000, 1000, 640, 500, 320, 250, 160, 100)
LEAST_PX = 12  # across a block
LEAST_VALIDATION = 3  # blocks of each class


@dataclass
class LabelGuess:
    """What label files were taken for: settings of a region, why, and the labels as read_labels gives them."""

    settings: dict
    labels: geopandas.GeoDataFrame
    why: dict[str, str]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class LabelOptions:
    """What a user said of labels instead of leaving it to a guess; empty: nothing."""

    class_field: str = ""
    cropland: tuple[str, ...] = ()
    noncropland: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    definition: str = ""


def guess_labels(
    paths: Sequence[str], tests: Sequence[str], label_options: LabelOptions, footprint: Footprint
) -> LabelGuess:
    """Guess the settings of labels and of their split from label files and files that only test.

    footprint: where the tiles lie; labels elsewhere don't count for the split. Raises CropmineError, with what was
    seen, where no field holds classes that are known or a class is lacking.
    """
    pixel_m = measure_pixel(footprint.grids)
    frames = {path: read_vector(Path(path)) for path in [*paths, *tests]}
    name = _choose_field(frames, label_options)
    counts = Counter(value for frame in frames.values() for value in frame[name].map(class_text, na_action=None))
    classes = {value: _tell_class(value, label_options) for value in counts}
    guess = LabelGuess({}, geopandas.GeoDataFrame(), {})
    named = {kind: sorted(value for value in counts if classes[value] == kind) for kind in (*CLASS_VALUES, "ignore")}
    _check_classes(named, counts, name, paths)
    settings: dict[str, Any] = {"path": list(paths) if len(paths) > 1 else paths[0], "class_field": name}
    settings |= {kind: [_spell(value) for value in named[kind]] for kind in CLASS_KEYS}
    if not settings["ignore"]:
        del settings["ignore"]
    elif unknown := [value for value in named["ignore"] if value not in label_options.ignore]:
        told = ", ".join(f"{value or 'empty'} ({counts[value]} rows)" for value in unknown)
        guess.notes.append(f"labels of classes that aren't known are left out: {told}; move them where they belong")
    if any((frame.geom_type == "Point").any() for frame in frames.values()):
        settings["radius_m"] = round(2 * pixel_m, 1)
        guess.why["radius_m"] = "two pixels around a point"
    if tests:
        settings["test_path"] = list(tests)
    crops = ", ".join(named["cropland"])
    settings["definition"] = label_options.definition or f"what {Path(paths[0]).name} calls {crops}"
    if not label_options.definition:
        guess.notes.append("say in labels.definition what counts as cropland: it is printed on map, card and report")
    if year := find_file_year([Path(path).name for path in paths]):
        settings["year"] = year
    guess.settings["labels"] = settings
    guess.why["labels"] = f"{sum(counts.values())} labels in the field {name}"
    parts = _find_split_field({path: frames[path] for path in paths}) if not tests else None
    options = {key: value for key, value in settings.items() if key not in ("definition", "year")}
    guess.labels = read_labels(LabelFiles(**options), paths, parts, tests)
    _guess_split(guess, _select_near(guess.labels, footprint), parts, bool(tests), pixel_m)
    return guess


def _spell(value: str) -> int | str:
    return int(value) if re.fullmatch(r"-?(0|[1-9]\d*)", value) else value


def find_file_year(names: Sequence[str]) -> int | None:
    """Find the year that file names hold, if they hold just one."""
    found = {int(year) for name in names for year in YEAR.findall(name)}
    return found.pop() if len(found) == 1 else None


def _choose_field(frames: Mapping[str, geopandas.GeoDataFrame], label_options: LabelOptions) -> str:
    """The field of all files whose values are best known as classes."""
    shared = set.intersection(*(set(frame.columns) - {frame.geometry.name} for frame in frames.values()))
    values = {
        name: pd.concat([frame[name].map(class_text, na_action=None) for frame in frames.values()]).value_counts()
        for name in sorted(shared, key=str)
    }
    if label_options.class_field:
        if label_options.class_field not in values:
            known = list_names(list(map(str, values))) or "none"
            raise CropmineError(
                "--class-field", f"no such field: {label_options.class_field}", f"fields of all files: {known}"
            )
        return label_options.class_field
    scores = {name: _score_field(str(name), counts, label_options) for name, counts in values.items()}
    best = max(scores, key=lambda name: scores[name], default=None)
    if best is not None and scores[best] > 0:
        return best
    seen = "; ".join(
        f"{name}: {len(counts)} values such as {list_names([repr(value) for value in counts.index[:3]])}"
        for name, counts in values.items()
    )
    what = f"no field holds classes of cropland and others. Its fields are {seen or 'none'}"
    hint = "name them: --class-field FIELD --cropland CLASS --noncropland CLASS; or add a field `class`"
    raise CropmineError(", ".join(frames), what, hint)


def _score_field(name: str, counts: pd.Series, label_options: LabelOptions) -> float:
    """The share of rows whose class is known, if both classes are among them; a telling name counts, too."""
    if len(counts) > MOST_CLASSES:
        return 0
    telling = FIELD_NAME.search(name) is not None
    if not telling and set(counts.index) <= {"0", "1", "yes", "no", "true", "false", ""}:
        return 0
    known: Counter[str] = Counter()
    for value, count in counts.items():
        known[_tell_class(str(value), label_options)] += count
    if not (known["cropland"] and known["noncropland"]):
        return 0
    return (known["cropland"] + known["noncropland"]) / counts.sum() + telling


def _tell_class(value: str, label_options: LabelOptions) -> str:
    """The class of a value: as the user said, else by its words; ignore where these tell nothing or contradict."""
    for kind in CLASS_KEYS:
        if value in getattr(label_options, kind):
            return kind
    if NEGATION.search(value):
        return "noncropland"
    words = set(re.findall(r"[a-z]+|\d+", value.lower()))
    is_crop, is_other = bool(words & CROPLAND), bool(words & NONCROPLAND)
    if is_crop == is_other:
        return "ignore"
    return "cropland" if is_crop else "noncropland"


def _check_classes(
    named: Mapping[str, Sequence[str]], counts: Mapping[str, int], name: str, paths: Sequence[str]
) -> None:
    lacking = [kind for kind in CLASS_VALUES if not named[kind]]
    if lacking:
        seen = ", ".join(f"{value!r} ({count} rows)" for value, count in sorted(counts.items())[:MOST_CLASSES])
        what = f"no class of the field {name} is known to be {' or '.join(sorted(lacking))}; it holds {seen}"
        hint = "name them: --cropland CLASS --noncropland CLASS. Both classes are needed; or leave --labels out"
        raise CropmineError(", ".join(paths), what, hint)


def _find_split_field(frames: Mapping[str, geopandas.GeoDataFrame]) -> str | None:
    """A field that says of each label whether it trains, validates or tests."""
    for name in next(iter(frames.values())).columns:
        values = [frame[name] for frame in frames.values() if name in frame and name != frame.geometry.name]
        if len(values) == len(frames) and set(pd.concat(values).map(class_text, na_action=None)) == set(SPLITS):
            return str(name)
    return None


def _select_near(labels: geopandas.GeoDataFrame, footprint: Footprint) -> geopandas.GeoDataFrame:
    """The labels that lie on a tile; all of them if none does, which the check of inputs reports."""
    boxes = shapely.STRtree(shapely.box(*footprint.lonlat[np.isfinite(footprint.lonlat).all(axis=1)].T))
    near = np.unique(boxes.query(labels.geometry, predicate="intersects")[0])
    return labels.iloc[near] if len(near) else labels


def _guess_split(
    guess: LabelGuess, near: geopandas.GeoDataFrame, parts: str | None, tested: bool, pixel_m: float
) -> None:
    if parts:
        guess.settings["split"] = {"method": "field", "field": parts}
        guess.why["split"] = f"the field {parts} names the split of each label"
        return
    method = "auto" if tested else "kfold" if len(near) < FEW_LABELS else "holdout"
    least = LEAST_PX * pixel_m
    sizes = [size for size in BLOCKS_M if size >= least] or [round(least)]
    blocks = {size: _count_blocks(near, method, size) for size in sizes}
    enough = [
        size for size in sizes if blocks[size][TEST] >= LEAST_BLOCKS and blocks[size][VALIDATION] >= LEAST_VALIDATION
    ]
    block_m = (enough or [max(sizes, key=lambda size: min(blocks[size].values()))])[0]
    guess.settings["split"] = {"method": method, "block_m": block_m, "buffer_m": _choose_buffer(block_m)}
    how = {
        "auto": "test_path tests, blocks of the rest train or validate",
        "kfold": f"under {FEW_LABELS} labels: each is tested once",
        "holdout": "blocks are drawn once",
    }
    held = blocks[block_m]
    guess.why["split"] = (
        f"{how[method]}; at least {held[TEST]} test and {held[VALIDATION]} validation blocks hold each class"
    )
    if held[TEST] < LEAST_BLOCKS:
        guess.notes.append(
            f"no size of block gives {LEAST_BLOCKS} test blocks of each class (the best: {held[TEST]}), so scores have "
            "no interval: label more places"
        )
    if held[VALIDATION] < LEAST_VALIDATION:
        guess.notes.append(
            f"{held[VALIDATION]} validation blocks hold each class: too few to choose a model by; label more places"
        )


def _choose_buffer(block_m: float) -> int:
    return int(min(100, block_m // 8))


def _count_blocks(labels: geopandas.GeoDataFrame, method: str, block_m: float) -> dict[str, int]:
    """Blocks that validate and test the class that fewer hold; 0 where such a split can't be made.

    With kfold all blocks test in their turn, and what validates is the fold that holds fewest.
    """
    split = Split(method="field" if method == "auto" else method, block_m=block_m, buffer_m=_choose_buffer(block_m))
    table = labels if split.method == "field" else labels.drop(columns="split", errors="ignore")
    try:
        pieces, _ = split_labels(table, split, [0])
    except CropmineError:
        return {VALIDATION: 0, TEST: 0}
    if split.method == "kfold":
        folds = [_count_fewer(pieces[pieces["fold"] == fold]) for fold in range(split.folds)]
        return {VALIDATION: min(folds), TEST: _count_fewer(pieces)}
    return {name: _count_fewer(pieces[pieces["split"] == name]) for name in (VALIDATION, TEST)}


def _count_fewer(pieces: geopandas.GeoDataFrame) -> int:
    """Blocks that hold the class that fewer hold."""
    return min(pieces.loc[pieces["target"] == target, "block"].nunique() for target in CLASS_VALUES.values())
