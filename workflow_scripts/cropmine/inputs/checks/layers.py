"""The check of what lies over a region's imagery: weak maps, human labels, area, exclusions and units."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import rasterio
import shapely

from cropmine.classes import CLASS_VALUES, CLASS_WORDS, CROPLAND, NONCROPLAND
from cropmine.config.regions import Region, Split, WeakMap
from cropmine.errors import CropmineError, hint_at
from cropmine.geo.footprints import Footprint, meet, transform_bounds
from cropmine.geo.grids import CRS_LONLAT, Grid, grid_of, open_raster
from cropmine.geo.headers import read_raster_header
from cropmine.geo.raster_formats import place_sources
from cropmine.geo.vectors import VectorHeader, is_vector, read_values, read_vector_header
from cropmine.inputs.checks.findings import Findings, hint_path
from cropmine.inputs.class_values import class_text
from cropmine.inputs.labels import read_labels
from cropmine.inputs.splits import split_labels

SAMPLED_TILES = 32
SAMPLED_PX = 64
SAMPLED_ROWS = 100_000
PROBABILITY_SLACK = 1.001
_MANY_VALUES = 20
SHARE = 0.1  # of the smaller of two labels: less is a common border, drawn twice
SAMPLED_PAIRS = 32
PART_SAMPLED_PX = 64
HIDDEN_SHARE = 0.01


def check_weak_maps(region: Region, footprint: Footprint, where: str, findings: Findings) -> None:
    """Note what is wrong with weak maps: files, bands and fields, their place, and values in a decimated read."""
    for name, weak in region.weak.items():
        here = f"{where}.weak.{name}"
        if weak.path is None:
            continue  # a consensus: its maps are checked themselves
        try:
            if is_vector(weak.file):
                _check_weak_polygons(weak, footprint, here, findings)
            else:
                _check_weak_raster(weak, footprint, here, findings)
        except CropmineError as error:
            _add_file(f"{here}.path", error, weak.file, findings)


def _add_file(where: str, error: CropmineError, path: str, findings: Findings) -> None:
    if error.what == "no such file":
        findings.fault(where, error.what, hint_path(path), path)
    else:
        findings.add(where, error, path)


def _check_weak_raster(weak: WeakMap, footprint: Footprint, where: str, findings: Findings) -> None:
    header = read_raster_header(weak.file)
    if header.count < weak.band:
        findings.fault(
            f"{where}.band", f"band {weak.band}, but there are {header.count}", "bands are counted from 1", weak.file
        )
        return
    bounds = footprint.bounds_in(header.grid.crs.to_wkt())
    covered = meet(bounds, header.grid.bounds)
    _check_place(covered, header.grid.bounds, header.grid.crs.to_wkt(), footprint, f"{where}.path", weak.file, findings)
    if covered.any():
        values = _sample_values(weak, bounds[covered])
        _check_values(weak, values, where, findings)
        check_parts(weak, bounds[covered], f"{where}.path", findings)


def _check_place(
    covered: np.ndarray,
    bounds: tuple[float, float, float, float],
    crs: str,
    footprint: Footprint,
    where: str,
    path: str,
    findings: Findings,
) -> None:
    """Note a layer that meets no tile as a fault, and one that leaves tiles out as a warning."""
    if not len(covered) or covered.all():
        return
    if not covered.any():
        place = _spell_extent(transform_bounds(bounds, crs, CRS_LONLAT)[0])
        what = f"meets no tile: it covers {place}, the imagery {_spell_imagery(footprint)}"
        findings.fault(where, what, "is this file of this region, and is its CRS right?", path)
        return
    left_out = [tile for tile, inside in zip(footprint.tiles, covered, strict=True) if not inside]
    findings.warn(where, f"{len(left_out)} of {len(covered)} tiles lie outside {path}", None, *left_out)


def _spell_imagery(footprint: Footprint) -> str:
    return _spell_extent([*np.nanmin(footprint.lonlat[:, :2], axis=0), *np.nanmax(footprint.lonlat[:, 2:], axis=0)])


def _spell_extent(bounds: Iterable[float]) -> str:
    west, south, east, north = bounds
    return f"longitude {west:.3f} to {east:.3f}, latitude {south:.3f} to {north:.3f}"


def _sample_values(weak: WeakMap, bounds: np.ndarray) -> np.ndarray:
    """Valid values of a weak raster over some tiles, evenly chosen, read coarsely by nearest neighbour."""
    chosen = np.unique(np.linspace(0, len(bounds) - 1, min(len(bounds), SAMPLED_TILES)).round().astype(int))
    found = []
    with open_raster(weak.file) as dataset:
        nodata = dataset.nodata if weak.nodata is None else weak.nodata
        for tile in bounds[chosen]:
            window = _window_of(dataset, tile)
            shape = tuple(min(side, SAMPLED_PX) for side in (window.height, window.width))
            try:
                values = dataset.read(weak.band, window=window, out_shape=shape).ravel()
            except rasterio.errors.RasterioError as error:
                what = "the file is cut short or damaged: it can't be read over the imagery"
                raise CropmineError(weak.file, what, "fetch or write it again") from error
            valid = ~np.isnan(values) if values.dtype.kind == "f" else np.ones(values.shape, bool)
            found.append(values[valid if nodata is None else valid & (values != nodata)])
    return np.concatenate(found)


def _window_of(dataset: rasterio.DatasetReader, bounds: np.ndarray) -> rasterio.windows.Window:
    """The pixels of a raster that touch bounds."""
    grid = grid_of(dataset)
    inverse = ~grid.transform
    cols, rows = inverse.c + bounds[[0, 2]] * inverse.a, inverse.f + bounds[[3, 1]] * inverse.e
    left, right = np.clip([np.floor(cols[0]), np.ceil(cols[1])], 0, grid.width).astype(int)
    top, bottom = np.clip([np.floor(rows[0]), np.ceil(rows[1])], 0, grid.height).astype(int)
    return rasterio.windows.Window(left, top, right - left, bottom - top)


def _check_values(weak: WeakMap, values: np.ndarray, where: str, findings: Findings) -> None:
    if not len(values):
        findings.warn(f"{where}.path", "no valid pixel was seen over the imagery", "is nodata right?", weak.file)
    elif weak.probability:
        highest = float(values.max()) * weak.scale
        if highest > PROBABILITY_SLACK or values.min() < 0:
            what = f"probabilities of {float(values.min()) * weak.scale:g} to {highest:g} after scaling, not of 0 to 1"
            findings.fault(
                f"{where}.scale", what, "percent have scale 0.01; name a value without data as nodata", weak.file
            )
    else:
        _check_classes(weak, Counter(class_text(value) for value in np.unique(values).tolist()), where, findings)


def _check_classes(weak: WeakMap, seen: Counter, where: str, findings: Findings) -> None:
    """Note class values that were looked for in vain."""
    if any(class_text(value) in seen for value in weak.cropland):
        return
    told = ", ".join(list(seen)[:_MANY_VALUES]) + (" …" if len(seen) > _MANY_VALUES else "")
    hint = "if the raster holds probabilities, set probability: true" if len(seen) > _MANY_VALUES else None
    wanted = ", ".join(class_text(value) for value in weak.cropland)
    findings.warn(f"{where}.cropland", f"{wanted} was not seen over the imagery, but {told}", hint, weak.file)


def _check_weak_polygons(weak: WeakMap, footprint: Footprint, where: str, findings: Findings) -> None:
    header = _check_polygons(weak.file, f"{where}.path", footprint, findings)
    if header is None or weak.class_field is None:
        return
    if weak.class_field not in header.fields:
        hint = hint_at(weak.class_field, list(header.fields))
        findings.fault(f"{where}.class_field", f"there is no field {weak.class_field!r}", hint, weak.file)
        return
    values = read_values(weak.file, weak.class_field, SAMPLED_ROWS)
    _check_classes(weak, Counter(map(class_text, values)), where, findings)


def _check_polygons(path: str, where: str, footprint: Footprint, findings: Findings) -> VectorHeader | None:
    """Note what is wrong with a polygon file; None if it can't be used."""
    header = read_vector_header(path)
    others = [kind for kind in header.kinds if "Point" in kind or "Line" in kind]
    if others or not header.features:
        what = f"holds {', '.join(others)}" if others else "holds no polygon"
        findings.fault(where, what, "this is a file of polygons", path)
        return None
    crs = header.crs.to_wkt()
    covered = meet(footprint.lonlat, transform_bounds([header.bounds], crs, CRS_LONLAT)[0])
    if len(covered) and not covered.any():
        _check_place(covered, header.bounds, crs, footprint, where, path, findings)
        return None
    return header


