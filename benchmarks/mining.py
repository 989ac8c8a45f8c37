"""cropmine's mining of one quad beside what users would write instead.

Makes up a quad of 4 bands, then runs in turns, each in a process of its own: the rules segment_tile, overlap_tile and
mine_polygons; a plain prototype (xarray-spatial must be installed: pip install xarray-spatial); a user's script, on a
quarter of the quad; GDAL's gdal_polygonize.py where there is one. Prints medians, ratios and peak memory as a table,
and how far they mine the same. ``python benchmarks/mining.py [--size 4096] [--rounds 3] [--threads 2]``
"""

import argparse
import ast
import importlib
import importlib.util
import json
import os
import resource
import runpy
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parent.parent

BANDS = ["blue", "green", "red", "nir"]
RULES = ("segment_tile", "overlap_tile", "mine_polygons")
OTHERS = {"prototype": "plain prototype, its imports and compiling left out", "gdal": "GDAL's gdal_polygonize.py"}
SCENE_PX = 1024
WEAK_PX = 2.1  # 10 m
NOISE = 0.35  # of a band's standard deviation: as many raw segments as a Planet quad has


class Files(dict):
    """Named files as a script of Snakemake sees them."""

    __getattr__ = dict.__getitem__


def make_quad(folder: Path, size: int) -> None:
    """Imagery, mask and weak map of a tile: a made-up scene repeated to its size, row of scenes by row, with noise."""
    import numpy as np
    import rasterio
    from rasterio.windows import Window

    from cropmine.config.regions import Simulation
    from cropmine.geo.rasters import write_raster
    from cropmine.inputs.simulation.regions import simulate_region

    scene = simulate_region(Simulation(seed=7, rows=1, columns=1, tile_px=min(SCENE_PX, size)))
    height, width = scene.grid.shape
    rng, spread = np.random.default_rng(0), scene.pixels.std(axis=(1, 2), keepdims=True)
    profile = {"driver": "GTiff", "width": size, "height": size, "crs": scene.grid.crs, "tiled": True}
    profile |= {"transform": scene.grid.transform, "compress": "zstd", "bigtiff": "IF_SAFER", "predictor": 2}
    with (
        rasterio.open(folder / "quad.tif", "w", count=4, dtype="uint16", nodata=0, **profile) as quad,
        rasterio.open(folder / "mask.tif", "w", count=1, dtype="uint8", **profile) as mask,
        rasterio.open(folder / "truth.tif", "w", count=1, dtype="uint8", **profile) as truth,
    ):
        for top in range(0, size, height):
            for left in range(0, size, width):
                noisy = scene.pixels + NOISE * spread * rng.standard_normal(scene.pixels.shape, np.float32)
                window = Window(left, top, width, height)
                pixels = np.where(scene.pixels > 0, np.clip(noisy, 1, 65_535), 0).astype("uint16")
                quad.write(pixels, window=window)
                mask.write(scene.mask, 1, window=window)
                truth.write(scene.truth, 1, window=window)
    with rasterio.open(folder / "truth.tif") as dataset:
        sides = round(size / WEAK_PX)
        coarse = dataset.read(1, out_shape=(sides, sides))
    grid = scene.grid.window(0, 0, sides, sides)
    grid = type(grid)(grid.crs, grid.transform @ grid.transform.scale(size / sides), sides, sides)
    write_raster(folder / "weak.tif", coarse, grid, nodata=255)
    write_settings(folder)


def write_settings(folder: Path) -> None:
    """The settings of the three rules, as Snakemake would hand them to the scripts."""
    from cropmine.config.experiments import Mined
    from cropmine.config.regions import WeakMap
    from cropmine.config.segmentations import KMeans

    weak = WeakMap(path="weak.tif").model_dump(mode="json", exclude={"year", "min_valid", "training_labels", "preset"})
    settings = {
        "segment_tile": {
            "bands": BANDS,
            "mask_bad": [1],
            "mask_band": 1,
            "exclude_as": [],
            "tile": "quad",
            "segmentation": KMeans().model_dump(mode="json"),
        },
        "overlap_tile": {"weak": {"weak": weak, "members": []}},
        "mine_polygons": {"mined": Mined(cropland=0.8, noncropland=0.2).model_dump(mode="json"), "min_valid": 0.5},
    }
    (folder / "settings.json").write_text(json.dumps(settings))


