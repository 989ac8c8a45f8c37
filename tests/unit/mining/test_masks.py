"""Labels train on valid imagery, outside held-out ground; mined ones only within the area and outside exclusions."""

import numpy as np
import shapely

from cropmine.inputs.blocks import block_of, name_blocks
from cropmine.inputs.tile_sources import TileSource
from cropmine.inputs.zones import ZoneFiles
from cropmine.mining.masks import mark_held_out, mask_tile
from cropmine.mining.targets import CLOSED, HUMAN_ONLY, OPEN
from factories.rasters import make_grid, write_plain, write_polygons
from factories.tiles import label_boxes

GRID = make_grid(40, 30)


def box(left, top, width, height):
    """A rectangle of pixels, in the grid's CRS."""
    return shapely.box(*GRID.window(left, top, width, height).bounds)


def test_a_mask_joins_imagery_zones_and_all_held_out_ground(tmp_path):
    pixels = np.ones((1, 30, 40), np.uint16)
    pixels[:, :, :5] = 0
    source = TileSource((str(write_plain(tmp_path / "i.tif", pixels, GRID, nodata=0)),), 1)
    water = write_polygons(tmp_path / "water.gpkg", [box(10, 0, 5, 30)], crs=GRID.crs.to_wkt())
    blocks, sampled = np.zeros(GRID.shape, bool), np.zeros(GRID.shape, bool)
    blocks[:, 20:25], sampled[:, 30:32] = True, True
    mask = mask_tile(source, GRID, ZoneFiles(None, ((water, "noncropland"),)), [blocks, sampled])
    row = [CLOSED] * 5 + [OPEN] * 5 + [HUMAN_ONLY] * 5 + [OPEN] * 5 + [CLOSED] * 5 + [OPEN] * 5 + [CLOSED] * 2
    assert mask.tolist() == [row + [OPEN] * 8] * 30
    assert mask.dtype == np.uint8


def test_a_run_holds_out_the_blocks_that_test_and_validate_in_its_fold(tmp_path):
    pieces = label_boxes(GRID, [(1, 1, 3, 3, 1, None), (36, 26, 3, 3, 0, None)]).assign(fold=[0, 3])
    middles = shapely.get_coordinates(shapely.centroid(pieces.geometry.to_numpy()))
    pieces["block"] = [name_blocks(*block_of(*middles.T, 20))[0], "r0c0"]  # the second one is far away
    pieces.to_parquet(tmp_path / "labels.parquet")
    tested, validated, trained = (
        mark_held_out(tmp_path / "labels.parquet", GRID, fold, 4, 5, 20) for fold in (0, 3, 2)
    )
    assert tested[1, 1] and not tested.all()
    assert (tested == validated).all()
    assert not trained.any()
