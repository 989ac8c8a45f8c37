"""Cloud-optimised GeoTIFFs of bytes, written part by part."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.enums import Resampling
from rasterio.windows import Window

from cropmine.files import replacing
from cropmine.geo.grids import Grid
from cropmine.geo.rasters import ZSTD_LEVEL, describe_dataset

COG_BLOCK_PX = 512


def write_cog(
    path: str | Path,
    grid: Grid,
    parts: Iterable[tuple[Window, np.ndarray]],
    nodata: int,
    descriptions: Sequence[str],
    tags: Mapping[str, object],
    *,
    resampling: Resampling = Resampling.nearest,
    scales: Sequence[float] | None = None,
    colours: Sequence[tuple[int, int, int, int]] | None = None,
    sparse: bool = False,
) -> None:
    """Write a Cloud Optimized GeoTIFF with overviews, compressed by ZSTD; its bytes follow from the values alone.

    parts: windows of the grid and their values, uint8 (bands, h, w), of which one is in memory at a time; what no part
    covers is nodata. `descriptions` name the bands, `scales` are what values of each band are multiplied by, `colours`
    are (red, green, blue, alpha) of the 256 values of a single band. With `sparse`, blocks without data take no space.
    """
    profile = {"driver": "GTiff", "tiled": True, "blockxsize": COG_BLOCK_PX, "blockysize": COG_BLOCK_PX}
    profile |= {"compress": "zstd", "zstd_level": 1, "sparse_ok": True, "bigtiff": "IF_SAFER", "dtype": "uint8"}
    profile |= {"width": grid.width, "height": grid.height, "crs": grid.crs, "transform": grid.transform}
    options = {"driver": "COG", "compress": "zstd", "level": ZSTD_LEVEL, "blocksize": COG_BLOCK_PX}
    options |= {"bigtiff": "IF_SAFER", "overview_resampling": resampling.name, "sparse_ok": sparse}
    options |= {"predictor": "no" if colours else "standard"}
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    # A COG is written in one go from a file that is whole.
    with tempfile.TemporaryDirectory(dir=Path(path).parent) as scratch, replacing(path) as temporary:
        plain = Path(scratch) / "plain.tif"
        with rasterio.open(plain, "w", count=len(descriptions), nodata=nodata, **profile) as dataset:
            describe_dataset(dataset, descriptions, tags)
            if scales:
                dataset.scales, dataset.offsets = scales, [0.0] * len(scales)
            if colours:
                dataset.write_colormap(1, dict(enumerate(colours)))
            for window, values in parts:
                if (values != nodata).any():
                    dataset.write(values, window=window)
        rasterio.shutil.copy(plain, temporary, **options)
