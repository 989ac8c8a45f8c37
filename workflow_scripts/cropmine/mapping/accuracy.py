"""Accuracy and area estimated from a stratified random sample of pixels."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import shapely
from rasterio.windows import Window

from cropmine.classes import CLASS_NAMES, CROPLAND, NODATA, NONCROPLAND
from cropmine.errors import CropmineError
from cropmine.geo.grids import grid_of, open_raster
from cropmine.geo.rasters import read_strips
from cropmine.inputs.probability_samples import STRATA
from cropmine.mapping.areas import sum_by_unit
from cropmine.mapping.bands import CLASS_BAND
from cropmine.tables import write_table

Z95 = 1.959963984540054
LEAST_A_STRATUM = 2
LEAST_IN_UNIT = 10  # pixels of each of a unit's strata
LEAST_SHARE = 0.005  # of a unit's area that a stratum has to have to count as one of its strata


def estimate_accuracy(
    strata: np.ndarray, reference: np.ndarray, mapped: np.ndarray, sizes: Mapping, total_ha: float | None = None
) -> pd.DataFrame:
    """Estimate accuracy and area of each class with 95 % intervals.

    strata, reference and mapped (n,) are the stratum of each sampled pixel, its class in truth and its class on the
    map; sizes gives the number of pixels, or the area, of every stratum. The estimators are Stehman's (2014, equations
    2 and 24 to 28: ratios of stratified means), which are those of Olofsson et al. (2014, equations 1 to 10) where the
    strata are the map's classes. Rows: class ("overall" for the overall accuracy), measure (user, producer, area,
    overall), estimate, standard_error, lo and hi; with total_ha, the hectares of all strata together, area_ha as well.
    What can't be estimated, since a stratum has under two samples or a class doesn't occur, is NaN. Raises ValueError
    for a sample of a stratum without a size.
    """
    strata, reference, mapped = (np.asarray(values) for values in (strata, reference, mapped))
    names = list(sizes)
    if unknown := sorted(set(strata.tolist()) - set(names)):
        raise ValueError(f"samples are in strata without a size: {unknown}")
    weights = np.array([sizes[name] for name in names], float)
    members = [np.flatnonzero(strata == name) for name in names]
    rows = []
    for cls in sorted({*reference.tolist(), *mapped.tolist()}):
        true, found = (reference == cls).astype(float), (mapped == cls).astype(float)
        both, one = true * found, np.ones(len(true))
        area = _estimate_ratio(true, one, members, weights)
        rows.append((cls, "user", *_estimate_ratio(both, found, members, weights)))
        rows.append((cls, "producer", *_estimate_ratio(both, true, members, weights)))
        rows.append((cls, "area", *area))
        rows += [(cls, "area_ha", *(figure * total_ha for figure in area))] if total_ha is not None else []
    right = (reference == mapped).astype(float)
    rows.append(("overall", "overall", *_estimate_ratio(right, np.ones(len(right)), members, weights)))
    table = pd.DataFrame(rows, columns=["class", "measure", "estimate", "standard_error"])
    reach = Z95 * table["standard_error"]
    return table.assign(lo=table["estimate"] - reach, hi=table["estimate"] + reach)


def _estimate_ratio(y: np.ndarray, x: np.ndarray, members: list[np.ndarray], sizes: np.ndarray) -> tuple[float, float]:
    """The ratio of the population means of y and x, and its standard error, by Stehman (2014), equations 27 and 28."""
    if min(len(own) for own in members) < LEAST_A_STRATUM:
        return np.nan, np.nan
    total = sum(size * x[own].mean() for size, own in zip(sizes, members, strict=True))
    if not total:
        return np.nan, np.nan
    ratio = sum(size * y[own].mean() for size, own in zip(sizes, members, strict=True)) / total
    variance = sum(
        size**2 * (y[own] - ratio * x[own]).var(ddof=1) / len(own) for size, own in zip(sizes, members, strict=True)
    )
    return float(ratio), float(np.sqrt(variance) / total)


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
    for kind, mapped, map_version in (("sampled", of_stratum, design["map"]["version"]), ("present", present, version)):
        estimator = "Olofsson 2014" if (mapped == of_stratum).all() else "Stehman 2014"
        table = estimate_accuracy(
            strata, sample["reference"].to_numpy(), mapped, design["sizes"], sum(design["sizes"].values())
        )
        table["class"] = [CLASS_NAMES[cls] if cls in (NONCROPLAND, CROPLAND) else cls for cls in table["class"]]
        tables.append(table.assign(map=kind, map_version=map_version, estimator=estimator, samples=len(sample)))
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
    strips = (strip for path in rasters for strip in read_strips(path))
    cropland, other = sum((sum_by_unit(units, *strip) for strip in strips), np.zeros((2, len(units))))
    return {CROPLAND: cropland, NONCROPLAND: other}


def write_assessment(path: str | Path, table: pd.DataFrame) -> None:
    """Write a table of estimates as CSV, with a dash where there is none."""
    write_table(path, table, missing="-")
