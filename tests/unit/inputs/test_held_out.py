"""Held-out ground: whatever the labels, blocks and buffers, nothing trains in or near a held-out block."""

import numpy as np
import pyproj
import pytest
import shapely
from affine import Affine
from hypothesis import HealthCheck, event, given, reject, settings
from hypothesis import strategies as st
from rasterio.crs import CRS

from cropmine.classes import HUMAN, IGNORE, MINED, WEAK
from cropmine.config.regions import Split
from cropmine.errors import CropmineError
from cropmine.geo.grids import GEOD, Grid, pixel_size_m
from cropmine.inputs.blocks import block_bounds, block_of
from cropmine.inputs.held_out import check_apart, count_leaks, held_out_mask, select_on
from cropmine.inputs.label_pieces import draw_labels, split_of
from cropmine.inputs.label_rasters import burn_labels
from cropmine.inputs.splits import split_labels
from cropmine.mining.targets import compose_target, mask_training
from factories.labels import (
    BLOCKS_ACROSS,
    grids,
    locate_pixels,
    make_labels,
    scatter_fields,
    scatter_labels,
    scatter_over_blocks,
)
from factories.tiles import label_boxes, make_grid

WGS84 = pyproj.Geod(ellps="WGS84")
GRID_PX = 70
NEAREST = 3
FAR = 1.5
METRES_OF_DEGREE = 110_500
MILLIMETRE = 1e-3

slow = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])


def test_labels_of_another_region_leak_where_they_lie_in_a_held_out_block_or_its_buffer():
    fields = scatter_fields(2)
    pieces, _ = split_labels(
        make_labels(
            [*fields, shapely.affinity.translate(fields[1], 0.1, 0)], [1, 1, 0], split=["train", "test", "train"]
        ),
        Split(method="field", field="part", block_m=500),
        [0],
    )
    splits = split_of(pieces, None)
    assert count_leaks(make_labels([fields[1], fields[0]]), pieces, splits, 0, 500) == 1
    beyond = shapely.affinity.translate(fields[1], 0, 0.009)  # 1 km to the north
    assert count_leaks(make_labels([beyond]), pieces, splits, 0, 500) == 0
    assert count_leaks(make_labels([beyond]), pieces, splits, 1000, 500) == 1


def test_regions_that_overlap_cannot_be_transferred_between():
    fields = scatter_fields(2)
    split = Split(method="field", field="part", block_m=500)
    apart = [shapely.affinity.translate(field, 0.2, 0) for field in fields]
    target, _ = split_labels(make_labels([*fields, apart[0]], [1, 0, 0], split=["train", "test", "train"]), split, [0])
    source, _ = split_labels(make_labels([fields[1], apart[1]], [1, 0], split=["train", "train"]), split, [0])
    with pytest.raises(CropmineError, match=r"\d training labels of the source are in held-out blocks of the target"):
        check_apart(source, target, 0, 500)
    check_apart(target, target, 0, 500)


def test_pieces_of_labels_beyond_a_region_are_left_out():
    grid = make_grid(40, 30)
    labels = label_boxes(grid, [(2, 2, 4, 4, 1, "test"), (90, 2, 4, 4, 0, "test"), (38, 2, 4, 4, 1, "train")])
    assert select_on(labels, [grid])["label"].tolist() == [0, 2]
    assert select_on(labels, [grid, make_grid(40, 30, column=2)])["label"].tolist() == [0, 1, 2]


def cover(crs, lon, lat, block_m) -> Grid:
    """A grid somewhat wider than the labels."""
    utm = f"EPSG:{(32600 if lat >= 0 else 32700) + min(int((lon + 180) // 6) + 1, 60)}"
    crs = CRS.from_string(utm if crs == "utm" else crs)
    east, north = (WGS84.fwd(lon, lat, azimuth, BLOCKS_ACROSS * block_m * 0.6)[:2] for azimuth in (90, 0))
    to_grid = pyproj.Transformer.from_crs("EPSG:4326", pyproj.CRS.from_wkt(crs.to_wkt()), always_xy=True)
    (x, y), (right, _), (_, top) = (to_grid.transform(*place) for place in ((lon, lat), east, north))
    px = max(right - x, top - y) * 2 / GRID_PX
    return Grid(crs, Affine(px, 0, x - px * GRID_PX / 2, 0, -px, y + px * GRID_PX / 2), GRID_PX, GRID_PX)