def describe_job(rule: str, folder: Path, threads: int) -> SimpleNamespace:
    """What Snakemake would hand to the script of a rule."""
    names = {"segments": "segments.tif", "overlap": "overlap.parquet", "polygons": "ours.parquet"}
    places = {name: str(folder / file) for name, file in names.items()}
    inputs = {
        "segment_tile": Files(images=[str(folder / "quad.tif")], masks=[str(folder / "mask.tif")]),
        "overlap_tile": Files(segments=places["segments"], weak=[str(folder / "weak.tif")]),
        "mine_polygons": Files(segments=places["segments"], overlap=places["overlap"]),
    }
    settings = json.loads((folder / "settings.json").read_text())[rule]
    params, log = Files(settings=json.dumps(settings)), [str(folder / f"{rule}.log")]
    common = {"output": Files(places), "params": params, "wildcards": {}, "log": log, "threads": threads}
    return SimpleNamespace(rule=rule, input=inputs[rule], **common)


def run_part(part: str, folder: Path, threads: int) -> None:
    """Run one contestant in this process; print its seconds and processor seconds of work, and its peak memory."""
    path = ROOT / "workflow_scripts" / f"{part}.py"
    if part in RULES:
        job = describe_job(part, folder, threads)
        start_up = time.process_time()
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                importlib.import_module(node.module if isinstance(node, ast.ImportFrom) else node.names[0].name)
        start_up = time.process_time() - start_up
    else:
        import mining_others

        start_up = 0.0
        if part == "prototype":
            mining_others.prepare_prototype()
    before, used = time.perf_counter(), sum(os.times()[:4])
    if part in RULES:
        runpy.run_path(str(path), init_globals={"snakemake": job})
    else:
        getattr(mining_others, f"run_{part}")(folder)
    result = {"seconds": time.perf_counter() - before, "processor": sum(os.times()[:4]) - used, "start_up": start_up}
    print(json.dumps(result | {"megabytes": read_peak(part == "gdal")}))


def read_peak(of_command: bool) -> float:
    """Peak memory of this process, or of the command that it ran, in MB."""
    if of_command:
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    from cropmine.logs import measure_peak

    return measure_peak()


def measure(part: str, folder: Path, threads: int) -> dict:
    """Run one contestant in a process of its own, and print what it took."""
    command = [sys.executable, __file__, "--part", part, "--folder", str(folder), "--threads", str(threads)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"{part}: {found['seconds']:.2f} s, {found['processor']:.2f} s of processor", flush=True)
    return found


def compare_classes(folder: Path, name: str) -> str:
    """How far a contestant mines the same: polygons that are equal to one of ours, and pixels of the same class."""
    import geopandas
    import rasterio
    import shapely
    from rasterio.features import rasterize

    ours, other = geopandas.read_parquet(folder / "ours.parquet"), geopandas.read_parquet(folder / name)
    theirs, mine = shapely.STRtree(ours.geometry.values).query(other.geometry.values, predicate="covers")
    same = shapely.equals(other.geometry.values[theirs], ours.geometry.values[mine]).sum() / len(other)
    with rasterio.open(folder / "quad.tif") as dataset:
        frame = {"out_shape": dataset.shape, "transform": dataset.transform, "fill": 255, "dtype": "uint8"}
    burnt = [
        rasterize(zip(table.geometry, (table["class"] == "cropland").astype("uint8"), strict=True), **frame)
        for table in (ours, other)
    ]
    return f"{100 * same:.2f} % of its polygons, {100 * (burnt[0] == burnt[1]).mean():.2f} % of pixels"


