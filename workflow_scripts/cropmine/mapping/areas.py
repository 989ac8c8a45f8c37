"""Areas of a map: cropland by class, by threshold and by administrative unit."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd

from cropmine.classes import CROPLAND, NODATA, NONCROPLAND, STEPS, threshold_code
from cropmine.geo.areas import pixel_areas
from cropmine.geo.footprints import Footprint, meet
from cropmine.geo.geometries import burn_numbers, place_on_grid
from cropmine.geo.geopackages import write_geopackage
from cropmine.geo.grids import CRS_LONLAT, GEOD, Grid, open_raster, read_grid
from cropmine.geo.rasters import warp_nearest
from cropmine.geo.vectors import check_field, parse_crs, read_vector
from cropmine.mapping.bands import CLASS_BAND, PROBABILITY_BAND
from cropmine.tables import write_table

COLUMNS = (
    *("unit", "cropland_ha", "noncropland_ha", "mapped_ha", "unit_ha", "valid_share", "cropland_share"),
    *("map_version", "note"),
)
AREA_NOTE = "pixel counts: biased as the map errs; a probability sample is needed to estimate area"


def read_units(path: str | Path, id_field: str) -> geopandas.GeoDataFrame:
    """Read administrative units: columns unit (str) and geometry in EPSG:4326, one row a unit, by name.

    Raises CropmineError if the file has no such field or no CRS.
    """
    frame = read_vector(path)
    check_field(path, id_field, frame.columns.drop(frame.geometry.name))
    shapes, crs = frame.geometry.force_2d().make_valid(), parse_crs(path, frame.crs)
    units = geopandas.GeoDataFrame({"unit": frame[id_field].astype(str)}, geometry=shapes, crs=crs)
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
    owners = burn_numbers(polygons, places + 1, grid)
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
    write_table(csv, pd.DataFrame(table.drop(columns="geometry")))
    write_geopackage(layer, table, "area_by_unit", tags)


def iterate_band(maps: Sequence[str | Path], band: int = CLASS_BAND) -> Iterator[tuple[Grid, np.ndarray]]:
    """Read a band of map tiles so that each place comes once: of the last tile that has data there.

    Yields for each tile its grid and its values uint8 (h, w), 255 where there are none or a later tile has some.
    """
    grids = [read_grid(tile) for tile in maps]
    boxes = Footprint(tuple(map(str, maps)), tuple(grids)).lonlat
    for number, (tile, grid) in enumerate(zip(maps, grids, strict=True)):
        with open_raster(tile) as dataset:
            own = dataset.read(band)
        for other in (np.flatnonzero(meet(boxes[number + 1 :], boxes[number])) + number + 1).tolist():
            if _overlap(grid, grids[other]):
                with open_raster(maps[other]) as dataset:
                    values, inside = warp_nearest(dataset, band, grid)
                own[inside & (values != NODATA)] = NODATA
        yield grid, own


def measure_area(maps: Sequence[str | Path], threshold: float, others: Sequence[float] = ()) -> dict:
    """Measure the hectares that map tiles call cropland and non-cropland, true areas on the ellipsoid, by pixel counts.

    threshold: that of the map's classes; others: further ones, at which cropland is measured as well. Returns
    `threshold`, `note`, `total` and `by_crs`: cropland_ha, noncropland_ha, valid_ha; and `by_threshold`, rows of
    threshold and cropland_ha, in rising order.
    """
    by_crs: dict[str, np.ndarray] = {}
    for grid, codes in iterate_band(maps, PROBABILITY_BAND):
        areas = np.broadcast_to(pixel_areas(grid), grid.shape)
        hectares = np.bincount(codes.ravel(), weights=areas.ravel(), minlength=NODATA + 1)[: STEPS + 1] / 1e4
        name = grid.crs.to_string()
        by_crs[name] = by_crs.get(name, np.zeros(STEPS + 1)) + hectares
    total = sum(by_crs.values(), np.zeros(STEPS + 1))
    return {
        "threshold": threshold,
        "note": AREA_NOTE,
        "total": _name_areas(total, threshold),
        "by_crs": {name: _name_areas(hectares, threshold) for name, hectares in by_crs.items()},
        "by_threshold": [
            {"threshold": at, "cropland_ha": _name_areas(total, at)["cropland_ha"]}
            for at in sorted({threshold, *others})
        ],
    }


def _overlap(grid: Grid, other: Grid) -> bool:
    """Whether grids share more than half a pixel's width; of different CRS that isn't known, so yes."""
    if grid.crs != other.crs:
        return True
    west, south, east, north = grid.bounds
    west_2, south_2, east_2, north_2 = other.bounds
    half = grid.transform.a / 2
    return min(east, east_2) - max(west, west_2) > half and min(north, north_2) - max(south, south_2) > half


def _name_areas(hectares: np.ndarray, threshold: float) -> dict[str, float]:
    """Hectares of each class by those of each probability code (201,)."""
    first = threshold_code(threshold) + 1
    cropland, other = (round(float(part.sum()), 4) for part in (hectares[first:], hectares[:first]))
    return {"cropland_ha": cropland, "noncropland_ha": other, "valid_ha": round(cropland + other, 4)}
