"""Large rasters of uint8, written as Cloud Optimized GeoTIFF part by part, without holding them."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.enums import Resampling
from rasterio.windows import Window

from cropmine.codes import NODATA
from cropmine.files import replacing
from cropmine.grids import Grid

COG_BLOCK_PX = 512


def write_large_cog(
    path: str | Path,
    grid: Grid,
    parts: Iterable[tuple[Window, np.ndarray]],
    descriptions: Sequence[str],
    tags: Mapping[str, str],
    resampling: Resampling,
    scales: Sequence[float] | None = None,
    colours: Sequence[tuple[int, int, int, int]] | None = None,
) -> None:
    """Write parts, windows of the grid and their values uint8 (bands, h, w), as a COG with overviews, nodata 255.

    What no part covers is nodata. `colours` are those of the 256 values of a single band; the file's bytes follow from
    the values alone.
    """
    profile = {"driver": "GTiff", "tiled": True, "blockxsize": COG_BLOCK_PX, "blockysize": COG_BLOCK_PX}
    profile |= {"compress": "zstd", "zstd_level": 1, "sparse_ok": True, "bigtiff": "IF_SAFER", "dtype": "uint8"}
    profile |= {"width": grid.width, "height": grid.height, "crs": grid.crs, "transform": grid.transform}
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=Path(path).parent) as scratch, replacing(path) as temporary:
        plain = Path(scratch) / "plain.tif"
        with rasterio.open(plain, "w", count=len(descriptions), nodata=NODATA, **profile) as made:
            for window, values in parts:
                if (values != NODATA).any():
                    made.write(values, window=window)
            if scales:
                made.scales, made.offsets = scales, [0.0] * len(scales)
            made.descriptions = descriptions
            made.update_tags(**{key: tags[key] for key in sorted(tags)})
            if colours:
                made.write_colormap(1, dict(enumerate(colours)))
        options = {"driver": "COG", "compress": "zstd", "blocksize": COG_BLOCK_PX, "sparse_ok": True}
        options |= {"overview_resampling": resampling.name, "bigtiff": "IF_SAFER"}
        options |= {"predictor": "standard"} if scales and not colours else {}
        rasterio.shutil.copy(plain, temporary, **options)