def write_clusters(folder: Path) -> None:
    """The raster of clusters that GDAL's command is given."""
    import numpy as np
    import rasterio
    from mining_others import predict_clusters, read_quad

    pixels, valid, profile = read_quad(folder)
    profile |= {"count": 1, "dtype": "uint8", "nodata": 0}
    with rasterio.open(folder / "clusters.tif", "w", **profile) as dataset:
        dataset.write(predict_clusters(pixels, valid).astype(np.uint8), 1)


def list_contestants(options: argparse.Namespace) -> list[str]:
    """Who can run here."""
    parts = list(RULES)
    if options.size > 4096 or options.ours:
        return parts
    if importlib.util.find_spec("xrspatial"):
        parts.append("prototype")
    if shutil.which("gdal_polygonize.py"):
        parts.append("gdal")
    return parts


def report_startup(results: dict[str, list[dict]]) -> None:
    """What starting costs beyond Python and Snakemake's own preamble."""
    print("\n| imports, before the work | processor seconds |\n|---|---|")
    for rule in RULES:
        print(f"| `{rule}` | {median(one['start_up'] for one in results[rule]):.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=4096, help="width and height of the tile, pixels")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2, help="threads of the rules")
    parser.add_argument("--ours", action="store_true", help="measure the rules alone")
    parser.add_argument("--script-size", type=int, default=2048, help="width and height of the user's script's tile")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        run_part(options.part, options.folder, options.threads)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_quad(folder, options.size)
        parts = list_contestants(options)
        if "gdal" in parts:
            write_clusters(folder)
        results: dict[str, list[dict]] = {part: [] for part in parts}
        for number in range(options.rounds):
            for part in parts:
                if part != "gdal" or number == 0:
                    results[part].append(measure(part, folder, options.threads))
        report(folder, results, options)


def report(folder: Path, results: dict[str, list[dict]], options: argparse.Namespace) -> None:
    """Print the tables."""

    def take(part, key):
        return median(one[key] for one in results[part])

    keys = ("seconds", "processor")
    peaks = {part: max(one["megabytes"] for one in runs) for part, runs in results.items()}
    ours = {key: sum(take(rule, key) for rule in RULES) for key in keys}
    print(f"| {options.size}² px, {options.threads} threads, median of {options.rounds} | seconds", end="")
    print(" | processor seconds | times ours", end="")
    print(" | times our processor seconds | peak, MB |\n|---|---|---|---|---|---|")
    for rule in RULES:
        print(f"| `{rule}` | {take(rule, 'seconds'):.2f} | {take(rule, 'processor'):.2f} | | | {peaks[rule]:.0f} |")
    most = max(peaks[rule] for rule in RULES)
    print(f"| ours together | {ours['seconds']:.2f} | {ours['processor']:.2f} | 1 | 1 | {most:.0f} |")
    for part, label in OTHERS.items():
        if part in results:
            times = " | ".join(f"{take(part, key):.2f}" for key in keys)
            ratios = " | ".join(f"{take(part, key) / ours[key]:.2f}" for key in keys)
            print(f"| {label} | {times} | {ratios} | {peaks[part]:.0f} |")
    report_startup(results)
    if "prototype" in results:
        print(f"\nThe prototype mines as ours: {compare_classes(folder, 'prototype.parquet')}.", flush=True)
    if options.size <= 4096 and not options.ours:
        report_script(options)


def report_script(options: argparse.Namespace) -> None:
    """The user's script beside the rules on a smaller tile."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_quad(folder, options.script_size)
        theirs = measure("script", folder, options.threads)
        ours = [measure(rule, folder, options.threads) for rule in RULES]
        seconds, processor = (sum(one[key] for one in ours) for key in ("seconds", "processor"))
        print(
            f"\nOn {options.script_size}² px the user's script takes {theirs['seconds']:.1f} s, "
            f"{theirs['processor']:.1f} s of processor and {theirs['megabytes']:.0f} MB: "
            f"{theirs['seconds'] / seconds:.0f} times the {seconds:.2f} s of the rules, "
            f"{theirs['processor'] / processor:.0f} times their {processor:.2f} s of processor. "
            f"It mines as ours: {compare_classes(folder, 'script.parquet')}."
        )


if __name__ == "__main__":
    main()