def check_zones(region: Region, footprint: Footprint, where: str, findings: Findings) -> None:
    """Note what is wrong with the polygon files of area, exclusions and units; an exclusion may lie elsewhere."""
    zones = [(f"{where}.area", region.area)] if region.area else []
    zones += [(f"{where}.units.path", region.units.path)] if region.units else []
    for here, path in zones:
        try:
            header = _check_polygons(path, here, footprint, findings)
            if region.units and header and here.endswith("units.path") and region.units.id_field not in header.fields:
                hint = hint_at(region.units.id_field, list(header.fields))
                findings.fault(f"{where}.units.id_field", f"there is no field {region.units.id_field!r}", hint, path)
        except CropmineError as error:
            _add_file(here, error, path, findings)
    for position, exclusion in enumerate(region.exclude):
        here, elsewhere = f"{where}.exclude.{position}.path", Findings()
        try:
            if _check_polygons(exclusion.path, here, Footprint((), ()), findings):
                _check_polygons(exclusion.path, here, footprint, elsewhere)
        except CropmineError as error:
            _add_file(here, error, exclusion.path, findings)
        if elsewhere.has_faults:
            findings.warn(here, "the polygons meet no tile", None, exclusion.path)


def check_labels(
    region: Region, footprint: Footprint, where: str, findings: Findings
) -> tuple[dict[str, dict[str, int]], list[str]]:
    """Note what is wrong with human labels, as read_labels finds it, and where they miss the imagery.

    Gives how many labels of each class a split has, or a fold, nothing where they can't be split; and the tiles on
    which labels lie.
    """
    labels, here = region.labels, f"{where}.labels"
    if labels is None:
        return {}, []
    paths = [*labels.path, *labels.test_path]
    missing = [path for path in paths if not Path(path).exists()]
    if missing:
        findings.fault(f"{here}.path", "no such file", hint_path(missing[0]), *missing)
    tables, labelled = [], []

    def note(path: str | Path, what: str) -> None:
        hint = "look at them: what was meant may differ" if "invalid" in what else None
        findings.warn(f"{here}.path", what, hint, path)

    for path in paths:
        if path not in missing:
            tests = [path] if path in labels.test_path else []
            try:
                tables.append(read_labels(labels, [] if tests else [path], region.split.field, tests, note))
            except CropmineError as error:
                findings.add(here, error, path if error.where == path else None)
    if tables and len(footprint.tiles):
        geometries = np.concatenate([table.geometry.to_numpy() for table in tables])
        targets = np.concatenate([table["target"].to_numpy() for table in tables])
        labelled = _check_labels_place(geometries, targets, footprint, here, findings)
        rows = np.concatenate([table["label"].to_numpy() for table in tables])
        check_contradictions(geometries, targets, rows, f"{here}.path", findings)
    if tables and not findings.has_faults:
        return _check_test_blocks(tables, region.split, f"{where}.split", findings), labelled
    return {}, labelled


