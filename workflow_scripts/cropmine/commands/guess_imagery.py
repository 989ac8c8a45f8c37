"""Guesses about a folder of imagery: which files are tiles, what their bands are called, where masks lie."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

import numpy as np

from cropmine.errors import CropmineError
from cropmine.geo.grids import open_raster
from cropmine.geo.headers import RasterHeader, read_raster_header
from cropmine.inputs.checks.findings import Findings, list_names
from cropmine.inputs.checks.regions import CODE, NUMBERED

RASTERS = (".tif", ".tiff", ".vrt", ".jp2", ".img")
MASK_NAME = re.compile(r"(^|[^a-z])(udm2?|masks?|clouds?|scl|qa)([^a-z]|$)", re.IGNORECASE)
DATE = re.compile(r"(19|20)\d\d[0-9A-Za-z_-]*")
UDM2_BANDS = 8
LOOKED_AT = 8  # tiles whose values are looked at
LOOKED_PX = 256
LARGE_PX = 12_000  # a tile of more pixels across is better cut into several
SENTINEL_2 = {
    **{"B01": "coastal", "B02": "blue", "B03": "green", "B04": "red", "B05": "rededge1", "B06": "rededge2"},
    **{"B07": "rededge3", "B08": "nir", "B8A": "nir_narrow", "B09": "vapour", "B11": "swir1", "B12": "swir2"},
}
USUAL_BANDS = {
    1: (("grey",), "one band"),
    3: (("red", "green", "blue"), "three bands"),
    4: (("blue", "green", "red", "nir"), "four bands, in the order of Planet's analytic files"),
    8: (
        ("coastal", "blue", "green1", "green", "yellow", "red", "rededge", "nir"),
        "eight bands, in the order of PlanetScope's",
    ),
}


@dataclass
class ImageryGuess:
    """What a folder of imagery was taken for: settings of a region, why, and the header of each tile's first date."""

    settings: dict
    headers: dict[str, RasterHeader]
    why: dict[str, str]
    notes: list[str] = field(default_factory=list)


def guess_imagery(path: str) -> ImageryGuess:
    """Guess the settings of a region's imagery from a folder, a folder a date, one file or a pattern with {tile}.

    Raises CropmineError where there is no raster, files aren't readable or tiles are of several kinds: with what was
    seen.
    """
    files = _find_files(path)
    headers = _read_headers([one for found in files.values() for one in found])
    images = {date: [one for one in found if not _is_mask(one, path)] for date, found in files.items()}
    images = {date: found for date, found in images.items() if found} or files
    used = [one for found in images.values() for one in found]
    kind = _settle_kind({one: headers[one] for one in used}, path)
    head, tail = "", _find_tail([one.name for one in used])
    if "{tile}" in path:
        head, tail = path.rpartition("/")[2].split("{tile}")
    tiles = {date: {one.name[len(head) : -len(tail) or None]: one for one in found} for date, found in images.items()}
    patterns = {date: f"{found[0].parent}/{head}{{tile}}{tail}" for date, found in images.items()}
    guess = ImageryGuess({}, {name: headers[one] for name, one in next(iter(tiles.values())).items()}, {})
    guess.settings["imagery"] = patterns if len(patterns) > 1 or "" not in patterns else patterns[""]
    guess.why["imagery"] = f"{len(guess.headers)} {'tile' if len(guess.headers) == 1 else 'tiles'} of {kind}"
    if any(len(list(one[0].parent.glob(f"{head}*{tail}"))) != len(one) for one in images.values()):
        guess.settings["tiles"] = sorted(guess.headers)
        guess.why["tiles"] = "the folder holds other files of such names, too"
    _guess_bands(guess)
    _guess_mask(guess, patterns, files)
    _look_at_values(guess)
    large = [name for name, header in guess.headers.items() if max(header.grid.shape) > LARGE_PX]
    if large:
        guess.notes.append(f"{list_names(large)}: over {LARGE_PX} px across; `cropmine tiles` cuts it into tiles")
    return guess


