"""Accuracy and area by a labelled probability sample, with the strata that it was drawn from."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import shapely
from rasterio.windows import Window

from cropmine.accuracy import estimate_accuracy
from cropmine.codes import NODATA
from cropmine.errors import CropmineError
from cropmine.files import replacing
from cropmine.grids import grid_of, open_raster
from cropmine.maps import CLASS_BAND
from cropmine.sampling import STRATA, iterate_strips
from cropmine.targets import CROPLAND, NONCROPLAND
from cropmine.units import sum_by_unit

LEAST_IN_UNIT = 10  # pixels of each of a unit's strata
LEAST_SHARE = 0.005  # of a unit's area that a stratum has to have to count as one of its strata
NAMES = {CROPLAND: "cropland", NONCROPLAND: "noncropland"}


def find_classes(maps: Sequence[str | Path], lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Find the class of a map at places, uint8 (n,): that of the last tile that has data there, or 255."""
    found = np.full(len(lon), NODATA, np.uint8)
    for path in maps:
        with open_raster(path) as dataset:
            grid = grid_of(dataset)
            x, y = grid.to_lonlat.transform(lon, lat, direction="INVERSE")
            columns, rows = (np.floor(place) for place in ~grid.transform @ (np.asarray(x), np.asarray(y)))
            inside = (columns >= 0) & (columns < grid.width) & (rows >= 0) & (rows < grid.height)
            for place in np.flatnonzero(inside).tolist():
                window = Window(int(columns[place]), int(rows[place]), 1, 1)
                value = dataset.read(CLASS_BAND, window=window)[0, 0]
                found[place] = value if value != NODATA else found[place]
    return found


def assess_map(sample: pd.DataFrame, design: Mapping, maps: Sequence[str | Path], version: str) -> pd.DataFrame:
    """Assess the map that a sample was drawn from, and the present one, by the sample.

    Columns: map (sampled or present), map_version, estimator, class, measure (user, producer, area, area_ha, overall),
    estimate, standard_error, lo, hi (95 %), and samples. The strata are always those of the sampled map: where its
    classes are assessed they are the map's (Olofsson et al. 2014), for another map they aren't (Stehman 2014). A figure
    that can't be had is empty. Raises CropmineError if the present map has no data at a sampled pixel.
    """
    strata = sample["stratum"].to_numpy()
    of_stratum = sample["stratum"].map(design["classes"]).to_numpy()
    present = find_classes(maps, sample["lon"].to_numpy(), sample["lat"].to_numpy())
    if (present == NODATA).any():
        what = f"the map has no data at {(present == NODATA).sum()} of {len(sample)} sampled pixels"
        raise CropmineError("sample", what, "the sample is of another area; draw a new one from this map")
    tables = []
    for kind, mapped, told in (("sampled", of_stratum, design["map"]["version"]), ("present", present, version)):
        estimator = "Olofsson 2014" if (mapped == of_stratum).all() else "Stehman 2014"
        table = estimate_accuracy(
            strata, sample["reference"].to_numpy(), mapped, design["sizes"], sum(design["sizes"].values())
        )
        table["class"] = [NAMES.get(cls, cls) for cls in table["class"]]
        tables.append(table.assign(map=kind, map_version=told, estimator=estimator, samples=len(sample)))
    order = ["map", "map_version", "estimator", "class", "measure", "estimate", "standard_error", "lo", "hi", "samples"]
    return pd.concat(tables, ignore_index=True)[order]


def assess_units(
    sample: pd.DataFrame, design: Mapping, folder: str | Path, units: geopandas.GeoDataFrame
) -> pd.DataFrame:
    """Estimate the hectares of cropland in units by the sample's pixels in each, with its strata cut to the unit.

    folder: that of the design, with the strata's rasters. Columns: unit, samples, area_ha (of the strata), cropland_ha,
    standard_error, lo and hi (95 %). A unit in which a stratum with half a percent of its area or more has under 10
    sampled pixels has no estimate.
    """
    areas = _cut_strata(sorted((Path(folder) / STRATA).glob("*.tif")), units)
    points = shapely.points(sample["lon"], sample["lat"])
    rows = []
    for place, unit in enumerate(units.geometry):
        own = sample[shapely.contains_xy(unit, shapely.get_x(points), shapely.get_y(points))]
        sizes = {name: areas[cls][place] for name, cls in design["classes"].items()}
        sizes = {name: size for name, size in sizes.items() if size > LEAST_SHARE * sum(sizes.values())}
        row = {"unit": units["unit"].iloc[place], "samples": len(own), "area_ha": round(sum(sizes.values()), 4)}
        rows.append(row | _estimate_unit(own[own["stratum"].isin(sizes)], sizes))
    return pd.DataFrame(rows)


def _estimate_unit(sample: pd.DataFrame, sizes: Mapping[str, float]) -> dict:
    counts = sample["stratum"].value_counts()
    if not sizes or min(counts.get(name, 0) for name in sizes) < LEAST_IN_UNIT:
        return dict.fromkeys(("cropland_ha", "standard_error", "lo", "hi"))
    truth = sample["reference"].to_numpy()
    table = estimate_accuracy(sample["stratum"].to_numpy(), truth, truth, sizes, sum(sizes.values()))
    row = table[(table["class"] == CROPLAND) & (table["measure"] == "area_ha")]
    if row.empty:  # no sampled pixel is cropland in truth
        return {"cropland_ha": 0.0} | dict.fromkeys(("standard_error", "lo", "hi"))
    names = {"cropland_ha": "estimate", "standard_error": "standard_error", "lo": "lo", "hi": "hi"}
    return {name: round(float(row[column].item()), 4) for name, column in names.items()}


def _cut_strata(rasters: Sequence[Path], units: geopandas.GeoDataFrame) -> dict[int, np.ndarray]:
    """Hectares of each class in each unit."""
    strips = (strip for path in rasters for strip in iterate_strips(path))
    cropland, other = sum((sum_by_unit(units, *strip) for strip in strips), np.zeros((2, len(units))))
    return {CROPLAND: cropland, NONCROPLAND: other}


def write_assessment(path: str | Path, table: pd.DataFrame) -> None:
    """Write a table of estimates as CSV, to six decimals, a dash where there is none."""
    with replacing(path) as temporary:
        table.round(6).to_csv(temporary, index=False, na_rep="-", lineterminator="\n")
