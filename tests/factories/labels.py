"""Labels as read_labels gives them."""

import geopandas
import numpy as np
import pyproj
import shapely
from affine import Affine
from hypothesis import strategies as st
from rasterio.crs import CRS

from cropmine.geo.grids import Grid

SIDE = 40

BLOCKS_ACROSS = 5


def make_labels(polygons, targets=None, **more):
    targets = np.arange(len(polygons)) % 2 if targets is None else np.asarray(targets)
    columns = {"label": np.arange(len(polygons)), "target": targets.astype(np.uint8), **more}
    return geopandas.GeoDataFrame(columns, geometry=list(polygons), crs="EPSG:4326")


def scatter_fields(count, seed=0, size=0.001):
    """Fields of about 100 m over about 50 km."""
    lon, lat = np.random.default_rng(seed).uniform([[36], [-1]], [[36.5], [-0.5]], (2, count))
    return shapely.box(lon, lat, lon + size, lat + size)


@st.composite
def grids(draw):
    """A grid of SIDE pixels of about 10 m, somewhere between 60 south and 70 north."""
    lon, lat = draw(st.floats(-170, 170)), draw(st.floats(-60, 70))
    zone = int((lon + 180) // 6) + 1
    epsg = draw(st.sampled_from([4326, 3857, (32600 if lat >= 0 else 32700) + zone]))
    pixel = {4326: 9e-5, 3857: 10 / np.cos(np.radians(lat))}.get(epsg, 10.0)
    x, y = pyproj.Transformer.from_crs(4326, epsg, always_xy=True).transform(lon, lat)
    return Grid(CRS.from_epsg(epsg), Affine(pixel, 0, x, 0, -pixel, y), SIDE, SIDE)


def locate_pixels(grid, right=0.5, down=0.5):
    """Longitudes and latitudes of the pixels' centres, or of another place in them, (h, w) each."""
    columns, rows = np.meshgrid(np.arange(grid.width) + right, np.arange(grid.height) + down)
    x, y = grid.transform.a * columns + grid.transform.c, grid.transform.e * rows + grid.transform.f
    return pyproj.Transformer.from_crs(grid.crs.to_wkt(), 4326, always_xy=True).transform(x, y)


def scatter_labels(grid, rng, count):
    """Triangles in and around a grid, and beyond it 120 small ones of both classes, so that some always train."""
    lon, lat = locate_pixels(grid)
    centres = np.column_stack([rng.uniform(lon.min(), lon.max(), count), rng.uniform(lat.min(), lat.max(), count)])
    size = rng.uniform(0.05, 0.5, (count, 1, 1)) * [np.ptp(lon), np.ptp(lat)]
    triangles = centres[:, None] + rng.uniform(-1, 1, (count, 3, 2)) * size
    away = np.column_stack([np.full(120, lon.mean()), lat.mean() + 0.05 + 0.03 * np.arange(120)])
    away = away[:, None] + [[0, 0], [2e-4, 0], [0, 2e-4]]
    targets = np.concatenate([rng.integers(0, 2, count), np.arange(120) % 2]).astype(np.uint8)
    splits = [*rng.choice(["train", "validation", "test"], count, p=[0.5, 0.2, 0.3]), *["train"] * 120]
    columns = {"label": np.arange(count + 120), "target": targets, "split": splits}
    return geopandas.GeoDataFrame(columns, geometry=shapely.polygons(np.concatenate([triangles, away])), crs=4326)


def scatter_over_blocks(seed, lon, lat, block_m, arrangement, count):
    """Labels over some 5 x 5 blocks: points' circles or polygons, scattered, in clusters or as wide as a block."""
    rng = np.random.default_rng(seed)
    reach = BLOCKS_ACROSS * block_m / 2
    middles = rng.uniform(-reach, reach, (count, 2))
    if arrangement == "clustered":
        middles = rng.uniform(-reach, reach, (6, 2))[rng.integers(6, size=count)]
        middles += rng.normal(0, block_m / 5, (count, 2))
    size = block_m * (rng.uniform(0.3, 1.3, count) if arrangement == "wide" else rng.uniform(0.01, 0.2, count))
    angles = np.sort(rng.uniform(0, 2 * np.pi, (count, 9)), axis=1)
    radii = size[:, None] / 2 * rng.uniform(0.5, 1, (count, 9))
    corners = middles[:, None] + np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=-1)
    local = pyproj.Transformer.from_crs(f"+proj=aeqd +lon_0={lon} +lat_0={lat}", "EPSG:4326", always_xy=True)
    rings = np.stack(local.transform(corners[..., 0], corners[..., 1]), axis=-1)
    polygons = shapely.make_valid(shapely.polygons(rings), method="structure", keep_collapsed=False)
    polygons = polygons[shapely.area(polygons) > 0]
    targets, parts = rng.integers(0, 2, len(polygons)), rng.choice(["train", "validation", "test"], len(polygons))
    return make_labels(polygons, targets, split=parts.astype(object))
