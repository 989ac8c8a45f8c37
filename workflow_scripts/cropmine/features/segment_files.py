"""Files of segments: writing and reading segment rasters."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import rasterio
from rasterio.windows import Window

from cropmine.errors import REMAKE, CropmineError
from cropmine.geo.grids import Grid
from cropmine.geo.rasters import write_raster

CLUSTER_ENDS = "CLUSTER_ENDS"
STRIP_PX = 1 << 21  # pixels that are read at once
BUFFER_PX = 1 << 21


def write_segments(path: str | Path, ids: np.ndarray, cluster_of_segment: np.ndarray, grid: Grid) -> None:
    """Write segments as a GeoTIFF whose tag CLUSTER_ENDS holds the last id of cluster 1, 2, and so on."""
    ends = np.cumsum(np.bincount(cluster_of_segment[1:], minlength=2)[1:])
    write_raster(path, ids, grid, nodata=0, descriptions=["segment"], tags={CLUSTER_ENDS: ",".join(map(str, ends))})


def read_segments(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Read segments as `label_segments` gives them. Raises CropmineError if the file isn't one of segments."""
    cluster_of_segment = read_segment_clusters(path)
    with rasterio.open(path) as dataset:
        return dataset.read(1), cluster_of_segment


def read_segment_clusters(path: str | Path) -> np.ndarray:
    """Read the cluster of each segment, uint8 (n + 1,). Raises CropmineError if the file isn't one of segments."""
    try:
        with rasterio.open(path) as dataset:
            tags = dataset.tags()
    except rasterio.errors.RasterioIOError as error:
        raise CropmineError(path, f"can't be read ({error})", REMAKE) from error
    if CLUSTER_ENDS not in tags:
        raise CropmineError(path, f"has no tag {CLUSTER_ENDS}, so it holds no segments", REMAKE)
    ends = np.array(tags[CLUSTER_ENDS].split(","), dtype=np.int64)
    clusters = np.repeat(np.arange(1, len(ends) + 1, dtype=np.uint8), np.diff(ends, prepend=0))
    return np.concatenate([np.zeros(1, dtype=np.uint8), clusters])


def read_segment_strips(path: str | Path, top: int, bottom: int) -> Iterator[np.ndarray]:
    """Read the segments of rows from `top` to before `bottom`, strip after strip, uint32 (rows, w).

    A strip holds until the next is read: all come in one buffer, since new memory costs as much as decompressing.
    """
    with rasterio.open(path) as dataset:
        height, width = dataset.shape
        block = dataset.block_shapes[0][0]
        step = max(BUFFER_PX // width // block, 1) * block
        buffer = np.empty((step, width), dtype=np.uint32)
        for start in range(top - top % step, bottom, step):
            first, last = max(start, top), min(start + step, bottom, height)
            yield dataset.read(1, window=Window(0, first, width, last - first), out=buffer[: last - first])
