"""What the targets of a threshold sweep cost beside the bare reading of segments and writing of targets.

Makes up one tile, then burns 12 thresholds as burn_target does, and reads the segments and writes a target 12 times;
both in turns, and prints medians and their ratio. ``python benchmarks/sweep.py [--size 4096] [--rounds 3]``
"""

import argparse
import tempfile
import time
from itertools import product
from pathlib import Path
from statistics import median

import numpy as np
import rasterio

from cropmine.classes import IGNORE
from cropmine.config.experiments import Mined
from cropmine.config.regions import Simulation, Split
from cropmine.features.overlap_files import write_overlap
from cropmine.features.segment_files import write_segments
from cropmine.geo.areas import pixel_areas
from cropmine.geo.grids import Grid, read_grid
from cropmine.geo.rasters import read_raster, write_raster
from cropmine.inputs.held_out import held_out_mask
from cropmine.inputs.label_pieces import split_of, write_pieces
from cropmine.inputs.simulation.regions import simulate_region
from cropmine.inputs.splits import split_labels
from cropmine.mining.burning import burn_recipe
from cropmine.mining.clusters import assign_clusters, fit_codebook, sample_pixels, seed_tile
from cropmine.mining.overlaps import overlap_segments
from cropmine.mining.segments import label_segments
from cropmine.mining.targets import mask_training

THRESHOLDS = list(product((0.6, 0.7, 0.8, 0.9), (0.1, 0.2, 0.3)))
SCENE_PX = 1024


def make_tile(folder: Path, size: int) -> dict[str, Path]:
    """Segments, overlaps, labels and the training mask of one tile, a made-up scene repeated to its size."""
    scene = simulate_region(Simulation(seed=7, rows=1, columns=1, tile_px=min(SCENE_PX, size)))
    repeats = (size // scene.grid.height,) * 2
    grid = Grid(scene.grid.crs, scene.grid.transform, size, size)
    pixels, truth = np.tile(scene.pixels, (1, *repeats)), np.tile(scene.truth == 1, repeats)
    valid = np.tile((scene.pixels != 0).all(axis=0) & (scene.mask == 0), repeats)
    codebook = fit_codebook(sample_pixels(pixels, valid, 100_000, seed_tile(0, "a")), 10, 0)
    areas = pixel_areas(grid)
    ids, clusters = label_segments(assign_clusters(pixels, valid, codebook), areas, 500, 2_000_000)
    split = Split(method="holdout", block_m=700, train=0.4, validation=0.25, test=0.35, buffer_m=50)
    labels = scene.labels.assign(label=np.arange(len(scene.labels)), target=(scene.labels["class"] == "cropland"))
    labels = (
        labels[labels["class"] != "unsure"].astype({"target": "uint8"}).drop(columns="class").reset_index(drop=True)
    )
    pieces, _ = split_labels(labels, split, [0])
    held_out = held_out_mask(pieces, split_of(pieces, None), grid, split.buffer_m, split.block_m)
    files = {name: folder / name for name in ("segments.tif", "overlap.parquet", "labels.parquet", "mask.tif")}
    write_segments(files["segments.tif"], ids, clusters, grid)
    write_overlap(files["overlap.parquet"], overlap_segments(ids, truth.astype(np.uint8), valid, areas, clusters))
    write_pieces(files["labels.parquet"], pieces)
    write_raster(files["mask.tif"], mask_training(valid, np.ones_like(valid), held_out), grid)
    return files


def burn_sweep(folder: Path, files: dict[str, Path]) -> None:
    """Burn every point of the sweep, each with all that a job of its own would read and write."""
    split = Split(method="holdout").model_dump(mode="json")
    common = {"human": 0.5, "draw": 0, "fold": None, "seed": 0, "weak_classes": [], "min_valid": 0.5, "split": split}
    paths = {"segments": [files["segments.tif"]], "overlap": [files["overlap.parquet"]]}
    paths["labels"] = [files["labels.parquet"]]
    for number, (cropland, noncropland) in enumerate(THRESHOLDS):
        recipe = common | {"mined": Mined(cropland=cropland, noncropland=noncropland).model_dump(mode="json")}
        grid, mask = read_grid(files["mask.tif"]), read_raster(files["mask.tif"])
        bands = burn_recipe(recipe, "a", grid, mask, paths)
        write_raster(folder / f"target{number}.tif", bands, grid, nodata=IGNORE, descriptions=("target", "source"))


def read_and_write(folder: Path, files: dict[str, Path], targets: list[np.ndarray]) -> None:
    """Read the segments and write a ready target, once for every point."""
    grid = read_grid(files["mask.tif"])
    for number, target in enumerate(targets):
        with rasterio.open(files["segments.tif"]) as dataset:
            dataset.read(1)
        write_raster(folder / f"bare{number}.tif", target, grid, nodata=IGNORE, descriptions=("target", "source"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=4096, help="width and height of the tile, pixels")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = make_tile(folder, options.size)
        burn_sweep(folder, files)
        targets = [read_raster(folder / f"target{number}.tif") for number in range(len(THRESHOLDS))]
        seconds: dict[str, list[float]] = {"sweep": [], "bare": []}
        for number in range(1, options.rounds + 1):
            for key, work in (("sweep", burn_sweep), ("bare", lambda *a: read_and_write(*a, targets))):
                start = time.perf_counter()
                work(folder, files)
                seconds[key].append(time.perf_counter() - start)
                print(f"round {number}, {key}: {seconds[key][-1]:.2f} s", flush=True)
    sweep, bare = (median(seconds[key]) for key in ("sweep", "bare"))
    print(f"| {len(THRESHOLDS)} targets of {options.size}² px, median of {options.rounds} | seconds | ratio |")
    print("|---|---|---|")
    print(f"| bare reading of segments and writing of targets | {bare:.2f} | 1 |")
    print(f"| the targets of the sweep | {sweep:.2f} | {sweep / bare:.2f} |")


if __name__ == "__main__":
    main()
