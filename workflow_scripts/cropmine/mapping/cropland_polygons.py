"""Polygons of cropland: outlines of its connected pixels, smoothed. They aren't fields, which may touch."""

import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import cc3d
import geopandas
import numpy as np
import pyarrow.parquet
import rasterio
import shapely
from rasterio.windows import Window

from cropmine.classes import CROPLAND
from cropmine.files import replacing
from cropmine.geo.areas import measure_polygons
from cropmine.geo.geometries import to_lonlat
from cropmine.geo.grids import CRS_LONLAT, Grid, grid_of, open_raster
from cropmine.geo.outlines import polygonise_labels

BLOCK_PX = 2048
TOLERANCE_PX = 1.0
TAG = b"cropmine:"


def outline_cropland(classes: Sequence[str | Path], min_area_m2: float) -> geopandas.GeoDataFrame:
    """Outline the cropland of rasters of classes, one a CRS.

    A polygon is cropland connected by the sides of its pixels. Holes under `min_area_m2` of true area are filled,
    smaller polygons dropped, and the steps of the pixels smoothed within a pixel's width. Columns: polygon (int64, from
    1), area_ha (true area of the outline) and geometry in EPSG:4326, from west to east.
    """
    polygons = np.concatenate([_outline_raster(path, min_area_m2) for path in classes])
    bounds = shapely.bounds(polygons)
    polygons = polygons[np.lexsort((bounds[:, 1], bounds[:, 0]))]
    areas = measure_polygons(polygons)
    columns = {"polygon": np.arange(1, len(polygons) + 1), "area_ha": np.round(areas / 1e4, 4)}
    return geopandas.GeoDataFrame(columns, geometry=polygons, crs=CRS_LONLAT)


def _outline_raster(path: str | Path, min_area_m2: float) -> np.ndarray:
    with open_raster(path) as dataset:
        grid = grid_of(dataset)
        whole, cut = [], []
        for polygons, at_edge in _outline_blocks(dataset):
            whole.append(polygons[~at_edge])
            cut.append(polygons[at_edge])
    joined = shapely.get_parts(shapely.union_all(np.concatenate([*cut, np.empty(0, object)])))
    polygons = np.concatenate([*whole, joined])
    kept = polygons[measure_polygons(to_lonlat(polygons, grid)) >= min_area_m2]
    filled = _fill_holes(kept, grid, min_area_m2)
    lonlat = to_lonlat(shapely.simplify(filled, TOLERANCE_PX * grid.transform.a), grid)
    broken = ~shapely.is_valid(lonlat)
    lonlat[broken] = to_lonlat(filled[broken], grid)
    return lonlat[measure_polygons(lonlat) >= min_area_m2]


def _outline_blocks(dataset: rasterio.DatasetReader) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The polygons of cropland of each block of a raster, and which of them touch another block."""
    grid = grid_of(dataset)
    for top in range(0, grid.height, BLOCK_PX):
        for left in range(0, grid.width, BLOCK_PX):
            width, height = min(BLOCK_PX, grid.width - left), min(BLOCK_PX, grid.height - top)
            cropland = dataset.read(1, window=Window(left, top, width, height)) == CROPLAND
            if not cropland.any():
                continue
            ids, count = cc3d.connected_components(cropland, connectivity=4, return_N=True)
            keep = np.arange(count + 1) > 0
            block = grid.window(left, top, width, height)
            found, polygons = polygonise_labels(ids.astype(np.uint32), block.transform, keep)
            edges = np.concatenate([ids[0], ids[-1], ids[:, 0], ids[:, -1]])
            yield polygons, np.isin(found, edges)


def _fill_holes(polygons: np.ndarray, grid: Grid, min_area_m2: float) -> np.ndarray:
    """Polygons without their holes under an area."""
    holed = np.flatnonzero(shapely.get_num_interior_rings(polygons))
    filled = polygons.copy()
    for place in holed:
        holes = shapely.get_rings(polygons[place])[1:]
        areas = measure_polygons(to_lonlat(np.asarray(shapely.polygons(holes)), grid))
        filled[place] = shapely.polygons(shapely.get_exterior_ring(polygons[place]), holes[areas >= min_area_m2])
    return filled


def read_tags(path: str | Path) -> dict[str, str]:
    """Read the tags of the map that write_polygons wrote."""
    metadata = pyarrow.parquet.read_schema(path).metadata
    tags = {key.decode(): value.decode() for key, value in metadata.items() if key.startswith(TAG)}
    return {key.removeprefix(TAG.decode()): value for key, value in tags.items()}


def write_polygons(path: str | Path, polygons: geopandas.GeoDataFrame, tags: Mapping[str, str]) -> None:
    """Write polygons as GeoParquet whose metadata hold the tags of the map, the same bytes for the same polygons."""
    buffer = io.BytesIO()
    polygons.to_parquet(buffer, index=False)
    table = pyarrow.parquet.read_table(buffer)
    metadata = {TAG + key.encode(): str(value).encode() for key, value in sorted(tags.items())}
    with replacing(path) as temporary:
        pyarrow.parquet.write_table(
            table.replace_schema_metadata(table.schema.metadata | metadata), temporary, compression="zstd"
        )