@st.composite
def situations(draw):
    lon, lat = draw(st.floats(-175, 175)), draw(st.floats(-70, 70))
    block_m = draw(st.floats(100, 20_000))
    method = draw(st.sampled_from(["holdout", "kfold", "field"]))
    buffer_m = draw(st.sampled_from([0.1, 0, 0.4, 0.01])) * block_m
    split = Split(method=method, block_m=block_m, buffer_m=buffer_m, folds=4, seed=draw(st.integers(0, 99)))
    if method == "field":
        split = split.model_copy(update={"field": "part"})
    arrangement = draw(st.sampled_from(["scattered", "clustered", "wide"]))
    labels = scatter_over_blocks(draw(st.integers(0, 999)), lon, lat, block_m, arrangement, draw(st.integers(30, 90)))
    grid = cover(draw(st.sampled_from(["utm", "EPSG:3857", "EPSG:4326"])), lon, lat, block_m)
    if method != "field":
        labels = labels.drop(columns="split")
    return labels, split, grid


def burn(pieces, splits, split, grid, fraction) -> np.ndarray:
    """A target as burn_target makes it, where every pixel was mined: bool (h, w), where something trains."""
    everywhere = np.ones(grid.shape, bool)
    held_out = held_out_mask(pieces, splits, grid, split.buffer_m, split.block_m)
    human = burn_labels(pieces[draw_labels(pieces, splits, fraction, 0)], grid)
    layers = [(everywhere.astype(np.uint8), MINED), (human, HUMAN)]
    return compose_target(layers, mask_training(everywhere, everywhere, held_out))[0] != IGNORE


def find_corners(trained, grid) -> np.ndarray:
    """Longitude and latitude of the corners and centres of pixels, (pixels, 5, 2)."""
    rows, cols = np.nonzero(trained)
    offsets = np.array([(0, 0), (0, 1), (1, 0), (1, 1), (0.5, 0.5)])
    x, y = grid.transform @ (cols[:, None] + offsets[:, 0], rows[:, None] + offsets[:, 1])
    return np.stack(grid.to_lonlat.transform(x, y), axis=-1)


def trace_border(bounds, steps=80) -> np.ndarray:
    """Points along the border of a lon/lat rectangle, (4 * steps, 2)."""
    west, south, east, north = bounds
    lon, lat = np.linspace(west, east, steps), np.linspace(south, north, steps)
    sides = [(lon, np.full(steps, south)), (np.full(steps, east), lat), (lon, np.full(steps, north))]
    return np.concatenate([np.column_stack(side) for side in [*sides, (np.full(steps, west), lat)]])


def _ring(bounds) -> np.ndarray:
    return shapely.get_coordinates(shapely.segmentize(shapely.box(*bounds), (bounds[3] - bounds[1]) / 20))


def measure_gap(corners, bounds, enough) -> float:
    """The geodesic distance of the nearest pixel from a block; negative if one reaches into the block.

    The nearest pixels are found in an azimuthal equidistant projection around the block, infinite where none is so
    near that its distance may be less than enough.
    """
    west, south, east, north = bounds
    lon, lat = corners[..., 0], corners[..., 1]
    slack = 1e-9
    if ((lon > west + slack) & (lon < east - slack) & (lat > south + slack) & (lat < north - slack)).any():
        return -1.0
    reach = FAR * enough / METRES_OF_DEGREE * np.array([1 / np.cos(np.radians(max(-south, north))), 1])
    corners = corners[
        ((corners[:, 4] > (west, south) - reach) & (corners[:, 4] < np.add((east, north), reach))).all(axis=1)
    ]
    if not len(corners):
        return np.inf
    around = f"+proj=aeqd +lon_0={(west + east) / 2} +lat_0={(south + north) / 2}"
    project = pyproj.Transformer.from_crs("EPSG:4326", around, always_xy=True).transform
    middles = shapely.points(*project(*corners[:, 4].T))
    outline = shapely.polygons(shapely.linearrings(np.column_stack(project(*_ring(bounds).T))))
    near = corners[np.argsort(shapely.distance(middles, outline))[:NEAREST]].reshape(-1, 2)
    border = trace_border(bounds)
    pairs = [np.repeat(near, len(border), axis=0), np.tile(border, (len(near), 1))]
    return WGS84.inv(*pairs[0].T, *pairs[1].T)[2].min()


