"""Labelled probability samples: reading and checking them, and where they keep labels from training."""

from collections.abc import Mapping
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import shapely
from shapely import GeometryType

from cropmine.config.regions import LabelFiles, ProbabilitySample
from cropmine.errors import CropmineError
from cropmine.geo.geometries import burn_polygons, draw_circles, place_on_grid
from cropmine.geo.grids import CRS_LONLAT, GEOD, Grid
from cropmine.geo.vectors import read_vector
from cropmine.inputs.class_values import CLASS_KEYS, class_text, tabulate_classes
from cropmine.tables import read_json

NEAR_M = 1.0  # a point may have moved by what a program rounds
STRATA = "strata"  # the folder of the rasters of classes that a sample was drawn from, next to its design
HIDDEN = "the points that design_sample wrote, each with the class that its pixel has in truth"


def read_design(path: str | Path) -> dict:
    """Read the design.json of a sample. Raises CropmineError if it isn't one."""
    try:
        design = read_json(path)
        design["classes"] = {entry["stratum"]: entry["class"] for entry in design["strata"]}
        design["sizes"] = {entry["stratum"]: entry["area_ha"] for entry in design["strata"]}
        design["points"] = {entry["sample"]: entry for entry in design["pixels"]}
    except FileNotFoundError as error:
        raise CropmineError(path, "no such file", "name the design.json that design_sample wrote") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CropmineError(
            path, "isn't the design of a sample", "design_sample writes it; leave it as it is"
        ) from error
    return design


def read_sample(path: str | Path, design: Mapping, settings: ProbabilitySample) -> pd.DataFrame:
    """Read a labelled sample: columns sample, stratum, lon, lat and reference (uint8), one row a labelled pixel.

    Pixels without a class, or of one to ignore, are left out. Polygons are refused however they are declared: their
    places were somebody's choice. Raises CropmineError for those, for points that the design doesn't have or has
    elsewhere, for one that occurs twice, and if nothing is labelled.
    """
    raw = read_vector(path)
    other = shapely.get_type_id(np.asarray(raw.geometry, dtype=object)) != GeometryType.POINT
    if other.any():
        others = sorted({shape.geom_type for shape in raw.geometry[other] if shape is not None}) or ["nothing"]
        what = f"a probability sample is of pixels, drawn at random, but there is {', '.join(others)}"
        raise CropmineError(
            path, what, f"polygons go under `labels` and say nothing of accuracy or area; here {HIDDEN}"
        )
    for field in ("sample", settings.class_field):
        if field not in raw:
            raise CropmineError(path, f"there is no field {field!r}", f"here belong {HIDDEN}")
    names = raw["sample"].astype(str)
    if unknown := sorted(set(names) - set(design["points"])):
        what = f"{len(unknown)} points aren't of this sample: {', '.join(unknown[:3])}"
        raise CropmineError(path, what, "a point that was added by hand has no known chance of being drawn")
    if names.duplicated().any():
        raise CropmineError(path, f"{names[names.duplicated()].iloc[0]} occurs twice", "label every pixel once")
    places = pd.DataFrame([design["points"][name] for name in names])
    _check_places(path, raw, places)
    table = tabulate_classes(LabelFiles(path=str(path), **settings.model_dump(include={"class_field", *CLASS_KEYS})))
    values = raw[settings.class_field].map(class_text, na_action=None)
    if unknown := sorted(set(values) - set(table) - {""}):
        hint = "name it under cropland, noncropland or ignore of `sample`"
        raise CropmineError(path, f"the field {settings.class_field!r} holds {unknown[0]!r}", hint)
    reference = values.map(table).fillna(-1).to_numpy(np.int64)
    labelled = places.assign(reference=reference)[reference >= 0].reset_index(drop=True)
    if labelled.empty:
        raise CropmineError(path, f"no point has a class in {settings.class_field!r}", f"here belong {HIDDEN}")
    return labelled


def _check_places(path: str | Path, raw: geopandas.GeoDataFrame, places: pd.DataFrame) -> None:
    points = raw.geometry if raw.crs is None else raw.to_crs(CRS_LONLAT).geometry
    _, _, metres = GEOD.inv(points.x, points.y, places["lon"], places["lat"])
    if (np.asarray(metres) > NEAR_M).any():
        name = places["sample"].iloc[int(np.argmax(metres))]
        what = f"{name} is {max(metres):.0f} m from where it was drawn"
        raise CropmineError(path, what, "the pixel that was drawn is the one to label; don't move points")


def mark_sample(design: Mapping, grid: Grid, buffer_m: float) -> np.ndarray:
    """Mark the pixels of a grid within a buffer of any pixel of a sample, labelled or not: nothing may train there."""
    lon, lat = (np.array([place[key] for place in design["pixels"]]) for key in ("lon", "lat"))
    _, circles = place_on_grid(draw_circles(np.asarray(shapely.points(lon, lat)), buffer_m), grid)
    return burn_polygons(circles, grid, all_touched=True)
