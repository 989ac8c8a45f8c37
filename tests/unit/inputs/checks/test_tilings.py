"""How tiles lie beside each other."""

import pytest

from cropmine.inputs.checks.findings import Findings
from cropmine.inputs.checks.tiles import check_tiling
from factories.rasters import make_grid

PX = 10.0


def warn(cells, crs="EPSG:32637", shift=0.0):
    """Warnings about tiles of 20 × 20 px at cells (column, row); the last one is moved by some pixels."""
    findings, grids = Findings(), {}
    for place, (column, row) in enumerate(cells):
        moved = shift * PX if place == len(cells) - 1 else 0
        grids[f"c{column}r{row}"] = make_grid(20, 20, crs, 500_000 + 200 * column + moved, 1_000_000 - 200 * row)
    check_tiling(grids, "regions.r.imagery", findings)
    return " ".join(findings.warnings)


@pytest.mark.parametrize("cells", [[(0, 0)], [(0, 0), (1, 0), (0, 1), (1, 1)], [(0, 0), (5, 5)], [(0, 0), (1, 1)], []])
def test_tiles_that_touch_or_lie_apart_are_well(cells):
    assert warn(cells) == ""


def test_tiles_that_overlap_are_named_but_not_for_a_seam():
    assert "1 pairs of tiles overlap: c0r0 and c1r0" in warn([(0, 0), (1, 0)], shift=-4)
    assert "overlap" not in warn([(0, 0), (1, 0)], shift=-0.01)


def test_a_tile_off_the_pixel_grid_is_named():
    text = warn([(0, 0), (1, 0)], shift=0.5)
    assert "1 of 2 tiles are off the pixel grid of c0r0: c1r0" in text
    assert "off the pixel grid" not in warn([(0, 0), (1, 0)], shift=3)


def test_a_hole_that_a_tile_is_missing_in_is_told():
    ring = [(column, row) for column in range(3) for row in range(3) if (column, row) != (1, 1)]
    assert "1 holes lie between the tiles" in warn(ring)
    assert "holes" not in warn([*ring, (1, 1)])
