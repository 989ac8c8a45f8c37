"""Rasters of features, such as embeddings or seasonal composites, that take the place of imagery."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from cropmine.errors import CropmineError
from cropmine.geo.grids import open_raster, read_grid
from cropmine.inputs.tile_sources import TileSource


def use_rasters(sources: Mapping[str, TileSource], rasters: Sequence[str | Path]) -> dict[str, TileSource]:
    """Put rasters of features, one a tile in the same order, in the place of imagery, under the same masks.

    Without rasters the imagery stays. Raises CropmineError if a raster isn't on the imagery's grid.
    """
    if not rasters:
        return dict(sources)
    named = zip(sources.items(), rasters, strict=True)
    return {tile: _use_raster(source, str(raster)) for (tile, source), raster in named}


def _use_raster(source: TileSource, raster: str) -> TileSource:
    if not read_grid(raster).aligns(read_grid(source.images[0])):
        raise CropmineError(raster, "its grid isn't that of the imagery", "warp it there: gdalwarp -tr … -te …")
    with open_raster(raster) as dataset:
        bands = dataset.count
    return TileSource((raster,), bands, source.masks, source.bad, source.mask_band)
