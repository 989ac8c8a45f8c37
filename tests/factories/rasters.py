"""Small rasters for tests."""

import geopandas
import numpy as np
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.windows import Window

from cropmine.geo.cogs import write_cog
from cropmine.geo.grids import Grid

PLACES = {
    "EPSG:3857": (4e6, 4.777),
    "EPSG:4326": (36.0, 0.0001),
    "EPSG:32637": (300_000.0, 10.0),
    "EPSG:3035": (4e6, 10.0),
    "EPSG:2229": (6.4e6, 30.0),
}


def make_grid(width=32, height=24, crs="EPSG:32637", x=500_000.0, y=1_000_000.0, px=10.0, py=None) -> Grid:
    """A grid by its upper left corner and pixel size."""
    return Grid(CRS.from_string(crs), Affine(px, 0, x, 0, -(py or px), y), width, height)


def write_plain(path, array, grid, nodata=None, alpha=False, mask=None) -> str:
    """An untiled GeoTIFF as others may write it: (h, w) or (bands, h, w), its last band alpha, an internal mask."""
    bands = array[None] if array.ndim == 2 else array
    profile = {"width": grid.width, "height": grid.height, "crs": grid.crs, "transform": grid.transform}
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(path, "w", driver="GTiff", count=len(bands), dtype=bands.dtype, nodata=nodata, **profile) as file,
    ):
        if alpha:
            file.colorinterp = [*[ColorInterp.gray] * (len(bands) - 1), ColorInterp.alpha]
        file.write(bands)
        if mask is not None:
            file.write_mask(mask)
    return str(path)


def write_polygons(path, polygons, crs, **fields) -> str:
    """A polygon file; the suffix tells the format."""
    frame = geopandas.GeoDataFrame(fields, geometry=list(polygons), crs=crs)
    frame.to_parquet(path) if str(path).endswith(".parquet") else frame.to_file(path)
    return str(path)


def checkerboard(height, width, cell=1) -> np.ndarray:
    """Uint8 (h, w) of 0 and 1."""
    rows, cols = np.indices((height, width)) // cell
    return ((rows + cols) % 2).astype(np.uint8)


def write_whole(path, array, grid, nodata=255, descriptions=None, tags=()):
    """Write an array as a COG of one part."""
    bands = array.reshape(-1, *grid.shape)
    descriptions = descriptions or [str(number) for number in range(len(bands))]
    write_cog(path, grid, [(Window(0, 0, grid.width, grid.height), bands)], nodata, descriptions, dict(tags))
