"""Tiles of a region, found by the names of their files alone."""

import json
import re
import sqlite3
from contextlib import closing
from difflib import get_close_matches
from glob import escape, glob
from hashlib import sha256
from pathlib import Path
from typing import TypedDict

from cropmine.config.base import TILE_NAME
from cropmine.config.experiments import Training
from cropmine.config.regions import Region
from cropmine.errors import CropmineError
from cropmine.geo.raster_formats import VIRTUAL, digest_path
from cropmine.geo.vector_formats import check_vector
from cropmine.planning import paths

SHOWN = 20
COUNTED_BYTES = 20_000_000


def imagery_patterns(region: Region) -> list[str]:
    """The patterns of a region's imagery, one a date, in order."""
    return list(region.imagery.values()) if isinstance(region.imagery, dict) else [region.imagery]


def mask_patterns(region: Region) -> list[str]:
    """The patterns of a region's mask files, one a date of its imagery; none without masks."""
    if region.mask is None:
        return []
    if isinstance(region.mask.path, dict):
        return [region.mask.path[date] for date in region.imagery]
    return [region.mask.path] * len(imagery_patterns(region))


def find_tiles(name: str, region: Region) -> list[str]:
    """Name the tiles of a region, sorted; no raster is opened.

    Raises CropmineError if no file matches, a name can't be used, or a date lacks a tile that another date has.
    """
    if region.simulate:
        made = [f"r{row}c{column}" for row in range(region.simulate.rows) for column in range(region.simulate.columns)]
        return list(region.tiles or made)
    patterns = imagery_patterns(region)
    if region.tiles is not None:
        return list(region.tiles)
    where = f"regions.{name}.imagery"
    for pattern in patterns:
        if pattern.startswith(VIRTUAL):
            hint = "name them in `tiles`: archives and buckets aren't searched"
            raise CropmineError(where, f"the tiles of {pattern} aren't known", hint)
    found = {pattern: _match_names(pattern) for pattern in patterns}
    for pattern, tiles in found.items():
        if not tiles:
            raise CropmineError(where, f"no file matches {pattern}", _hint_folder(pattern))
    every = set().union(*found.values())
    for pattern, tiles in found.items():
        if missing := sorted(every - tiles):
            some = ", ".join(missing[:5]) + (" …" if len(missing) > 5 else "")
            raise CropmineError(
                where, f"{pattern} lacks {len(missing)} tiles that another date has: {some}", "add them or list `tiles`"
            )
    for tile in sorted(every):
        if not TILE_NAME.fullmatch(tile):
            raise CropmineError(
                where,
                f"tile name {tile!r}",
                "use letters, digits, dots, dashes and underscores, at most 128, a letter or digit first",
            )
    return sorted(every)


def _match_names(pattern: str) -> set[str]:
    head, tail = pattern.split("{tile}")
    matches = glob(escape(head) + "*" + escape(tail))  # noqa: PTH207 (a pattern with a head and a tail)
    return {match[len(head) : len(match) - len(tail)] for match in matches if re.search(r"[^/]", match[len(head) :])}


def check_files(name: str, region: Region, files: dict[str, dict]) -> None:
    """Refuse a region whose files aren't all there, with every missing one and what its folder has instead.

    A finished run wouldn't notice that they are gone. Files that a rule makes and those of GDAL's virtual file systems
    aren't looked for.
    """
    named = [("imagery", path) for tile in files.values() for path in tile["images"]]
    named += [("mask.path", path) for tile in files.values() for path in tile["masks"]]
    named += [(f"features.{key}", path) for tile in files.values() for key, path in tile["features"].items()]
    named += [(f"weak.{key}.path", weak.path) for key, weak in region.weak.items() if weak.path is not None]
    named += [
        (f"weak.{key}.training_labels", weak.training_labels)
        for key, weak in region.weak.items()
        if weak.training_labels is not None
    ]
    named += [("labels.path", path) for path in (region.labels.path if region.labels else ())]
    named += [("labels.test_path", path) for path in (region.labels.test_path if region.labels else ())]
    named += [("sample.path", region.sample.path), ("sample.design", region.sample.design)] if region.sample else []
    named += [("area", region.area)] if region.area else []
    named += [("model", region.model)] if region.model else []
    named += [(f"exclude.{place}.path", exclusion.path) for place, exclusion in enumerate(region.exclude)]
    missing = [
        (key, path)
        for key, path in named
        if not path.startswith((f"{paths.RESULTS}/", VIRTUAL)) and not Path(path).exists()
    ]
    if missing:
        faults = [
            CropmineError(f"regions.{name}.{key}", f"no such file: {path}", _hint_name(path))
            for key, path in missing[:SHOWN]
        ]
        raise CropmineError(f"regions.{name}", f"{len(missing)} files are missing", faults=faults)


