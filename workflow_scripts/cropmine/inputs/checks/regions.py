"""The check of a region's inputs before any long work: imagery, masks, and by module layers all that lies over them."""

import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np

from cropmine.config.regions import Region
from cropmine.errors import CropmineError
from cropmine.geo.footprints import Footprint, meet, transform_bounds
from cropmine.geo.headers import RasterHeader, read_raster_header
from cropmine.inputs.checks.findings import Findings, hint_path
from cropmine.inputs.checks.layers import check_labels, check_weak_maps, check_zones
from cropmine.inputs.checks.tiles import TileSurvey, check_tiling, check_values, find_usual, survey_tile
from cropmine.inputs.checks.verdicts import Verdict
from cropmine.inputs.probability_samples import read_design, read_sample
from cropmine.inputs.tile_sources import TileSource, source_from_settings
from cropmine.inputs.tile_views import locate_grid
from cropmine.planning.resources import NEEDS, estimate_mb
from cropmine.planning.tiles import TileFiles

DTYPES = ("uint8", "uint16", "int16", "float32", "float64")
ALIKE = 0.01
MOST_PIXELS = 2**30  # of a tile, which is worked on whole
FEW_TILES, FEW_PIXELS = 16, 2**28  # of a region, and of all its images: a few seconds to unpack
# Names that say nothing of what a band shows: those of GDAL, and sensors' codes, which only a table could tell.
NUMBERED = re.compile(r"(band|layer|channel)?[ _-]*\d+", re.IGNORECASE)
CODE = re.compile(r"b(and)?[ _-]?\d{1,2}a?", re.IGNORECASE)
Headers = Mapping[str, list[RasterHeader]]
Files = Mapping[str, TileFiles]
BYTES_A_PIXEL = 4.0  # of the imagery: rasters, tables and mined polygons of the demo region take 3.6


def check_region(
    region: Region,
    tiles: Files,
    where: str = "region",
    findings: Findings | None = None,
) -> Verdict:
    """Check every input of a region by its header, and weak maps and labels against the imagery.

    `tiles` has the files of each tile: {"images": [a date each], "masks": [a date each, or none]}; `where` is how
    messages call the region; what is wrong is noted in `findings`, if any are given. Only warnings and suspicious
    tiles come from tiles' pixels, of which a few are read. Raises one CropmineError with every fault.
    """
    findings = findings or Findings()
    if not tiles:
        findings.fault(
            f"{where}.tiles", "the region has no tile", "leave the key out to take every file that matches imagery"
        )
    headers = _read_headers(region, tiles, "images", f"{where}.imagery", findings)
    _check_images(headers, region.bands, where, findings)
    dtype = _check_dtypes(headers, where, findings)
    resolution = _check_resolution(headers, where, findings)
    _check_masks(region, tiles, headers, f"{where}.mask", findings)
    # Where layers lie is judged only if all tiles are known: a layer may well lie over one that can't be read.
    known = {tile: of_dates[0].grid for tile, of_dates in headers.items() if of_dates}
    footprint = Footprint(tuple(known), tuple(known.values())) if len(known) == len(tiles) else Footprint((), ())
    check_tiling(known, f"{where}.imagery", findings)
    check_weak_maps(region, footprint, where, findings)
    labels, labelled = check_labels(region, footprint, where, findings)
    check_zones(region, footprint, where, findings)
    _check_sample(region, f"{where}.sample", findings)
    _check_years(region, where, findings)
    channels = len(region.bands) * len(next(iter(tiles.values()))["images"]) if tiles else 0
    check_capacity((g.width * g.height for g in known.values()), channels, Path.cwd(), where, findings)
    surveys = {} if findings.has_faults else _survey_tiles(region, tiles, headers)
    odd = check_values(surveys, f"{where}.imagery", findings) if surveys else []
    findings.raise_faults(where)
    return Verdict(
        tiles={tile: {"images": list(files["images"]), "masks": list(files["masks"])} for tile, files in tiles.items()},
        warnings=findings.warnings,
        dtype=dtype,
        channels=channels,
        labels=labels,
        labelled=labelled,
        resolution_m=resolution,
        locations={tile: locate_grid(of_dates[0].grid) for tile, of_dates in headers.items()},
        suspicious={tile: {str(date): asdict(line) for date, line in surveys[tile].seams.items()} for tile in odd},
        usual=find_usual(surveys, odd) if odd else None,
    )


def _survey_tiles(region: Region, tiles: Files, headers: Headers) -> dict[str, TileSurvey]:
    """Survey the values of all tiles; those of a small region are unpacked whole."""
    pixels = sum(header.grid.width * header.grid.height for of_dates in headers.values() for header in of_dates)
    whole = len(tiles) <= FEW_TILES and pixels <= FEW_PIXELS
    return {
        tile: survey_tile(source_of(region, files["images"], files["masks"]), whole) for tile, files in tiles.items()
    }


def source_of(region: Region, images: list[str], masks: list[str]) -> TileSource:
    """Give the source of a tile by its images and masks, one a date each."""
    settings: dict[str, Any] = {"bands": region.bands}
    if region.mask:
        settings |= {"mask_bad": region.mask.bad, "mask_band": region.mask.band}
    return source_from_settings(images, masks, settings)


