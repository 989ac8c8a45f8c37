"""Designs of stratified random samples of a map's pixels, for people to label."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import shapely

from cropmine.classes import CROPLAND, NONCROPLAND
from cropmine.files import link_file
from cropmine.geo.areas import pixel_areas
from cropmine.geo.geometries import outline_pixels
from cropmine.geo.geopackages import write_geopackage
from cropmine.geo.grids import CRS_LONLAT, Grid
from cropmine.geo.rasters import read_strips
from cropmine.inputs.probability_samples import STRATA
from cropmine.planning.digests import write_canonical
from cropmine.planning.map_stamps import MapStamp
from cropmine.tables import write_json, write_table

SPARE = 2  # times as many draws as pixels, since a pixel is taken once
DESIGN, POINTS, OUTLINES, CENTRES = "design.json", "sample.gpkg", "pixels.gpkg", "ceo.csv"


@dataclass(frozen=True)
class Sample:
    """A sample: its strata (name, class, hectares, pixels drawn) and its pixels in random order.

    pixels: columns sample (text), stratum, weight (hectares that one pixel stands for), lon, lat and geometry, the
    outline of the pixel in EPSG:4326.
    """

    strata: list[dict]
    pixels: geopandas.GeoDataFrame


def draw_sample(classes: Sequence[str | Path], settings: Mapping, name: str) -> Sample:
    """Draw a stratified random sample of the pixels of rasters of classes, one a CRS; the strata are the classes.

    Their numbers are those of Olofsson et al. (2014), section 5.1; within a stratum a pixel is drawn in proportion to
    its true area, without replacement. settings: target_error, expected_cropland, expected_noncropland, least and seed.
    Strata have names that don't show their class, in random order. A stratum of fewer pixels than are wanted gives all.
    """
    totals = _sum_areas(classes)
    present = [cls for cls in (NONCROPLAND, CROPLAND) if totals[cls] > 0]
    whole = sum(totals[cls] for cls in present)
    expected = {CROPLAND: settings["expected_cropland"], NONCROPLAND: settings["expected_noncropland"]}
    weights = {cls: totals[cls] / whole for cls in present}
    counts = allocate_sample(weights, expected, settings["target_error"], settings["least"])
    rng = np.random.default_rng(settings["seed"])
    drawn = {
        cls: np.sort(rng.random(counts[cls] * SPARE + 10)) * totals[cls] for cls in present
    }  # sorted, so that one pass over the rasters finds them
    found = pd.concat(_find_pixels(classes, drawn), ignore_index=True)
    frames, strata = [], []
    for number, cls in enumerate(rng.permutation(present).tolist(), start=1):
        own = found[found["class"] == cls].drop_duplicates(["raster", "row", "column"])
        own = own.iloc[rng.permutation(len(own))[: counts[cls]]]
        hectares = totals[cls] / 1e4
        strata.append({"stratum": f"s{number}", "class": cls, "area_ha": round(hectares, 4), "drawn": len(own)})
        frames.append(own.assign(stratum=f"s{number}", weight=round(hectares / len(own), 6)))
    pixels = pd.concat(frames, ignore_index=True)
    pixels = pixels.iloc[rng.permutation(len(pixels))].reset_index(drop=True)
    pixels["sample"] = [f"{name}-{number:04d}" for number in range(1, len(pixels) + 1)]
    columns = ["sample", "stratum", "weight", "lon", "lat", "geometry"]
    return Sample(strata, geopandas.GeoDataFrame(pixels[columns], geometry="geometry", crs=CRS_LONLAT))


def _sum_areas(classes: Sequence[str | Path]) -> dict[int, float]:
    """Square metres of each class."""
    totals = {NONCROPLAND: 0.0, CROPLAND: 0.0}
    for path in classes:
        for grid, values in read_strips(path):
            areas = np.broadcast_to(pixel_areas(grid), grid.shape)
            for cls in totals:
                totals[cls] += float(np.sum(areas, where=values == cls, dtype=np.float64))
    return totals


def _find_pixels(classes: Sequence[str | Path], drawn: Mapping[int, np.ndarray]) -> Iterator[pd.DataFrame]:
    """The pixels at drawn places of the cumulated area of each class."""
    passed = dict.fromkeys(drawn, 0.0)
    for raster, path in enumerate(classes):
        for grid, values in read_strips(path):
            areas = np.broadcast_to(pixel_areas(grid), grid.shape)
            for cls, places in drawn.items():
                rows, columns = np.nonzero(values == cls)
                cumulated = passed[cls] + np.cumsum(areas[rows, columns], dtype=np.float64)
                if not len(cumulated):
                    continue
                here = places[(places >= passed[cls]) & (places < cumulated[-1])]
                passed[cls] = float(cumulated[-1])
                at = np.minimum(np.searchsorted(cumulated, here, side="right"), len(cumulated) - 1)
                yield _describe_pixels(grid, raster, cls, rows[at], columns[at])


def _describe_pixels(grid: Grid, raster: int, cls: int, rows: np.ndarray, columns: np.ndarray) -> pd.DataFrame:
    west, north = grid.transform.c + columns * grid.transform.a, grid.transform.f + rows * grid.transform.e
    lon, lat = grid.to_lonlat.transform(west + grid.transform.a / 2, north + grid.transform.e / 2)
    top = np.round(grid.transform.f, 6)  # of the strip: rows of two strips differ by it
    cells = {"raster": raster, "class": cls, "row": [(top, row) for row in rows.tolist()], "column": columns}
    places = {"lon": np.round(lon, 8), "lat": np.round(lat, 8), "geometry": outline_pixels(grid, rows, columns)}
    return pd.DataFrame(cells | places)


def keep_design(
    folder: str | Path, classes: Sequence[str | Path], settings: Mapping, stamp: MapStamp, tags: Mapping
) -> Path:
    """Design a sample and keep it next to the strata that it was drawn from, in a folder that is never written again.

    The folder's name ends in 8 hex digits of the rasters and the settings, so the same map and settings give the same
    one, which is left as it is: somebody may be labelling in it. Returns it.
    """
    digest = sha256(write_canonical(settings).encode())
    for path in classes:
        digest.update(Path(path).read_bytes())
    name = f"{stamp.version}_{digest.hexdigest()[:8]}"
    kept = Path(folder) / name
    if kept.exists():
        return kept
    sample = draw_sample(classes, settings, digest.hexdigest()[:4])
    scratch = Path(folder) / f".{name}.unfinished"
    shutil.rmtree(scratch, ignore_errors=True)
    (scratch / STRATA).mkdir(parents=True)
    for path in classes:
        link_file(path, scratch / STRATA / Path(path).name)
    _write_sample(scratch, sample, settings, stamp, tags)
    scratch.rename(kept)
    return kept


def _write_sample(folder: Path, sample: Sample, settings: Mapping, stamp: MapStamp, tags: Mapping) -> None:
    pixels = sample.pixels
    table = pixels[["sample", "stratum", "weight"]].assign(**{"class": ""})
    points = shapely.points(pixels["lon"], pixels["lat"])
    hidden = {key: tags[key] for key in sorted(tags)}
    write_geopackage(folder / POINTS, geopandas.GeoDataFrame(table, geometry=points, crs=CRS_LONLAT), "sample", hidden)
    outlines = geopandas.GeoDataFrame(pixels[["sample"]], geometry=pixels.geometry, crs=CRS_LONLAT)
    write_geopackage(folder / OUTLINES, outlines, "pixels", hidden)
    names = {"lon": "LON", "lat": "LAT", "sample": "PLOTID", "stratum": "STRATUM", "weight": "WEIGHT"}
    write_table(folder / CENTRES, pd.DataFrame(pixels[list(names)]).rename(columns=names), decimals=8)
    places = pixels[["sample", "stratum", "lon", "lat"]].to_dict("records")
    design: dict[str, Any] = {"map": asdict(stamp), "tags": hidden, "settings": dict(settings)}
    design |= {"strata": sample.strata, "pixels": places}
    write_json(folder / DESIGN, design)


def allocate_sample(weights: Mapping, expected: Mapping, target_error: float, least: int) -> dict:
    """Choose the number of samples of each stratum after Olofsson et al. (2014), section 5.1.

    weights: share of each stratum in the area; expected: user's accuracy that is conjectured of it; target_error: the
    standard error to reach of the overall accuracy. The total is (Σ W·S)² / S(O)², equation 13; strata get `least`
    each and the rest in proportion to their share.
    """
    spread = {name: np.sqrt(expected[name] * (1 - expected[name])) for name in weights}
    total = int(np.ceil(round((sum(weights[name] * spread[name] for name in weights) / target_error) ** 2, 6)))
    rest = max(total - least * len(weights), 0)
    return {name: least + round(rest * weight) for name, weight in weights.items()}