def _hint_name(path: str) -> str:
    folder = Path(path).parent
    near = get_close_matches(Path(path).name, [p.name for p in folder.iterdir()] if folder.is_dir() else [], n=1)
    return f"{folder} has {near[0]}" if near else _hint_folder(path)


def _hint_folder(pattern: str) -> str:
    folder = Path(pattern.split("{tile}")[0] + "x").parent
    if not folder.is_dir():
        return f"there is no folder {folder}; paths start at the working directory"
    names = sorted(p.name for p in folder.iterdir())[:3]
    return f"{folder} has {', '.join(names)}" if names else f"{folder} is empty"


class TileFiles(TypedDict):
    """The files of a tile: its images and its masks, lists of one a date each, and its feature rasters by name."""

    images: list[str]
    masks: list[str]
    features: dict[str, str]


def tile_files(region: Region, tile: str) -> TileFiles:
    """Fill a tile's name into the patterns of a region."""
    return {
        "images": [pattern.replace("{tile}", tile) for pattern in imagery_patterns(region)],
        "masks": [pattern.replace("{tile}", tile) for pattern in mask_patterns(region)],
        "features": {name: pattern.replace("{tile}", tile) for name, pattern in region.features.items()},
    }


def name_virtual_source(region: str, path: str) -> str:
    """The file that stands for a path of GDAL's virtual file systems (/vsizip/, /vsis3/ …) in a region; else the path.

    Snakemake looks for every input on disk, so that a small VRT is made for what lies in an archive or a bucket.
    """
    if not path.startswith(VIRTUAL):
        return path
    slug = re.sub(r"[^A-Za-z0-9]+", "_", path).strip("_")[-80:]
    return paths.VIRTUAL.format(region=region, source=f"{slug}_{digest_path(path)}")


def count_rows(path: str) -> int | None:
    """Count the rows of a vector file by the standard library alone; None where that can't be told."""
    file, suffix = Path(path), Path(path).suffix.lower()
    try:
        if suffix == ".gpkg":
            check_vector(path)
            with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
                query = "SELECT feature_count FROM gpkg_ogr_contents"
                return sum(count for (count,) in database.execute(query))
        if suffix == ".shp":
            return (file.with_suffix(".shx").stat().st_size - 100) // 8
        if suffix in (".geojson", ".json") and file.stat().st_size < COUNTED_BYTES:
            return len(json.loads(file.read_text(encoding="utf-8"))["features"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError, sqlite3.Error, CropmineError):
        return None  # what is wrong with the file is for the preflight to say
    return None


def choose_training_tiles(name: str, tiles: list[str], training: Training, seed: int) -> list[str]:
    """Those tiles that are segmented and train: all, a count of those with the lowest hash, or the named ones."""
    if training.tiles == "all":
        return tiles
    if isinstance(training.tiles, int):
        chosen = sorted(tiles, key=lambda tile: sha256(f"{seed} {tile}".encode()).digest())
        return sorted(chosen[: training.tiles])
    if unknown := sorted(set(training.tiles) - set(tiles)):
        raise CropmineError(
            "training.tiles", f"region {name} has no tile {unknown[0]!r}", f"it has {', '.join(tiles[:5])}"
        )
    return list(training.tiles)


def check_simulated_paths(name: str, region: Region) -> None:
    """Check that the inputs of a simulated region are in its inputs folder. Raises CropmineError if one isn't."""
    made = {"imagery": (region.imagery, paths.SIMULATED_IMAGERY)}
    if region.mask:
        made["mask.path"] = (region.mask.path, paths.SIMULATED_MASKS)
    if region.labels:
        made["labels.path"] = (region.labels.path[0], paths.SIMULATED_LABELS)
    wanted = {key: (given, [pattern.replace("{region}", name)]) for key, (given, pattern) in made.items()}
    maps = [pattern.format(region=name) for pattern in (paths.SIMULATED_WEAK, paths.SIMULATED_WEAK_OTHER)]
    wanted |= {f"weak.{key}.path": (weak.path, maps) for key, weak in region.weak.items() if weak.path is not None}
    for key, (given, known) in wanted.items():
        if given not in known:
            raise CropmineError(
                f"regions.{name}.{key}",
                f"the inputs of a simulated region are in its inputs folder, not at {given}",
                f"write {' or '.join(known)}",
            )
