"""Human labels: users' vector files read into one table of classes and valid polygons in longitude and latitude."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError, ProjError
from shapely import GeometryType

from cropmine.config.regions import LabelFiles
from cropmine.errors import CropmineError, suggest
from cropmine.geo.geometries import CHORD_M, POLYGONAL, draw_circles, keep_polygons, transform_shapes
from cropmine.geo.grids import CRS_LONLAT
from cropmine.geo.vectors import check_field, parse_crs, read_vector
from cropmine.inputs.class_values import LEFT_OUT, class_text, tabulate_classes
from cropmine.inputs.label_pieces import DRAWN, ORIGIN, SPLITS, SUGGESTED, TEST

log = logging.getLogger(__name__)

Note = Callable[[str | Path, str], None]


def log_note(path: str | Path, what: str) -> None:
    """Log what was done to the labels of a file."""
    log.warning("%s: %s", path, what)


def read_labels(
    labels: LabelFiles,
    paths: Sequence[str | Path],
    split_field: str | None = None,
    tests: Sequence[str | Path] = (),
    note: Note = log_note,
) -> geopandas.GeoDataFrame:
    """Read the label files of a region, and those that only test, into one table in EPSG:4326.

    Columns: label (int64, the row's position among all rows of all files, so that a class that is left out moves
    no id), target (uint8, 1 cropland, 0 not), file (str), split (str, only with `split_field` or `tests`; "" where
    neither states one), origin ("suggested" where a field of that name says so, else "drawn") and geometry: valid 2-D
    polygons and multipolygons. A point becomes a geodesic circle of `labels.radius_m` metres. Class values are compared
    as text, 1 like 1.0 and "1", an empty one as "". note(path, what) is called for what was repaired or dropped. Raises
    CropmineError where a file can't be read or lacks its CRS or a field, where a class value isn't known, a geometry
    isn't a polygon or a point, and where nothing is left.
    """
    classes = tabulate_classes(labels)
    frames, offset = [], 0
    for path in [*paths, *tests]:
        own = path in tests
        frame, rows = _read_file(Path(path), labels, classes, None if own else split_field, note)
        if own or (tests and not split_field):
            frame["split"] = TEST if own else ""
        frame["label"] += offset
        offset += rows
        frames.append(frame)
    table = pd.concat(frames, ignore_index=True)
    if table.empty:
        where = ", ".join(map(str, paths))
        raise CropmineError(where, "no label is left to work with", "see the log for what was dropped")
    order = ["label", "target", "file", *(["split"] if split_field or tests else []), ORIGIN, "geometry"]
    return geopandas.GeoDataFrame(table[order], crs=CRS_LONLAT)


def _read_file(
    path: Path, labels: LabelFiles, classes: dict[str, int], split_field: str | None, note: Note
) -> tuple[pd.DataFrame, int]:
    """The usable labels of one file, and how many rows it has."""
    raw = read_vector(path)
    for field in filter(None, (labels.class_field, split_field)):
        check_field(path, field, raw.columns.drop(raw.geometry.name))
    crs = parse_crs(path, raw.crs)
    present = ~(raw.geometry.isna() | raw.geometry.is_empty).to_numpy()
    if not present.all():
        note(path, f"{(~present).sum()} rows without a geometry are dropped")
    frame = raw.loc[present, []].copy()
    frame["label"] = np.flatnonzero(present).astype(np.int64)
    values = raw.loc[present, labels.class_field].map(class_text, na_action=None)
    _check_classes(path, labels, values, classes)
    frame["target"] = values.map(classes).to_numpy(np.int16)
    frame["file"] = str(path)
    suggested = raw.loc[present, ORIGIN].map(class_text, na_action=None) == SUGGESTED if ORIGIN in raw else False
    frame[ORIGIN] = np.where(suggested, SUGGESTED, DRAWN)
    if split_field:
        frame["split"] = raw.loc[present, split_field].map(class_text, na_action=None)
    used = (frame["target"] != LEFT_OUT).to_numpy()
    frame = frame[used].assign(target=lambda kept: kept["target"].astype(np.uint8))
    if split_field:
        _check_split_values(path, split_field, frame["split"])
    geometries = np.asarray(raw.geometry[present][used], dtype=object)
    frame["geometry"] = _to_polygons(path, geometries, crs, labels.radius_m, note)
    left = ~shapely.is_empty(frame["geometry"].to_numpy(object))
    log.info("%s: %d of %d rows are used", path, left.sum(), len(raw))
    return pd.DataFrame(frame[left]), len(raw)


def _check_classes(path: Path, labels: LabelFiles, values: pd.Series, classes: dict[str, int]) -> None:
    unknown = values[~values.isin(list(classes))].value_counts()
    if len(unknown):
        counts = ", ".join(f"{value!r} ({count} rows)" for value, count in sorted(unknown.items()))
        hint = "name it under cropland, noncropland or ignore" + suggest(sorted(unknown.index)[0], list(classes))
        field = labels.class_field
        raise CropmineError(path, f"the field {field!r} holds class values that aren't known: {counts}", hint)


def _check_split_values(path: Path, field: str, values: pd.Series) -> None:
    unknown = values[~values.isin(SPLITS)].value_counts()
    if len(unknown):
        counts = ", ".join(f"{value!r} ({count} rows)" for value, count in sorted(unknown.items()))
        hint = "a label's split is train, validation or test" + suggest(sorted(unknown.index)[0], list(SPLITS))
        raise CropmineError(path, f"the field {field!r} holds values that aren't known: {counts}", hint)


def _to_polygons(path: Path, geometries: np.ndarray, crs: CRS, radius_m: float | None, note: Note) -> np.ndarray:
    """Valid polygons in EPSG:4326, empty where none is left."""
    kinds = shapely.get_type_id(geometries)
    points = kinds == GeometryType.POINT
    if not (points | np.isin(kinds, POLYGONAL)).all():
        others = sorted({geometry.geom_type for geometry in geometries[~points & ~np.isin(kinds, POLYGONAL)]})
        raise CropmineError(path, f"labels are polygons or points, but there is {', '.join(others)}")
    if points.any() and radius_m is None:
        raise CropmineError(path, f"{points.sum()} labels are points", "give labels.radius_m, metres")
    # What isn't valid is repaired before it's densified, in which GEOS would keep but a part of it.
    flat = _repair(path, shapely.force_2d(geometries), note)
    if crs.is_projected:
        flat = shapely.segmentize(flat, CHORD_M / crs.axis_info[0].unit_conversion_factor)
    try:
        lonlat = transform_shapes(flat, crs, CRS_LONLAT)
    except (ProjError, CRSError) as error:
        raise CropmineError(path, f"its CRS can't be turned into longitude and latitude ({error})") from error
    _check_on_earth(path, lonlat)
    lonlat[points] = draw_circles(lonlat[points], radius_m)
    _check_on_earth(path, lonlat)
    return _repair(path, lonlat, note)


def _check_on_earth(path: Path, lonlat: np.ndarray) -> None:
    lonlat = lonlat[~shapely.is_empty(lonlat)]
    west, south, east, north = shapely.bounds(lonlat).T
    on_earth = (west >= -180) & (east <= 180) & (south >= -90) & (north <= 90)  # false where not finite
    if not on_earth.all():
        what = f"{(~on_earth).sum()} labels aren't within 180 degrees east and west and 90 north and south"
        hint = "is its CRS the one that its coordinates are in? Cut what crosses the antimeridian"
        raise CropmineError(path, what, hint)
    if (east - west > 180).any():
        raise CropmineError(path, "a label is wider than half of the earth", "cut what crosses the antimeridian")


def _repair(path: Path, polygons: np.ndarray, note: Note) -> np.ndarray:
    broken = ~shapely.is_valid(polygons)
    if broken.any():
        repaired = shapely.make_valid(polygons[broken], method="structure", keep_collapsed=False)
        polygons[broken] = keep_polygons(repaired)
        lost = shapely.is_empty(polygons).sum()
        note(path, f"{broken.sum()} invalid polygons are repaired" + (f", {lost} of no area dropped" if lost else ""))
    return polygons
