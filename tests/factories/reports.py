"""A small simulated region with all files that the report reads."""

import json
import re
from dataclasses import replace
from html import unescape

import geopandas
import numpy as np
import pandas as pd
import shapely
from PIL import Image

from cropmine.config.experiments import Mined
from cropmine.config.regions import WeakMap
from cropmine.features.overlap_files import write_overlap
from cropmine.features.segment_files import write_segments
from cropmine.geo.rasters import write_raster
from cropmine.mapping.map_tiles import write_map
from cropmine.mining.overlaps import overlap_segments
from cropmine.planning.plans import MinedPolygons
from cropmine.reporting.report_files import FigureFiles, RegionFiles, ReportRegion, WeakFiles
from cropmine.reporting.wording import make_environment
from cropmine.scoring.calibration import measure_calibration
from cropmine.scoring.experiment_tables import evaluate_experiment, tabulate_differences, tabulate_experiments
from cropmine.scoring.metrics import describe_classes
from cropmine.scoring.selection import select_experiment
from cropmine.tables import write_table
from factories.rasters import make_grid
from factories.verdicts import write_made

EVIL = "<script>alert('x')</script>"


def make_scores(quality, blocks=11):
    rng = np.random.default_rng(quality)
    pieces = []
    for split in ("validation", "test"):
        for block in range(blocks):
            for target in (0, 1):
                values = np.clip(rng.normal(100 + (quality if target else -quality), 40, 40), 0, 200).astype(int)
                codes, counts = np.unique(values, return_counts=True)
                piece = {"label": 2 * block + target, "block": f"{split}{block}", "target": target, "split": split}
                pieces.append(piece | {"pixels": 40, "codes": codes.tolist(), "counts": counts.tolist()})
    return pieces


def write_comparison(folder, names):
    settings = {"human": 0.5, "weak_map": None, "weak_classes": [], "segmentation": None, "model": "unet"}
    settings |= {"model_digest": "unet_x", "mined_cropland": None, "mined_noncropland": None, "trained": True}
    runs = [{"run": "seed0", "recipe": "r", "seed": 0, "fold": None, "score_index": 0}]
    evaluations = [
        evaluate_experiment(settings | {"name": name, "runs": runs} | ({"mined_cropland": 0.8} if i else {}), [scores])
        for i, (name, scores) in enumerate(zip(names, (make_scores(20), make_scores(70)), strict=True))
    ]
    choice = select_experiment(evaluations)
    write_table(folder / "experiments.csv", tabulate_experiments(evaluations, choice["experiment"]))
    write_table(folder / "differences.csv", tabulate_differences(evaluations))
    (folder / "selected.json").write_text(json.dumps(choice))


def write_rasters(folder, grid):
    """Imagery, weak map, segments, overlaps and map of a tile whose western half is cropland."""
    half = np.zeros(grid.shape, np.uint8)
    half[:, : grid.width // 2] = 1
    rng = np.random.default_rng(0)
    image = folder / "image.tif"
    write_raster(
        image, (rng.integers(500, 900, (4, *grid.shape)) + half * np.uint16(300)).astype(np.uint16), grid, nodata=0
    )
    write_raster(folder / "weak.tif", half, grid, nodata=255)
    clusters = np.array([0, 1, 2], np.uint8)
    write_segments(folder / "segments.tif", half.astype(np.uint32) + 1, clusters, grid)
    areas, known = np.full((1, 1), 100.0), np.ones(grid.shape, bool)
    write_overlap(
        folder / "overlap.parquet", overlap_segments(half.astype(np.uint32) + 1, half, known, areas, clusters)
    )
    write_map(folder / "map.tif", np.stack([half * 150, half, half * 0]), grid, {"threshold": 0.5})


def write_pieces(folder, grid):
    places = [grid.transform @ place for place in [(4, 4), (4, 20), (24, 4), (24, 20)]]
    boxes = geopandas.GeoSeries([shapely.box(x, y, x + 50, y + 40) for x, y in places], crs=grid.crs.to_wkt())
    columns = {"label": range(4), "piece": 0, "target": [1, 1, 0, 0], "block": ["r0c0", "r0c1"] * 2, "fold": -1}
    labels = geopandas.GeoDataFrame(
        columns | {"split": ["train", "test", "validation", "test"]}, geometry=boxes.to_crs(4326)
    )
    labels.to_parquet(folder / "labels.parquet")
    splits = {
        "block": ["r0c0", "r0c1"],
        "split": ["train", "test"],
        "labels_cropland": [1, 1],
        "labels_noncropland": [0, 2],
    }
    pd.DataFrame(splits).to_csv(folder / "splits.csv", index=False)


def make_region(folder):
    """A region that has everything but audits, sweeps and distances, its files in a folder."""
    grid = make_grid(32, 24)
    write_rasters(folder, grid)
    write_pieces(folder, grid)
    write_comparison(folder, ["plain", "mined"])
    scores = {"note": None} | {split: describe_classes(make_scores(50), split) for split in ("validation", "test")}
    scores["calibration"] = measure_calibration(make_scores(50), "test")
    (folder / "map.json").write_text(json.dumps(scores))
    area = {"threshold": 0.5, "total": {"cropland_ha": 1234.4, "noncropland_ha": 4000, "valid_ha": 5234.4}}
    area["by_threshold"] = [{"threshold": at, "cropland_ha": 1234.4 / at / 2} for at in (0.4, 0.5)]
    (folder / "area.json").write_text(json.dumps(area))
    write_made(folder / "checks.json", warnings=[f"a warning about {EVIL}"], suspicious={"t0": {}})
    Image.new("RGB", (40, 30)).save(folder / "checks.png")
    weak = WeakMap(path=str(folder / "weak.tif"))
    settings = {"weak": weak.model_dump(mode="json"), "members": []}
    files = RegionFiles(
        checks=str(folder / "checks.json"),
        quicklooks=str(folder / "checks.png"),
        images={"t0": [str(folder / "image.tif")]},
        experiments=str(folder / "experiments.csv"),
        differences=str(folder / "differences.csv"),
        selected=str(folder / "selected.json"),
        map_scores=str(folder / "map.json"),
        area=str(folder / "area.json"),
        labels=str(folder / "labels.parquet"),
        splits=str(folder / "splits.csv"),
        maps=[str(folder / "map.tif")],
        segments={"t0": str(folder / "segments.tif")},
        overlaps={"t0": str(folder / "overlap.parquet")},
        mined=MinedPolygons("kmeans10", "global_map", Mined(cropland=0.8, noncropland=0.2), 0.5),
        weak=WeakFiles("global_map", settings, [weak.path], []),
    )
    return ReportRegion("highlands", "annual crops", ["t0"], ["blue", "green", "red", "nir"], False, files)


def write_figure_files(folder, table, name="figure"):
    """The table and a figure of a sweep or a transfer."""
    write_table(folder / f"{name}.csv", table)
    Image.new("RGB", (40, 30)).save(folder / f"{name}.png")
    return FigureFiles(str(folder / f"{name}.csv"), str(folder / f"{name}.png"), "0")


def change_files(region, **files):
    """The region with other files."""
    return replace(region, files=replace(region.files, **files))


def say(template, macro, *arguments):
    """The text that a macro of the report's templates gives, with plain spaces."""
    page = getattr(make_environment().get_template(template).module, macro)(*arguments)
    return " ".join(unescape(re.sub("<[^>]*>", " ", page)).split())
