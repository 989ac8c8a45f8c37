"""Designs of probability samples: what was drawn, of which strata, and where nothing may train."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import shapely
from rasterio.features import rasterize

from cropmine.errors import CropmineError
from cropmine.grids import Grid
from cropmine.labels import draw_circles, place_on_grid


def read_design(path: str | Path) -> dict:
    """Read the design.json of a sample. Raises CropmineError if it isn't one."""
    try:
        design = json.loads(Path(path).read_text(encoding="utf-8"))
        design["classes"] = {entry["stratum"]: entry["class"] for entry in design["strata"]}
        design["sizes"] = {entry["stratum"]: entry["area_ha"] for entry in design["strata"]}
        design["places"] = {entry["sample"]: entry for entry in design["pixels"]}
    except FileNotFoundError as error:
        raise CropmineError(path, "no such file", "name the design.json that design_sample wrote") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CropmineError(
            path, "isn't the design of a sample", "design_sample writes it; leave it as it is"
        ) from error
    return design


def mark_sample(design: Mapping, grid: Grid, buffer_m: float) -> np.ndarray:
    """Mark the pixels of a grid within a buffer of any pixel of a sample, labelled or not: nothing may train there."""
    lon, lat = (np.array([place[key] for place in design["pixels"]]) for key in ("lon", "lat"))
    _, circles = place_on_grid(draw_circles(shapely.points(lon, lat), buffer_m), grid)
    if not len(circles):
        return np.zeros(grid.shape, bool)
    return rasterize(circles, grid.shape, transform=grid.transform, all_touched=True, dtype="uint8").astype(bool)
