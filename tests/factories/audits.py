"""A simulated region of square fields with labels, weak maps that err in it, and summaries of audits."""

import dataclasses

import geopandas
import numpy as np
import shapely

from cropmine.config.regions import WeakMap
from cropmine.features.overlap_files import write_overlap
from cropmine.features.segment_files import write_segments
from cropmine.geo.areas import pixel_areas
from cropmine.geo.rasters import write_raster
from cropmine.inputs.weak_maps import read_weak_map
from cropmine.mining.overlaps import overlap_segments
from cropmine.mining.targets import OPEN
from cropmine.scoring.audit_summary import (
    AuditSummary,
    ClassAudit,
    Estimate,
    Judgement,
    MinedLabels,
    WeakMapErrors,
)
from cropmine.scoring.audit_tallies import TileFiles
from cropmine.scoring.audits import AuditSettings, audit_labels
from factories.rasters import make_grid, write_plain

FIELD_PX, FIELDS, BLOCK_FIELDS = 8, 32, 4
GRID = make_grid(FIELD_PX * FIELDS, FIELD_PX * FIELDS)
SETTINGS = AuditSettings(min_valid=0.5, prevalence=0.3, cropland=[0.8], noncropland=[0.2], erode_m=[25])


NOTHING = Estimate(None, None, None)


def make_class(verdict="yes", labels=60, blocks=30, mined_at=0.8, eroded=None, **judgement):
    """An audit of a class whose labels are mined at one threshold."""
    purity = Estimate(0.97, 0.955, 0.99)
    mined = MinedLabels(mined_at, 0.25, purity, Estimate(0.02, 0.01, 0.06), eroded)
    judged = {"pure_at": (), "threshold": mined_at, "purity": purity, "more_blocks": None, "more_labels": None}
    return ClassAudit(labels, blocks, (mined,), Judgement(verdict, **judged | judgement))


def make_summary(omitted_whole=NOTHING, **changes):
    """The summary of an audit; both classes are worth training on unless `changes` say otherwise."""
    summary = AuditSummary(
        tiles=3,
        tiles_with_labels=2,
        kfold=False,
        prevalence=0.12,
        prevalence_assumed=True,
        prevalence_corrected=None,
        open_ha=100.0,
        segmented_ha=120.0,
        weak_pixel_m=30.0,
        weak_map=WeakMapErrors(
            omission_by_label=Estimate(0.31, 0.2, 0.4),
            omission_by_pixel=Estimate(0.3, 0.2, 0.4),
            omitted_whole=omitted_whole,
            false_positive_rate=Estimate(0.034, None, None),
            commission=NOTHING,
        ),
        classes={"cropland": make_class(), "noncropland": make_class(mined_at=0.2)},
        shared_labels=None,
    )
    return dataclasses.replace(summary, **changes)


def spread(fields):
    """Fields (n, n) as pixels."""
    return np.kron(fields, np.ones((FIELD_PX, FIELD_PX), fields.dtype))


def draw_truth(seed=0):
    return (np.random.default_rng(seed).random((FIELDS, FIELDS)) < 0.4).astype(np.uint8)


def make_pieces(truth, count=60, blocks=None, seed=1, split="train"):
    """Labels of `count` fields of each class."""
    rng, rows = np.random.default_rng(seed), []
    for target in (0, 1):
        places = np.argwhere(truth == target)
        for row, col in places[np.sort(rng.permutation(len(places))[:count])]:
            west, north = GRID.transform @ (col * FIELD_PX, row * FIELD_PX)
            box = shapely.box(west, north - 10 * FIELD_PX, west + 10 * FIELD_PX, north)
            block = f"r{row // BLOCK_FIELDS}c{col // BLOCK_FIELDS}" if blocks is None else f"r0c{len(rows) % blocks}"
            rows.append({"label": len(rows), "target": target, "block": block, "geometry": box})
    frame = geopandas.GeoDataFrame(rows, crs=GRID.crs.to_wkt()).to_crs(4326)
    return frame.assign(split=split, fold=np.int32(-1))


def write_tile(folder, weak, ids=None, mask=None, name="t"):
    """The files of a tile whose segments are its fields."""
    ids = spread(np.arange(1, FIELDS**2 + 1, dtype=np.uint32).reshape(FIELDS, FIELDS)) if ids is None else ids
    clusters = np.ones(int(ids.max()) + 1, np.uint8)
    paths = [folder / f"{name}_{kind}" for kind in ("segments.tif", "overlap.parquet", "mask.tif")]
    write_segments(paths[0], ids, clusters, GRID)
    write_overlap(paths[1], overlap_segments(ids, weak == 1, weak != 255, pixel_areas(GRID), clusters))
    write_raster(paths[2], np.full(GRID.shape, OPEN, np.uint8) if mask is None else mask, GRID)
    return TileFiles(*paths)


def run_audit(folder, weak, pieces, public=None, more_tiles=(), **settings):
    path = write_plain(folder / "weak.tif", weak, GRID, nodata=255)
    tiles = [write_tile(folder, weak, mask=settings.pop("mask", None)), *more_tiles]
    weak_map = WeakMap(path=path)
    chosen = dataclasses.replace(SETTINGS, **settings)
    return audit_labels(pieces, tiles, lambda grid: read_weak_map(path, weak_map, grid), [path], chosen, public)


def find_row(table, **where):
    return table[np.logical_and.reduce([table[key] == value for key, value in where.items()])].iloc[0]


def omit_labels(truth, pieces, count):
    """Pixels of a weak map that is the truth but for `count` labelled cropland fields, which it omits whole."""
    fields = truth.copy()
    middles = pieces[pieces["target"] == 1].geometry.to_crs(GRID.crs.to_wkt()).centroid[:count]
    columns, rows = ~GRID.transform @ (middles.x.to_numpy(), middles.y.to_numpy())
    fields[(rows // FIELD_PX).astype(int), (columns // FIELD_PX).astype(int)] = 0
    return spread(fields)


def omit_corner(truth):
    """A quarter of the fields omitted: one corner of the region."""
    fields = truth.copy()
    fields[: FIELDS // 2, : FIELDS // 2] = 0
    return spread(fields)


def omit_edges(truth):
    """The outermost pixels of each field omitted: 44 % of its area."""
    inner = np.pad(np.ones((FIELD_PX - 2, FIELD_PX - 2), np.uint8), 1)
    return spread(truth) * np.tile(inner, (FIELDS, FIELDS))
