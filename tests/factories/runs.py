"""Results of a small region, and two runs of it that are kept."""

import json

import geopandas
import numpy as np
import pandas as pd
import shapely

from cropmine.geo.rasters import write_raster
from cropmine.reporting.kept_runs import keep_run
from factories.tiles import make_grid

GRID = make_grid(120, 100)
BLOCKS = 12


def make_labels(split="test"):
    """Pieces in 12 blocks, cropland in the upper half."""
    boxes = [GRID.window(10 * n, 10 + 50 * half, 8, 20).bounds for n in range(BLOCKS) for half in (0, 1)]
    polygons = geopandas.GeoSeries([shapely.box(*box) for box in boxes], crs=GRID.crs.to_wkt()).to_crs(4326)
    target = [1, 0] * BLOCKS
    columns = {"label": range(2 * BLOCKS), "piece": 0, "target": target, "fold": -1, "split": split}
    columns |= {"class": ["cropland" if own else "noncropland" for own in target]}
    columns["block"] = [f"r0c{n}" for n in range(BLOCKS) for _ in (0, 1)]
    return geopandas.GeoDataFrame(columns, geometry=polygons.to_numpy(), crs=4326)


def write_results(folder, classes, config, grid=GRID, labels=None):
    """What a run leaves of a region."""
    region = folder / "valley"
    for part in ("labels", "map", "delivery"):
        (region / part).mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps({"config": config, "hours": {"map_tile": len(config)}}))
    (region / "experiments.csv").write_text("experiment\nplain\n")
    (region / "selected.json").write_text("{}")
    area = float((classes == 1).sum()) / 400
    (region / "map/area.json").write_text(json.dumps({"total": {"cropland_ha": area}}))
    pd.DataFrame({"unit": ["1", "2"], "cropland_ha": [area, 0.0]}).to_csv(region / "map/area_by_unit.csv", index=False)
    (make_labels() if labels is None else labels).to_parquet(region / "labels/labels.parquet")
    write_raster(region / f"delivery/valley_class_2021_{config['map']['run']}_epsg32636.tif", classes, grid, nodata=255)
    return folder


def keep_two_runs(folder):
    """Two kept runs: the first maps the labels without error, the second lacks four blocks of cropland."""
    truth = np.zeros(GRID.shape, np.uint8)
    truth[:50] = 1
    first = keep_run(write_results(folder, truth, {"map": {"run": "before"}, "seeds": [0]}), "before", ["valley"])
    worse = truth.copy()
    worse[:, :40] = 0
    worse[90:, 100:] = 1
    worse[:2] = 255
    (folder / "valley/delivery/valley_class_2021_before_epsg32636.tif").unlink()
    config = {"map": {"run": "after"}, "seeds": [0, 1]}
    second = keep_run(write_results(folder, worse, config), "after", ["valley"])
    return folder, first, second