def _read_headers(
    region: Region, tiles: Files, kind: Literal["images", "masks"], where: str, findings: Findings
) -> dict[str, list[RasterHeader]]:
    """The headers of each tile's files that are readable; what is wrong with the others is noted by date."""
    dates = list(region.imagery) if isinstance(region.imagery, dict) else []
    missing: dict[str, list[str]] = {}
    headers: dict[str, list[RasterHeader]] = {}
    read: dict[str, RasterHeader] = {}
    for tile, files in tiles.items():
        headers[tile] = []
        for position, path in enumerate(files[kind]):
            here = f"{where}.{dates[position]}" if dates else where
            try:
                read[path] = read.get(path) or read_raster_header(path)
                headers[tile].append(read[path])
            except CropmineError as error:
                if error.what == "no such file":
                    missing.setdefault(here, []).append(path)
                else:
                    findings.add(here, error, path)
    for here, paths in missing.items():
        findings.fault(here, "no such file", hint_path(paths[0]), *paths)
    return headers


def _check_images(headers: Headers, bands: tuple[str, ...], where: str, findings: Findings) -> None:
    for tile, of_dates in headers.items():
        for header in of_dates:
            _check_bands(header, bands, where, findings)
            _check_pixels(header, f"{where}.imagery", findings)
        _check_dates(tile, of_dates, where, findings)


def _check_bands(header: RasterHeader, bands: tuple[str, ...], where: str, findings: Findings) -> None:
    with_alpha = header.count == len(bands) + 1 and header.alpha
    if header.count != len(bands) and not with_alpha:
        what = f"{header.count} bands, but `bands` names {len(bands)}"
        described = [name for name in header.descriptions if name]
        told = f": {', '.join(described)}" if len(described) == len(header.descriptions) else ""
        findings.fault(f"{where}.imagery", what, f"name every band of a file, in its order{told}", header.path)
        return
    names = [name for name in header.descriptions[: len(bands)] if name]
    if len(names) < len(bands) or all(NUMBERED.fullmatch(name) for name in names):
        return
    told = ", ".join(names)
    if all(CODE.fullmatch(name) for name in names) and not any(CODE.fullmatch(band) for band in bands):
        findings.warn(f"{where}.bands", f"taken for the files' bands {told}, in this order", "is the order right?")
        return
    wrong = [band for band in bands if not any(_is_named(name, band) for name in names)]
    if wrong:
        what = f"wrong band name: {', '.join(wrong)}; the bands are called {told}"
        findings.fault(f"{where}.bands", what, "call them as the files do, in their order", header.path)
    elif not all(_is_named(name, band) for name, band in zip(names, bands, strict=True)):
        findings.fault(
            f"{where}.bands", f"the files' order is another: {told}", "put `bands` in this order", header.path
        )


def _check_pixels(header: RasterHeader, where: str, findings: Findings) -> None:
    if header.grid.width * header.grid.height > MOST_PIXELS:
        what = f"{header.grid.width} by {header.grid.height} pixels, and a tile has at most {MOST_PIXELS:.3g}"
        findings.fault(where, what, "cut it into tiles: cropmine tiles MOSAIC FOLDER", header.path)


def _is_named(description: str, band: str) -> bool:
    """Whether a file's description names a band: the same word, or that word with more behind it, such as a date."""
    description, band = description.strip().lower(), band.lower()
    return description == band or (description.startswith(band) and not description[len(band)].isalnum())


def _check_dates(tile: str, of_dates: list[RasterHeader], where: str, findings: Findings) -> None:
    if any(not header.grid.aligns(of_dates[0].grid) for header in of_dates[1:]):
        hint = "warp them to one grid (gdalwarp -te … -tr …)"
        findings.fault(f"{where}.imagery", "the dates of a tile lie on different grids", hint, tile)


def _check_dtypes(headers: Headers, where: str, findings: Findings) -> str | None:
    """Note the files whose dtype isn't that of most; gives the latter."""
    every = [
        (header.path, dtype) for of_dates in headers.values() for header in of_dates for dtype in set(header.dtypes)
    ]
    if not every:
        return None
    most = Counter(sorted(dtype for _, dtype in every)).most_common(1)[0][0]
    for path, dtype in sorted(every):
        if dtype not in DTYPES:
            findings.fault(f"{where}.imagery", f"dtype {dtype} isn't read", f"convert to {', '.join(DTYPES)}", path)
        elif dtype != most and most in DTYPES:
            hint = "all tiles have one dtype and one scale of values"
            findings.fault(f"{where}.imagery", f"dtype {dtype}, but most files have {most}", hint, path)
    return most


