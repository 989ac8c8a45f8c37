"""Small rasters for tests."""

import geopandas
import numpy as np
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.enums import ColorInterp

from cropmine.geo.grids import Grid


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
