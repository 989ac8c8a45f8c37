"""Blocks are true and stable, and cuts along them lose nothing."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from cropmine.geo.grids import GEOD
from cropmine.inputs.blocks import block_bounds, block_of, cut_labels
from factories.labels import make_labels, scatter_fields

latitudes, longitudes = st.floats(-84, 84), st.floats(-179.9, 179.9)
block_sizes = st.floats(10, 200_000)


def is_near(value, metres, share=1e-9):
    return value == pytest.approx(metres, rel=share, abs=1e-6)


@given(longitudes, latitudes, block_sizes)
def test_a_point_lies_in_its_block(lon, lat, block_m):
    west, south, east, north = block_bounds(*block_of([lon], [lat], block_m), block_m)
    assert west - 1e-9 <= lon <= east + 1e-9 and south - 1e-9 <= lat <= north + 1e-9


@given(st.floats(-179, 179), st.floats(-80, 80), st.floats(10, 20_000))
def test_blocks_are_as_high_and_wide_as_asked_in_true_metres(lon, lat, block_m):
    rows, columns = block_of([lon], [lat], block_m)
    west, south, east, north = (border[0] for border in block_bounds(rows, columns, block_m))
    assert is_near(GEOD.inv(west, south, west, north)[2], block_m)
    middle = GEOD.fwd(west, south, 0, block_m / 2)[1]
    corners = np.linspace(west, east, 101)
    parallel = GEOD.line_length(corners, np.full(101, middle))
    assert is_near(parallel, block_m, 1e-6)


def test_a_block_keeps_its_place_in_rows_and_columns():
    rows, columns = block_of([36.8219, -0.0001, 36.8219], [-1.2921, 0.0001, 51.5], 1000)
    assert list(zip(rows, columns, strict=True)) == [(-143, 4097), (0, -1), (5707, 2557)]


@st.composite
def crooked_labels(draw):
    """A star-shaped polygon with a hole, up to some ten blocks wide."""
    lon, lat = draw(st.floats(-170, 170)), draw(st.floats(-70, 70))
    angles = np.sort(np.random.default_rng(draw(st.integers(0, 99))).uniform(0, 2 * np.pi, 12))
    radii = np.array(draw(st.lists(st.floats(0.002, 0.02), min_size=12, max_size=12)))
    shell = np.column_stack([lon + radii * np.cos(angles), lat + radii * np.sin(angles)])
    hole = shapely.box(lon - 1e-3, lat - 1e-3, lon + 1e-3, lat + 1e-3)
    return shapely.make_valid(shapely.Polygon(shell), method="structure", keep_collapsed=False).difference(hole)


@settings(max_examples=60)
@given(crooked_labels(), st.floats(150, 5000))
def test_the_pieces_of_a_label_are_the_label_and_each_lies_in_its_block(polygon, block_m):
    pieces = cut_labels(make_labels([polygon]), block_m)
    geometries = pieces.geometry.to_numpy()
    assert pieces["piece"].tolist() == list(range(len(pieces))) and pieces["block"].is_unique
    assert np.isin(shapely.get_type_id(geometries), (3, 6)).all() and shapely.is_valid(geometries).all()
    missing = shapely.area(polygon) - shapely.area(geometries).sum()
    assert abs(missing) < 1e-4 * shapely.area(polygon)
    assert shapely.area(polygon ^ shapely.union_all(geometries)) < 1e-4 * shapely.area(polygon)
    inside = shapely.get_coordinates(shapely.point_on_surface(geometries))
    rows, columns = block_of(*inside.T, block_m)
    assert pieces["block"].tolist() == [f"r{row}c{column}" for row, column in zip(rows, columns, strict=True)]
    boxes = shapely.box(*block_bounds(rows, columns, block_m))
    assert (shapely.area(shapely.difference(geometries, boxes)) < 1e-12).all()


def test_a_label_within_a_block_stays_whole_and_keeps_its_columns():
    labels = make_labels(scatter_fields(30), file="a.gpkg")
    pieces = cut_labels(labels, 100_000)
    assert shapely.equals_exact(pieces.geometry.to_numpy(), labels.geometry.to_numpy()).all()
    assert (pieces["file"] == "a.gpkg").all() and (pieces["piece"] == 0).all()