def _find_files(path: str) -> dict[str, list[Path]]:
    """The rasters of each date, under "" where there are no dates."""
    if not path:
        raise CropmineError("IMAGERY", "names nothing", "a folder of rasters, a file, or a pattern with {tile}")
    if "{tile}" in path:
        folder, _, name = path.rpartition("/")
        found = sorted(Path(folder or ".").glob(name.replace("{tile}", "*")))
        if "{tile}" in folder or name.count("{tile}") != 1 or not found:
            raise CropmineError(path, "no file matches", "write {tile} once, in the place of a file's varying name")
        return {"": found}
    place = Path(path)
    if place.is_file():
        return {"": [place]}
    if not place.is_dir():
        raise CropmineError(path, "no such folder or file", "IMAGERY is a folder of rasters, a file, or a pattern")
    if found := _list_rasters(place):
        return {"": found}
    inner = {one.name: _list_rasters(one) for one in sorted(place.iterdir()) if one.is_dir()}
    inner = {name: rasters for name, rasters in inner.items() if rasters}
    if inner and all(DATE.fullmatch(name) for name in inner):
        return inner
    if inner:
        raise CropmineError(
            path, "holds no raster itself", f"its folders {list_names(list(inner))} do: name one of them"
        )
    others = sorted(one.name for one in place.iterdir())
    seen = f"it holds {list_names(others)}" if others else "it is empty"
    raise CropmineError(path, f"holds no raster: {seen}", f"put GeoTIFFs there; read are {', '.join(RASTERS)}")


def _list_rasters(folder: Path) -> list[Path]:
    return sorted(one for one in folder.iterdir() if one.suffix.lower() in RASTERS and not one.name.startswith("."))


def _is_mask(file: Path, path: str) -> bool:
    return "{tile}" not in path and MASK_NAME.search(file.stem) is not None


def _read_headers(files: Sequence[Path]) -> dict[Path, RasterHeader]:
    headers, findings = {}, Findings()
    for one in files:
        try:
            headers[one] = read_raster_header(one)
        except CropmineError as error:
            findings.add("IMAGERY", error, str(one))
    findings.raise_faults("IMAGERY")
    return headers


def count_bands(header: RasterHeader) -> int:
    """Count the bands of a raster that are data: its last one may be alpha, if it has but two values.

    Planet's near-infrared is at times marked as alpha.
    """
    if not header.alpha or header.count == 1:
        return header.count
    with open_raster(header.path) as dataset:
        shape = tuple(min(side, LOOKED_PX) for side in dataset.shape)
        values = np.unique(dataset.read(dataset.count, out_shape=shape))
    return header.count - 1 if len(values) <= 2 else header.count


def _settle_kind(headers: Mapping[Path, RasterHeader], path: str) -> str:
    """Say of what kind all tiles are. Raises CropmineError, with the kinds, if there are several."""
    kinds: dict[tuple, list[Path]] = {}
    for one, header in headers.items():
        step = float(f"{header.grid.transform.a:.6g}")
        kinds.setdefault((count_bands(header), header.dtypes[0], step), []).append(one)
    spelt = [
        f"{bands} band{'s' * (bands > 1)} of {dtype} with pixels of {headers[found[0]].pixel_m[0]:.3g} m"
        for (bands, dtype, _), found in kinds.items()
    ]
    if len(kinds) == 1:
        return spelt[0]
    told = "; ".join(
        f"{len(found)} of {kind} ({list_names([one.name for one in found])})"
        for kind, found in zip(spelt, kinds.values(), strict=True)
    )
    most = max(kinds.values(), key=len)
    tail = _find_tail([one.name for one in most])
    hint = "keep one kind a folder; tiles of a region have the same bands, dtype and pixel"
    if not any(one.name.endswith(tail) for found in kinds.values() if found is not most for one in found):
        hint = f"--imagery '{most[0].parent}/{{tile}}{tail}' takes the first kind alone"
    raise CropmineError(path, f"holds tiles of several kinds: {told}", hint)


def _find_tail(names: Sequence[str]) -> str:
    """What all names end in, from a separator and a letter on: the suffix alone where there is one name."""
    suffix = Path(names[0]).suffix
    if len(set(names)) == 1:
        return suffix
    ends = zip(*(reversed(name) for name in names), strict=False)
    common = names[0][-sum(1 for _ in takewhile(lambda end: len(set(end)) == 1, ends)) :]
    at = re.search(r"[_.-](?=[A-Za-z])", common)
    return common[at.start() :] if at else suffix