@pytest.mark.slow
@settings(max_examples=50, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(situations(), st.sampled_from([0.1, 0.5, 1]))
def test_no_pixel_trains_in_or_near_a_held_out_block(situation, fraction):
    labels, split, grid = situation
    try:
        pieces, blocks = split_labels(labels, split, [0])
    except CropmineError:
        reject()
    fold = split.seed % split.folds if split.method == "kfold" else None
    splits = split_of(pieces, fold, split.folds)
    trained = burn(pieces, splits, split, grid, fraction)
    if not trained.any():
        reject()
    event(f"{split.method}, buffer {split.buffer_m / split.block_m:.2f}")
    corners = find_corners(trained, grid)
    bounds = blocks.set_index("block")[["lon_min", "lat_min", "lon_max", "lat_max"]]
    enough = split.buffer_m + 3 * max(pixel_size_m(grid))
    for block in set(pieces["block"][splits != "train"]):
        assert measure_gap(corners, bounds.loc[block].to_numpy(), enough) >= split.buffer_m - MILLIMETRE


def test_a_pixel_that_a_held_out_block_only_scratches_is_held_out():
    """GDAL's all_touched alone leaves out pixels that a polygon meets by under a hundredth of their width."""
    lon, lat, block_m = -146.868, 69.566, 1455
    rows, columns = block_of([lon], [lat], block_m)
    bounds = np.concatenate(block_bounds(rows, columns, block_m))
    pieces = make_labels([shapely.box(*bounds)]).assign(block=f"r{rows[0]}c{columns[0]}")
    grid = cover("utm", lon, lat, block_m)
    held_out = held_out_mask(pieces, np.array(["test"], object), grid, 0, block_m)
    assert measure_gap(find_corners(~held_out, grid), bounds, 1) >= 0


def measure_distances(lon, lat, polygons):
    """Geodesic distance of each point to the nearest polygon, 0 inside; nearest places by a projection about them."""
    around = pyproj.CRS(f"+proj=aeqd +lat_0={lat.mean()} +lon_0={lon.mean()} +ellps=WGS84")
    there = pyproj.Transformer.from_crs(4326, around, always_xy=True)
    bent = shapely.segmentize(polygons, 1e-4)
    nearest = shapely.union_all(shapely.transform(bent, there.transform, interleaved=False))
    lines = shapely.shortest_line(shapely.points(*there.transform(lon, lat)), nearest)
    ends = there.transform(*shapely.get_coordinates(lines)[1::2].T, direction="INVERSE")
    return GEOD.inv(lon, lat, *ends)[2]


def find_held_out(pieces, splits, block_m):
    """Held-out pieces near the grid's labels, and their blocks' rectangles, found anew from inner points."""
    held_out = pieces.geometry.to_numpy()[splits != "train"]
    inside = shapely.get_coordinates(shapely.point_on_surface(held_out))
    return held_out, shapely.box(*block_bounds(*block_of(*inside.T, block_m), block_m))


@slow
@given(grids(), st.sampled_from(["holdout", "kfold", "field"]), st.integers(0, 10**6), st.data())
def test_nothing_trains_in_a_held_out_block_or_within_its_buffer(grid, method, seed, data):
    block_m, buffer_m = data.draw(st.floats(40, 300)), data.draw(st.sampled_from([0.0, 15.0, 60.0, 120.0]))
    rng = np.random.default_rng(seed)
    labels = scatter_labels(grid, rng, data.draw(st.integers(1, 8)))
    field = "part" if method == "field" else None
    split = Split(method=method, field=field, block_m=block_m, buffer_m=buffer_m, seed=seed)
    labels = labels if method == "field" else labels.drop(columns="split")
    pieces, _ = split_labels(labels, split, [0])
    splits = split_of(pieces, 1 if method == "kfold" else None, split.folds)
    human = burn_labels(pieces[draw_labels(pieces, splits, 1, 0)], grid)
    mined, weak = rng.choice(np.array([0, 1, 255], np.uint8), (2, *grid.shape))
    mask = held_out_mask(pieces, splits, grid, buffer_m, block_m)
    layers = [(weak, WEAK), (mined, MINED), (human, HUMAN)]
    target, source = compose_target(layers, mask_training(np.ones_like(mask), np.ones_like(mask), mask))

    held_out, blocks = find_held_out(pieces, splits, block_m)
    if not len(held_out):
        assert not mask.any()
        return
    trains = target != IGNORE
    assert not trains[mask].any() and (trains == (source != 0)).all()
    if not mask.all():
        centres = [part[~mask] for part in locate_pixels(grid)]
        assert (measure_distances(*centres, held_out) > buffer_m).all()
        corners = [locate_pixels(grid, right, down) for right in (0, 1) for down in (0, 1)]
        corners = [np.concatenate([part[~mask] for part in parts]) for parts in zip(*corners, strict=True)]
        assert (measure_distances(*corners, blocks) > buffer_m).all()
    lon, lat = (part[mask] for part in locate_pixels(grid))
    if len(lon):  # and the mask is no larger than it has to be: corners of a zone are square, pixels 10 m wide
        assert (measure_distances(lon, lat, blocks) < buffer_m * 2**0.5 + 30).all()