def _check_test_blocks(tables: list, split: Split, where: str, findings: Findings) -> dict[str, dict[str, int]]:
    """Note a class that no test block holds, of which nothing could be said; gives the labels of each by split."""
    labels = pd.concat(tables, ignore_index=True)
    labels["label"] = np.arange(len(labels))
    labels["split"] = labels["split"].fillna("") if "split" in labels else ""
    try:
        pieces, _ = split_labels(labels if split.method == "field" else labels.drop(columns="split"), split, [0])
    except CropmineError as error:
        findings.fault(where, error.what, error.hint)
        return {}
    for name, target in CLASS_VALUES.items():
        own = pieces[pieces["target"] == target]
        if split.method != "kfold" and len(own) and not (own["split"] == "test").any():
            hint = "a smaller block_m, another seed, a larger share for test, or method kfold"
            findings.fault(where, f"no test block holds a {name} label", hint)
    parts = pieces["split"] if pieces["split"].notna().any() else "fold" + pieces["fold"].astype(str)
    counted: dict[str, dict[str, int]] = {}
    for (part, target), labels_of in pieces.groupby([parts, "target"])["label"]:
        counted.setdefault(str(part), dict.fromkeys(CLASS_VALUES, 0))
        counted[str(part)][next(name for name in CLASS_VALUES if CLASS_VALUES[name] == target)] = int(
            labels_of.nunique()
        )
    return counted


