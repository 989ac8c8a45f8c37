"""The delivered map: bands of a tile, the mosaic of all tiles, and areas."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from rasterio.warp import transform_bounds

from cropmine.codes import NODATA, STEPS, threshold_code
from cropmine.colours import CROPLAND_COLOUR, NONCROPLAND_COLOUR
from cropmine.files import replacing
from cropmine.grids import Grid, open_raster, pixel_areas, read_grid
from cropmine.mosaics import MosaicBand, write_mosaics
from cropmine.rasters import warp_nearest, write_cog
from cropmine.targets import CROPLAND, NONCROPLAND
from cropmine.zones import NONCROPLAND as EXCLUDED
from cropmine.zones import OUTSIDE

BANDS = ("probability of cropland x 200", "class: 0 non-cropland, 1 cropland", "disagreement of runs x 200")
PROBABILITY_BAND, CLASS_BAND, DISAGREEMENT_BAND = 1, 2, 3
SCALES = (1 / STEPS, 1.0, 1 / STEPS)
LEGEND = {NONCROPLAND: (NONCROPLAND_COLOUR, "non-cropland"), CROPLAND: (CROPLAND_COLOUR, "cropland")}
AREA_NOTE = "pixel counts: biased as the map errs; a probability sample is needed to estimate area"


def compose_map(runs: Sequence[np.ndarray], zones: np.ndarray, threshold: float) -> np.ndarray:
    """Compose the bands of a map from the codes of one or more runs, each uint8 (h, w).

    zones: as read_zones gives them. Returns uint8 (3, h, w): the mean of the runs' codes; its class, 1 where the mean
    is above the threshold (0 to 1); and the runs' standard deviation. All 255 where there is no data.
    """
    mean, spread = _summarise_runs(runs)
    classes = np.where(mean > threshold_code(threshold), np.uint8(CROPLAND), np.uint8(NONCROPLAND))
    bands = np.stack([mean, classes, spread])
    bands[:, zones == EXCLUDED] = 0
    bands[:, (zones == OUTSIDE) | (runs[0] == NODATA)] = NODATA
    return bands


def _summarise_runs(runs: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The mean and the standard deviation of codes uint8 (h, w), rounded to codes."""
    if len(runs) == 1:
        return runs[0], np.zeros_like(runs[0])
    total = np.zeros(runs[0].shape, np.uint32)
    squares = np.zeros(runs[0].shape, np.uint32)
    for codes in runs:
        total += codes
        squares += np.square(codes, dtype=np.uint32)
    count = np.uint32(len(runs))
    mean = ((2 * total + count) // (2 * count)).astype(np.uint8)
    spread = np.rint(np.sqrt((count * squares - total * total).astype(np.float32)) / np.float32(count))
    return mean, spread.astype(np.uint8)


def write_map(path: str | Path, bands: np.ndarray | Iterable[np.ndarray], grid: Grid, tags: dict[str, str]) -> None:
    """Write the bands that compose_map gives, whole or in strips of rows from top to bottom, as a COG.

    Its nodata is 255, its bands are described.
    """
    write_cog(path, bands, grid, nodata=NODATA, descriptions=list(BANDS), tags=tags, scales=list(SCALES))


def build_mosaics(path: str | Path, maps: Sequence[str | Path], tags: Mapping[str, str] | None = None) -> list[Path]:
    """Join map tiles in one VRT a CRS, as write_mosaics does, with colour table, scales and offsets; gives the VRTs."""
    bands = [
        MosaicBand(number, description, "uint8", NODATA, SCALES[number - 1], number == CLASS_BAND and list_colours())
        for number, description in enumerate(BANDS, start=1)
    ]
    return write_mosaics(path, maps, bands, tags)


def list_mosaics(path: str | Path) -> list[Path]:
    """List the mosaics that build_mosaics made, from the path of the first."""
    path = Path(path)
    return [path, *sorted(path.parent.glob(f"{path.stem}_*.vrt"))]


def list_colours(legend: Mapping[int, tuple[str, str]] = LEGEND) -> list[tuple[int, int, int, int]]:
    """List the colours (red, green, blue, alpha) of the 256 values of a raster by its legend {value: (colour, words)}.

    What isn't in the legend has no colour: all 0.
    """
    known = {value: (*bytes.fromhex(colour[1:]), 255) for value, (colour, _) in legend.items()}
    return [known.get(value, (0, 0, 0, 0)) for value in range(NODATA + 1)]


def iterate_band(maps: Sequence[str | Path], band: int = CLASS_BAND) -> Iterator[tuple[Grid, np.ndarray]]:
    """Read a band of map tiles so that each place comes once: of the last tile that has data there.

    Yields for each tile its grid and its values uint8 (h, w), 255 where there are none or a later tile has some.
    """
    grids = [read_grid(tile) for tile in maps]
    boxes = np.array([transform_bounds(grid.crs, "EPSG:4326", *grid.bounds) for grid in grids])
    for number, (tile, grid) in enumerate(zip(maps, grids, strict=True)):
        with open_raster(tile) as dataset:
            own = dataset.read(band)
        west, south, east, north = boxes[number]
        later = boxes[number + 1 :]
        near = (later[:, 0] < east) & (later[:, 2] > west) & (later[:, 1] < north) & (later[:, 3] > south)
        for other in np.flatnonzero(near) + number + 1:
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
        by_crs[name] = by_crs.get(name, 0) + hectares
    total = sum(by_crs.values())
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


def write_area(path: str | Path, area: dict) -> None:
    """Write what measure_area gives as JSON."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(area, indent=2) + "\n")
