"""Areas of cropland by administrative unit, counted in pixels of the map."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
from rasterio.features import rasterize

from cropmine.errors import CropmineError
from cropmine.files import replacing
from cropmine.geopackages import write_geopackage
from cropmine.grids import Grid, pixel_areas
from cropmine.labels import CRS_LONLAT, GEOD, place_on_grid, read_vector
from cropmine.maps import AREA_NOTE, iterate_band
from cropmine.targets import CROPLAND, NONCROPLAND

COLUMNS = (
    *("unit", "cropland_ha", "noncropland_ha", "mapped_ha", "unit_ha", "valid_share", "cropland_share"),
    *("map_version", "note"),
)


def read_units(path: str | Path, id_field: str) -> geopandas.GeoDataFrame:
    """Read administrative units: columns unit (str) and geometry in EPSG:4326, one row a unit, by name.

    Raises CropmineError if the file has no such field or no CRS.
    """
    frame = read_vector(Path(path))
    if id_field not in frame:
        raise CropmineError(
            path, f"there is no field {id_field!r}", f"its fields: {', '.join(map(str, frame.columns))}"
        )
    if frame.crs is None:
        raise CropmineError(path, "the file has no CRS", "write it with one, such as EPSG:4326")
    shapes = frame.geometry.force_2d().make_valid()
    units = geopandas.GeoDataFrame({"unit": frame[id_field].astype(str)}, geometry=shapes, crs=frame.crs)
    return units.to_crs(CRS_LONLAT).dissolve("unit").reset_index()


def measure_units(maps: Sequence[str | Path], units: geopandas.GeoDataFrame, version: str) -> geopandas.GeoDataFrame:
    """Count the hectares of the map's classes in each unit, true areas on the ellipsoid, by pixel centres.

    Returns the units with cropland_ha, noncropland_ha, mapped_ha, unit_ha (its own area), valid_share, cropland_share
    (of what is mapped; empty where nothing is), the map's version and a note that counts of pixels are biased.
    """
    hectares = sum(
        (sum_by_unit(units, grid, classes) for grid, classes in iterate_band(maps)), np.zeros((2, len(units)))
    )
    cropland, other = hectares.round(4)
    mapped = cropland + other
    own = np.array([abs(GEOD.geometry_area_perimeter(unit)[0]) / 1e4 for unit in units.geometry])
    table = units.assign(
        cropland_ha=cropland,
        noncropland_ha=other,
        mapped_ha=mapped.round(4),
        unit_ha=own.round(4),
        valid_share=(mapped / own).round(4),
        cropland_share=np.divide(cropland, mapped, out=np.full(len(units), np.nan), where=mapped > 0).round(4),
        map_version=version,
        note=AREA_NOTE,
    )
    return table[[*COLUMNS, "geometry"]]


def sum_by_unit(units: geopandas.GeoDataFrame, grid: Grid, classes: np.ndarray) -> np.ndarray:
    """Sum the hectares of the classes of a grid, uint8 (h, w), in each unit: rows cropland and non-cropland (2, n)."""
    places, polygons = place_on_grid(units.geometry, grid)
    if not len(places):
        return np.zeros((2, len(units)))
    shapes = zip(polygons, (places + 1).tolist(), strict=True)
    owners = rasterize(shapes, grid.shape, transform=grid.transform, dtype="int32")
    areas = np.broadcast_to(pixel_areas(grid), grid.shape)
    rows = [
        np.bincount(owners[own], weights=areas[own], minlength=len(units) + 1)[1:] / 1e4
        for own in (classes == cls for cls in (CROPLAND, NONCROPLAND))
    ]
    return np.stack(rows)


def write_units(
    csv: str | Path, layer: str | Path, table: geopandas.GeoDataFrame, tags: Mapping[str, str] | None = None
) -> None:
    """Write what measure_units gives as CSV without the geometries, and as GeoPackage with them and tags."""
    with replacing(csv) as temporary:
        pd.DataFrame(table.drop(columns="geometry")).to_csv(temporary, index=False, lineterminator="\n")
    write_geopackage(layer, table, "area_by_unit", tags)