def _check_labels_place(
    geometries: np.ndarray, targets: np.ndarray, footprint: Footprint, where: str, findings: Findings
) -> list[str]:
    """Note labels that lie on no tile; gives the tiles on which some lie."""
    known = np.flatnonzero(np.isfinite(footprint.lonlat).all(axis=1))
    tree = shapely.STRtree(shapely.box(*footprint.lonlat[known].T))
    on_tile, tiles = tree.query(geometries, predicate="intersects")
    inside = np.zeros(len(geometries), bool)
    inside[on_tile] = True
    if not inside.any():
        bounds = shapely.total_bounds(geometries)
        swapped = tree.query(shapely.box(*bounds[[1, 0, 3, 2]])).size
        hint = "are longitude and latitude swapped?" if swapped else "are they of this region, and is their CRS right?"
        what = f"none lies on a tile: they cover {_spell_extent(bounds)}, the imagery {_spell_imagery(footprint)}"
        findings.fault(f"{where}.path", what, hint)
        return []
    if not inside.all():
        findings.warn(f"{where}.path", f"{(~inside).sum()} of {len(inside)} labels lie on no tile")
    for name in CLASS_WORDS:
        if not (targets[inside] == CLASS_VALUES[name]).any():
            findings.warn(
                f"{where}.{name}", f"no {name} label lies on a tile", "nothing can be scored without both classes"
            )
    return [footprint.tiles[number] for number in known[np.unique(tiles)]]


def find_contradictions(geometries: np.ndarray, targets: np.ndarray) -> list[tuple[int, int]]:
    """Find pairs of a cropland and another label that overlap by over a tenth of the smaller.

    geometries: (n,) valid polygons of one CRS; targets: (n,) 1 cropland, 0 not. Gives positions, the cropland label's
    first, in their order.
    """
    cropland, other = np.flatnonzero(targets == CROPLAND), np.flatnonzero(targets == NONCROPLAND)
    tree = shapely.STRtree(geometries[other])
    first, second = tree.query(geometries[cropland], predicate="intersects")
    first, second = cropland[first], other[second]
    shared = shapely.area(shapely.intersection(geometries[first], geometries[second]))
    large = shared > SHARE * np.minimum(shapely.area(geometries[first]), shapely.area(geometries[second]))
    return sorted(zip(first[large].tolist(), second[large].tolist(), strict=True))


def check_contradictions(
    geometries: np.ndarray, targets: np.ndarray, rows: np.ndarray, where: str, findings: Findings
) -> None:
    """Note labels of both classes over the same ground; `rows` (n,) are what messages call the labels by."""
    if pairs := find_contradictions(geometries, targets):
        what = f"{len(pairs)} pairs of a cropland and another label lie over the same ground"
        names = [f"rows {rows[first] + 1} and {rows[second] + 1}" for first, second in pairs]
        findings.warn(where, what, "one of each is wrong: a pixel that both claim doesn't train", *names)