def _guess_bands(guess: ImageryGuess) -> None:
    header = next(iter(guess.headers.values()))
    count = count_bands(header)
    told = [(name or "").strip() for name in header.descriptions[:count]]
    if all(told) and not all(NUMBERED.fullmatch(name) for name in told) and len(set(map(str.lower, told))) == count:
        names, why = [name.lower() for name in told], "as the files call them"
        codes = [name.upper().replace("BAND", "B").replace(" ", "") for name in told]
        if all(code in SENTINEL_2 for code in codes):
            names, why = [SENTINEL_2[code] for code in codes], f"Sentinel-2's {', '.join(told)}"
        elif all(CODE.fullmatch(name) for name in told):
            why = "the sensor's codes"
    elif count in USUAL_BANDS and not (count == 8 and header.pixel_m[0] > 5):
        usual, why = USUAL_BANDS[count]
        names = list(usual)
        guess.notes.append(f"the files don't name their bands; {', '.join(names)} is a guess: is the order right?")
    else:
        names, why = [f"band{number}" for number in range(1, count + 1)], "the files don't name them"
        guess.notes.append("the files don't name their bands; give those that you know their names: blue, red, nir …")
    guess.settings["bands"], guess.why["bands"] = names, why


def _guess_mask(guess: ImageryGuess, patterns: Mapping[str, str], files: Mapping[str, Sequence[Path]]) -> None:
    """Find a mask file for each tile, beside it or in a folder beside the imagery's."""
    matched = {date: _match_masks(pattern, guess.headers, files[date]) for date, pattern in patterns.items()}
    found = {date: mask for date, mask in matched.items() if mask is not None}
    if len(found) < len(patterns):
        return
    header = read_raster_header(next(iter(found.values())).replace("{tile}", next(iter(guess.headers))))
    mask = {"path": found if isinstance(guess.settings["imagery"], dict) else found[""]}
    if header.count >= UDM2_BANDS:
        guess.settings["mask"] = mask | {"bad": [0], "band": 1}
        guess.why["mask"] = "UDM2: what its first band doesn't call clear"
        return
    with open_raster(header.path) as dataset:
        values = np.unique(dataset.read(1, out_shape=tuple(min(side, LOOKED_PX) for side in dataset.shape))).tolist()
    if set(values) <= {0, 1}:
        guess.settings["mask"], guess.why["mask"] = mask | {"bad": [1]}, "1 is taken for bad"
    else:
        guess.notes.append(
            f"mask files such as {header.path} hold {list_names(list(map(str, values)))}: name the bad ones in mask.bad"
        )


def _match_masks(pattern: str, tiles: Mapping[str, RasterHeader], files: Sequence[Path]) -> str | None:
    folder = Path(pattern).parent
    others = [
        one
        for near in sorted(folder.parent.iterdir())
        if near.is_dir() and MASK_NAME.search(near.name)
        for one in _list_rasters(near)
    ]
    names: dict[Path, dict[str, Path]] = {one.parent: {} for one in [*files, *others]}
    for one in [*files, *others]:
        names[one.parent][one.name] = one
    first = next(iter(tiles))
    for place, known in names.items():
        for name in known:
            tail = name[len(first) :]
            is_mask = MASK_NAME.search(tail) or MASK_NAME.search(place.name)
            if name.startswith(first) and is_mask and all(f"{tile}{tail}" in known for tile in tiles):
                return f"{place}/{{tile}}{tail}"
    return None


def _look_at_values(guess: ImageryGuess) -> None:
    """Tell of black pixels that no nodata tag, alpha or mask takes out."""
    count, black = len(guess.settings["bands"]), []
    for header in list(guess.headers.values())[:LOOKED_AT]:
        with open_raster(header.path) as dataset:
            if dataset.nodata is not None or dataset.count > count:
                continue
            shape = (count, *(min(side, LOOKED_PX) for side in dataset.shape))
            black.append((dataset.read(list(range(1, count + 1)), out_shape=shape) == 0).all(axis=0).mean())
    if black and np.mean(black) > 0.001:
        guess.notes.append(
            f"{np.mean(black):.1%} of the pixels looked at are 0 in every band, and the files have no nodata tag: if "
            "that is no data, say so (rio edit-info --nodata 0 FILE)"
        )
