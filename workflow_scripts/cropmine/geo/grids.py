"""Grids: where the pixels of a raster are, how large they are on the ground, and grids of windows of it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import pyproj
import rasterio
from affine import Affine
from pyproj import Geod
from rasterio.crs import CRS

from cropmine.errors import CropmineError
from cropmine.geo.raster_formats import choose_raster_driver

ALIGNED_PX = 0.01
CRS_LONLAT = "EPSG:4326"
GEOD = Geod(ellps="WGS84")


@dataclass(frozen=True)
class Grid:
    """The pixels of a north-up raster: CRS, transform, width and height in pixels.

    Raises CropmineError for a transform that is rotated or south-up.
    """

    crs: CRS
    transform: Affine
    width: int
    height: int

    def __post_init__(self) -> None:
        step = self.transform
        if not np.isfinite(tuple(step)).all():
            raise CropmineError("grid", f"its place isn't finite: {tuple(step)[:6]}", "georeference the raster again")
        if step.b or step.d or step.a <= 0 or step.e >= 0:
            raise CropmineError(
                "grid", f"not north-up: {tuple(step)[:6]}", "warp the raster to a north-up grid (gdalwarp)"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.height, self.width

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(west, south, east, north) in units of the CRS."""
        west, north = self.transform.c, self.transform.f
        return west, north + self.height * self.transform.e, west + self.width * self.transform.a, north

    @property
    def centre(self) -> tuple[float, float]:
        """(x, y) of the middle in units of the CRS."""
        return self.transform @ (self.width / 2, self.height / 2)

    def window(self, col: int, row: int, width: int, height: int) -> "Grid":
        """Give the grid of a window, pixels from the upper left; it may extend beyond this grid."""
        return Grid(self.crs, self.transform @ Affine.translation(col, row), width, height)

    def padded(self, px: int) -> "Grid":
        """Give the grid with `px` more pixels on each side."""
        return self.window(-px, -px, self.width + 2 * px, self.height + 2 * px)

    def shifted(self, east_m: float, north_m: float) -> "Grid":
        """Give the grid moved by true ground metres to the true east and north, as measured at its centre."""
        if not (east_m or north_m):
            return self
        x, y = self.centre
        lon, lat = self.to_lonlat.transform(x, y)
        lon, lat, _ = self.geod.fwd(lon, lat, 90, east_m)
        lon, lat, _ = self.geod.fwd(lon, lat, 0, north_m)
        to_x, to_y = self.to_lonlat.transform(lon, lat, direction=pyproj.enums.TransformDirection.INVERSE)
        return Grid(self.crs, Affine.translation(to_x - x, to_y - y) @ self.transform, self.width, self.height)

    def aligns(self, other: "Grid") -> bool:
        """Check whether the other grid has the same pixels, within a hundredth of one."""
        if self.crs != other.crs or self.shape != other.shape:
            return False
        apart = np.subtract(self.bounds, other.bounds)
        return bool(np.all(np.abs(apart) < ALIGNED_PX * min(self.transform.a, -self.transform.e)))

    @cached_property
    def pyproj_crs(self) -> pyproj.CRS:
        """The CRS for pyproj."""
        return _read_crs(self.crs.to_wkt())

    @cached_property
    def geod(self) -> pyproj.Geod:
        """The ellipsoid of the CRS."""
        return _read_geod(self.crs.to_wkt())

    @cached_property
    def to_lonlat(self) -> pyproj.Transformer:
        """From (x, y) of the CRS to (longitude, latitude) in degrees on its own datum."""
        return _make_lonlat(self.crs.to_wkt())


@lru_cache(maxsize=256)  # many tiles, few CRS: each takes as long as opening a file
def _read_crs(wkt: str) -> pyproj.CRS:
    return pyproj.CRS.from_wkt(wkt)


@lru_cache(maxsize=256)
def _read_geod(wkt: str) -> pyproj.Geod:
    geod = _read_crs(wkt).get_geod()
    if geod is None:
        raise _refuse_crs(wkt)
    return geod


@lru_cache(maxsize=256)
def _make_lonlat(wkt: str) -> pyproj.Transformer:
    crs = _read_crs(wkt)
    if crs.geodetic_crs is None:
        raise _refuse_crs(wkt)
    return pyproj.Transformer.from_crs(crs, crs.geodetic_crs.to_2d(), always_xy=True)


def _refuse_crs(wkt: str) -> CropmineError:
    what = f"its CRS, {_read_crs(wkt).name!r}, has no place on the earth"
    return CropmineError("grid", what, "warp the raster (gdalwarp)")


def transform_points(transformer: pyproj.Transformer) -> Callable[[np.ndarray], np.ndarray]:
    """Give a transformer in the form that `shapely.transform` takes: from points (n, 2), x before y, to points."""
    return lambda points: np.stack(transformer.transform(*points.T), axis=-1)


@contextmanager
def open_raster(path: str | Path) -> Iterator[rasterio.DatasetReader]:
    """Open a raster to be read in a block.

    Raises CropmineError if there is none, it is of a format that isn't read or a VRT that leads out of its folder, or
    GDAL can't read it, in the block as well.
    """
    driver = choose_raster_driver(path)
    try:
        with rasterio.open(path, driver=driver) as dataset:
            yield dataset
    except (rasterio.errors.RasterioError, MemoryError) as error:
        raise CropmineError(path, f"not a readable raster ({error})", "is the file whole?") from error


def grid_of(dataset: rasterio.DatasetReader) -> Grid:
    """Give the grid of an open raster.

    Raises CropmineError if it has no CRS, a local one, or isn't north-up.
    """
    crs = dataset.crs
    if not crs:
        raise CropmineError(dataset.name, "the raster has no CRS", "assign one (gdal_edit -a_srs EPSG:...)")
    if not (crs.is_projected or crs.is_geographic):
        raise CropmineError(dataset.name, "its CRS is neither projected nor geographic", "warp the raster (gdalwarp)")
    try:
        return Grid(crs, dataset.transform, dataset.width, dataset.height)
    except CropmineError as error:
        raise CropmineError(dataset.name, error.what, error.hint) from error


def read_grid(path: str | Path) -> Grid:
    """Read the grid of a raster file.

    Raises CropmineError if the file isn't readable, has no CRS or isn't north-up.
    """
    with open_raster(path) as dataset:
        return grid_of(dataset)


def pixel_size_m(grid: Grid) -> tuple[float, float]:
    """Give the true ground width and height of a pixel at the grid's centre, metres (along columns, along rows)."""
    x, y = grid.centre
    half_x, half_y = grid.transform.a / 2, grid.transform.e / 2
    lon, lat = grid.to_lonlat.transform([x - half_x, x + half_x, x, x], [y, y, y - half_y, y + half_y])
    _, _, metres = grid.geod.inv([lon[0], lon[2]], [lat[0], lat[2]], [lon[1], lon[3]], [lat[1], lat[3]])
    return float(metres[0]), float(metres[1])


def measure_pixel(grids: Sequence[Grid]) -> float:
    """Measure the true ground size of a pixel of several grids: the side of a square of the median area, metres."""
    width, height = np.median([pixel_size_m(grid) for grid in grids], axis=0)
    return round(float(np.sqrt(width * height)), 3)
