"""Labels as read_labels gives them."""

import geopandas
import numpy as np
import shapely


def make_labels(polygons, targets=None, **more):
    targets = np.arange(len(polygons)) % 2 if targets is None else np.asarray(targets)
    columns = {"label": np.arange(len(polygons)), "target": targets.astype(np.uint8), **more}
    return geopandas.GeoDataFrame(columns, geometry=list(polygons), crs="EPSG:4326")


def scatter_fields(count, seed=0, size=0.001):
    """Fields of about 100 m over about 50 km."""
    lon, lat = np.random.default_rng(seed).uniform([[36], [-1]], [[36.5], [-0.5]], (2, count))
    return shapely.box(lon, lat, lon + size, lat + size)
