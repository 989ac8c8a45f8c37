"""Megapixels a second of the map of a tile, reading, blending and writing included, beside the bare model.

Makes up a tile and maps it as map_tile does, in turns with the bare network on a window in memory as often as the tile
has windows' worth of pixels; once alone and once amid eight neighbours. Prints medians and ratios, and the peak memory
of a process that maps tiles of several sizes, mostly nodata. With --cpu-time seconds are those of the processor, all
threads together: on a machine that others use as well, a lower bound of how mapping compares.
``python benchmarks/inference.py [--size 2048] [--rounds 3] [--threads 2] [--memory 4096 20480]``
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import rasterio
import torch

from cropmine.config.models import Network
from cropmine.config.regions import Simulation
from cropmine.geo.grids import Grid, read_grid
from cropmine.geo.rasters import limit_gdal, write_raster
from cropmine.inputs.neighbours import OVERLAP_PX, STEP_PX
from cropmine.inputs.simulation.regions import simulate_region
from cropmine.inputs.tile_sources import TileSource
from cropmine.inputs.tile_views import surround_tile
from cropmine.inputs.zones import ZoneFiles
from cropmine.mapping.map_tiles import (
    map_strips,
    write_map,
)
from cropmine.training.models.network import NetworkPredictor
from cropmine.training.networks import Normalisation, build_network, choose_device, choose_precision
from cropmine.training.prediction import predict_probability

SCENE_PX = 1024
CLOCK = time.perf_counter
WINDOW_PX = STEP_PX + OVERLAP_PX


def make_tiles(folder: Path, size: int) -> dict[tuple[int, int], TileSource]:
    """A made-up tile of a size on Planet's lattice of quads, and the eight around it: a scene repeated."""
    scene = simulate_region(Simulation(seed=7, rows=1, columns=1, tile_px=SCENE_PX))
    pixels = np.tile(scene.pixels, (1, -(-size // SCENE_PX), -(-size // SCENE_PX)))[:, :size, :size]
    step = scene.grid.transform
    column, row = (round(value / size) * size for value in (step.c / step.a, step.f / step.e))
    corner = rasterio.Affine(step.a, 0, column * step.a, 0, step.e, row * step.e)
    grid, sources = Grid(scene.grid.crs, corner, size, size), {}
    for down in (0, -1, 1):
        for across in (0, -1, 1):
            path = folder / f"r{down}c{across}.tif"
            write_raster(path, pixels, grid.window(across * size, down * size, size, size), nodata=0)
            sources[down, across] = TileSource((str(path),), len(pixels))
    return sources


def make_sparse(folder: Path, size: int) -> dict[tuple[int, int], TileSource]:
    """A tile of a size whose upper left corner alone holds imagery."""
    scene = simulate_region(Simulation(seed=7, rows=1, columns=1, tile_px=SCENE_PX))
    path = folder / "sparse.tif"
    profile = {"driver": "GTiff", "tiled": True, "compress": "zstd", "sparse_ok": True, "dtype": "uint16", "nodata": 0}
    place = {"crs": scene.grid.crs, "transform": scene.grid.transform, "width": size, "height": size}
    with rasterio.open(path, "w", **profile, **place, count=len(scene.pixels)) as dataset:
        dataset.write(scene.pixels, window=((0, SCENE_PX), (0, SCENE_PX)))
    return {(0, 0): TileSource((str(path),), len(scene.pixels))}


def build_predictor(encoder: str, channels: int) -> NetworkPredictor:
    """An untrained network: its speed is that of a trained one."""
    torch.manual_seed(0)
    network = build_network(Network(encoder=encoder, encoder_weights=None), channels).eval()
    norm = Normalisation(np.full(channels, 1000.0), np.full(channels, 500.0))
    return NetworkPredictor(network, norm, {"precision": "auto"})


def map_once(predictor: NetworkPredictor, sources: dict, path: Path, threads: int) -> float:
    """Map the middle tile to a file; gives the seconds."""
    start = CLOCK()
    view = surround_tile((0, 0), sources)
    with limit_gdal(threads):
        write_map(path, map_strips(view, [predictor], 0.5, ZoneFiles()), view.grid, {})
    return CLOCK() - start


def run_bare(predictor: NetworkPredictor, windows: int) -> float:
    """Run the network on a window in memory, so many times; gives the seconds."""
    device = choose_device()
    network, dtype = predictor.network.to(device), choose_precision("auto", device)
    pixels = np.random.default_rng(0).normal(size=(1, len(predictor.norm.mean), WINDOW_PX, WINDOW_PX))
    pixels, start = pixels.astype(np.float32), CLOCK()
    for _ in range(windows):
        predict_probability(network, pixels, device, dtype)
    return CLOCK() - start


def measure_memory(size: int, encoder: str, threads: int) -> float:
    """Peak memory, gigabytes, of a process of its own that maps a tile of a size."""
    command = [sys.executable, __file__, "--threads", str(threads), "--encoder", encoder, "--only", str(size)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    return float(run.stdout)


def print_peak(size: int, encoder: str, threads: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        sources = make_sparse(Path(folder), size)
        map_once(build_predictor(encoder, 4), sources, Path(folder) / "map.tif", threads)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)


def compare_speed(options: argparse.Namespace) -> None:
    """Print the table of speeds."""
    predictor = build_predictor(options.encoder, 4)
    windows = max(1, round(options.size**2 / WINDOW_PX**2))
    with tempfile.TemporaryDirectory() as folder:
        tiles = make_tiles(Path(folder), options.size)
        alone, out = {(0, 0): tiles[0, 0]}, Path(folder) / "map.tif"
        grid = read_grid(tiles[0, 0].images[0])
        turns = {"the bare model": (lambda: run_bare(predictor, windows), windows * WINDOW_PX**2)}
        turns["a tile alone"] = (lambda: map_once(predictor, alone, out, options.threads), grid.width * grid.height)
        turns["a tile amid eight"] = (
            lambda: map_once(predictor, tiles, out, options.threads),
            turns["a tile alone"][1],
        )
        speeds: dict[str, list[float]] = {name: [] for name in turns}
        for number in range(1, options.rounds + 1):
            for name, (run, pixels) in turns.items():
                speeds[name].append(pixels / run() / 1e6)
                print(f"round {number}, {name}: {speeds[name][-1]:.2f} Mpx/s", flush=True)
    precision = choose_precision("auto", choose_device())
    clock = "CPU time" if options.cpu_time else "wall time"
    print(f"{clock}, U-Net/{options.encoder}, a tile of {options.size} px, {options.threads} threads, {precision}")
    for name, found in speeds.items():
        ratio = median(found) / median(speeds["the bare model"])
        print(f"{name:20} {median(found):6.2f} Mpx/s, {ratio:.2f} of the bare model's speed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("size", 2048), ("rounds", 3), ("threads", 2), ("only", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--memory", type=int, nargs="*", default=[])
    parser.add_argument("--encoder", default="resnet18")
    parser.add_argument("--cpu-time", action="store_true")
    options = parser.parse_args()
    if options.cpu_time:
        global CLOCK
        CLOCK = time.process_time
    torch.set_num_threads(options.threads)
    if options.only:
        print_peak(options.only, options.encoder, options.threads)
        return
    compare_speed(options)
    for size in options.memory:
        print(f"peak memory, {size} px: {measure_memory(size, options.encoder, options.threads):.2f} GiB", flush=True)


if __name__ == "__main__":
    main()
