"""Labels burned onto a grid."""

import geopandas
import numpy as np
import shapely
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS

from cropmine.classes import CROPLAND, IGNORE, NONCROPLAND
from cropmine.geo.grids import Grid
from cropmine.inputs.label_rasters import burn_label_ids, burn_labels
from factories.labels import SIDE, grids, locate_pixels, scatter_labels

slow = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])


@slow
@given(grids(), st.integers(0, 10**6))
def test_a_pixel_takes_the_label_that_holds_its_centre(grid, seed):
    labels = scatter_labels(grid, np.random.default_rng(seed), 6)
    points = shapely.points(*locate_pixels(grid))
    holds = np.stack([shapely.contains(polygon, points) for polygon in labels.geometry[:6]])
    outline = shapely.union_all(shapely.boundary(labels.geometry[:6].to_numpy()))
    clear = shapely.distance(points, outline) > 1e-8  # chords and rounding decide on the rest
    is_cropland, is_other = (holds[labels["target"][:6] == cls].any(axis=0) for cls in (CROPLAND, NONCROPLAND))
    expected = np.select([is_cropland & is_other, is_cropland, is_other], [IGNORE, CROPLAND, NONCROPLAND], IGNORE)
    burnt, ids = burn_labels(labels, grid), burn_label_ids(labels, grid)
    assert burnt.dtype == np.uint8 and ids.dtype == np.int32
    assert (burnt == expected)[clear].all()
    assert ((ids > 0) == (burnt != IGNORE)).all()
    named = clear & (ids > 0)
    assert holds[ids[named] - 1, *np.nonzero(named)].all()


def test_labels_elsewhere_burn_nothing():
    grid = Grid(CRS.from_epsg(32737), Affine(10, 0, 250_000, 0, -10, 9_890_000), SIDE, SIDE)
    labels = geopandas.GeoDataFrame({"target": [1]}, geometry=[shapely.box(10, 10, 11, 11)], crs=4326)
    for some in (labels, labels[:0]):
        burnt, ids = burn_labels(some, grid), burn_label_ids(some, grid)
        assert (burnt == IGNORE).all() and (ids == 0).all()
        assert (burnt.dtype, ids.dtype) == (np.uint8, np.int32)