def _check_resolution(headers: Headers, where: str, findings: Findings) -> float | None:
    """Note the tiles whose pixels are over 1 % larger or smaller on the ground than most; gives the median, metres.

    Tiles of the commonest CRS and pixel size pass even so: a Web Mercator mosaic has smaller pixels to the north.
    """
    tiles = {tile: of_dates[0] for tile, of_dates in headers.items() if of_dates}
    if not tiles:
        return None
    sizes = np.array([header.pixel_m for header in tiles.values()])
    middle = np.median(sizes, axis=0)
    kinds = [(header.grid.crs.to_wkt(), *np.round(header.grid.transform[0:5:4], 9)) for header in tiles.values()]
    commonest = Counter(kinds).most_common(1)[0][0]
    other = (np.abs(sizes / middle - 1) > ALIKE).any(axis=1)
    for tile, size, kind, differs in zip(tiles, sizes, kinds, other, strict=True):
        if differs and kind != commonest:
            what = f"pixels of {_spell_size(size)} m on the ground, but most tiles have {_spell_size(middle)} m"
            findings.fault(f"{where}.imagery", what, "warp the tiles to one resolution (gdalwarp -tr …)", tile)
    spread = sizes.max(axis=0) / sizes.min(axis=0) - 1
    if spread.max() > ALIKE and not any(
        differs and kind != commonest for differs, kind in zip(other, kinds, strict=True)
    ):
        what = f"the ground size of a pixel differs by {spread.max():.0%} over the region, as its CRS has it"
        findings.warn(f"{where}.imagery", what, "warp tiles to local CRS, such as UTM, if fields look unlike")
    return round(float(np.sqrt(middle.prod())), 3)


def _spell_size(size: np.ndarray) -> str:
    return " by ".join(f"{metres:.4g}" for metres in size)


def _check_masks(region: Region, tiles: Files, headers: Headers, where: str, findings: Findings) -> None:
    if region.mask is None:
        return
    masks = _read_headers(region, tiles, "masks", f"{where}.path", findings)
    for tile, of_dates in masks.items():
        for header in of_dates:
            if header.count < region.mask.band:
                hint = "bands are counted from 1"
                findings.fault(
                    f"{where}.band", f"band {region.mask.band}, but there are {header.count}", hint, header.path
                )
        for header, image in zip(of_dates, headers[tile], strict=False):
            _check_cover(header, image, f"{where}.path", findings)


def _check_cover(mask: RasterHeader, image: RasterHeader, where: str, findings: Findings) -> None:
    if mask.grid.aligns(image.grid):
        return
    bounds = np.array([mask.grid.bounds])
    if mask.grid.crs != image.grid.crs:
        bounds = transform_bounds(bounds, mask.grid.crs.to_wkt(), image.grid.crs.to_wkt())
    step = image.grid.transform.a
    if not meet(bounds, image.grid.bounds)[0]:
        findings.fault(where, "the mask lies elsewhere than its tile", "do the names of both agree?", mask.path)
    elif (np.array(image.grid.bounds) * [1, 1, -1, -1] + step < bounds[0] * [1, 1, -1, -1]).any():
        findings.warn(where, "the mask covers a part of its tile; the rest counts as clear", None, mask.path)


def _check_sample(region: Region, where: str, findings: Findings) -> None:
    """Note what is wrong with a labelled probability sample, long before the map that it assesses is made."""
    if region.sample is None:
        return
    try:
        read_sample(region.sample.path, read_design(region.sample.design), region.sample)
    except CropmineError as error:
        findings.add(where, error, region.sample.path)


def _check_years(region: Region, where: str, findings: Findings) -> None:
    """Note sources that describe years over one apart."""
    dates = region.imagery if isinstance(region.imagery, dict) else ()
    years = {
        "imagery": [
            int(match[0]) for match in (re.match(r"(19|20)\d\d(?=\D|\d{4}$|$)", date) for date in dates) if match
        ]
    }
    years |= {f"weak.{name}": [weak.year] for name, weak in region.weak.items() if weak.year}
    if region.labels and region.labels.year:
        years["labels"] = [region.labels.year]
    known = [(name, found) for name, found in years.items() if found]
    for position, (name, found) in enumerate(known):
        for other, others in known[position + 1 :]:
            gap = min(abs(year - another) for year in found for another in others)
            if gap > 1:
                hint = "fields may have changed between"
                findings.warn(where, f"{name} and {other} are {gap} years apart", hint)


def check_capacity(pixels: Iterable[int], channels: int, folder: Path, where: str, findings: Findings) -> None:
    """Warn where the folder's disk has less room than outputs will take, or the machine less memory than a job asks.

    pixels: of each tile. Only a warning: outputs may be there already, and jobs may run on other machines.
    """
    pixels = list(pixels)
    needed, free = sum(pixels) * BYTES_A_PIXEL, shutil.disk_usage(folder).free
    if needed > free:
        what = f"outputs will take about {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB of disk are free"
        findings.warn(where, what, "let fewer tiles train (training.tiles), or make room")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20
    asked = {rule: estimate_mb(rule, max(pixels, default=0), channels, 1) for rule in NEEDS}
    largest = max(asked, key=lambda rule: asked[rule])
    if asked[largest] > memory:
        what = f"a job of {largest} requires {asked[largest]:.0f} MB, and this machine has {memory:.0f} MB"
        findings.warn(where, what, "cut smaller tiles (cropmine tiles MOSAIC FOLDER), or run it on a larger machine")