def check_parts(weak: WeakMap, bounds: np.ndarray, where: str, findings: Findings) -> None:
    """Note where parts of a VRT overlap and the map has no data, though one of them has some.

    bounds (n, 4): of the tiles that the map covers, in its CRS. A coarse read of up to 32 overlaps, evenly chosen, is
    looked at. A raster that is no VRT has no parts.
    """
    with open_raster(weak.file) as whole:
        if whole.driver != "VRT":
            return
        pairs = _find_overlaps(place_sources(weak.file, weak.band), grid_of(whole), bounds)
        chosen = np.unique(np.linspace(0, len(pairs) - 1, min(len(pairs), SAMPLED_PAIRS)).round().astype(int))
        hiding = [pairs[place][:2] for place in chosen if _hides(whole, weak, *pairs[place])]
    if hiding:
        names = [f"{Path(first).name} and {Path(second).name}" for first, second in hiding]
        what = f"in {len(hiding)} of {len(chosen)} overlaps of its parts one has data that the map lacks"
        hint = "the part on top hides the other: build the VRT with its value without data (gdalbuildvrt -srcnodata …)"
        findings.warn(where, what, hint, *names)


def _find_overlaps(
    places: Mapping[str, tuple[float, ...]], grid: Grid, bounds: np.ndarray
) -> list[tuple[str, str, shapely.Polygon]]:
    """Pairs of parts, and what they share in the CRS of the map, where that meets a tile."""
    left, top, right, bottom = np.array(list(places.values())).reshape(-1, 4).T
    west, east = (grid.transform.c + column * grid.transform.a for column in (left, right))
    north, south = (grid.transform.f + row * grid.transform.e for row in (top, bottom))
    boxes, files = shapely.box(west, south, east, north), list(places)
    first, second = shapely.STRtree(boxes).query(boxes, predicate="intersects")
    shared = shapely.intersection(boxes[first], boxes[second])
    met = np.zeros(len(shared), bool)
    met[shapely.STRtree(shared).query(shapely.box(*bounds.T), predicate="intersects")[1]] = True
    met &= (first < second) & (shapely.area(shared) > 0)
    return [(files[a], files[b], box) for a, b, box in zip(first[met], second[met], shared[met], strict=True)]


def _hides(whole: rasterio.DatasetReader, weak: WeakMap, first: str, second: str, box: shapely.Polygon) -> bool:
    missing = ~_find_valid(whole, weak, box, None)
    if not missing.any():
        return False
    known = np.zeros(missing.shape, bool)
    for part in (first, second):
        with open_raster(part) as dataset:
            known |= _find_valid(dataset, weak, box, missing.shape)
    return bool((missing & known).mean() > HIDDEN_SHARE)


def _find_valid(
    dataset: rasterio.DatasetReader, weak: WeakMap, box: shapely.Polygon, shape: tuple[int, int] | None
) -> np.ndarray:
    """Where a raster has data within a box, read coarsely, of a shape or at most 64 × 64 px."""
    grid = grid_of(dataset)
    west, south, east, north = box.bounds
    (left, top), (right, bottom) = (~grid.transform @ corner for corner in ((west, north), (east, south)))
    window = rasterio.windows.Window(left, top, right - left, bottom - top).round_offsets().round_lengths()
    rows, columns = (max(min(int(side), PART_SAMPLED_PX), 1) for side in (window.height, window.width))
    band = min(weak.band, dataset.count)
    values = dataset.read(band, window=window, out_shape=shape or (rows, columns))
    nodata = dataset.nodatavals[band - 1] if weak.nodata is None else weak.nodata
    valid = np.isfinite(values)
    return valid if nodata is None else valid & (values != nodata)
