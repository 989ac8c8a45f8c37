"""What Snakemake itself costs with 100, 1,000 and 10,000 tiles: parsing, a dry run, a run with nothing to do, one tile.

Makes a region of so many empty tiles with the experiments of config.yaml, lets a stand-in for the executor write every
output (empty files: what is measured is all but the work), and then measures, each in a process of its own, CPU seconds
and the largest memory. ``python benchmarks/dag.py [--tiles 100 1000 10000] [--training all|COUNT]``
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from cropmine.inputs.checks.verdicts import Verdict, write_verdict
from cropmine.inputs.neighbours import Location

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("Snakefile", "rules", "profiles", "envs", "workflow_scripts", "pyproject.toml")
EMPTY = "rule all:\n    output: 'x'\n    shell: 'touch x'\n"
CHOICE = {"experiment": "half_human_mined_neg", "threshold": 0.5, "threshold_best": 0.5, "threshold_range": [0.4, 0.6]}
MB = 1024
SIDE_PX = 4096
LABELLED = 300  # tiles that hold labels


def make_region(folder: Path, tiles: int, training: str | int) -> None:
    """A copy of the workflow with a region of so many tiles, of which so many train."""
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, folder / part)
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    land = config["regions"].pop("highlands")
    del land["simulate"]
    land["imagery"], land["mask"]["path"] = "data/imagery/{tile}.tif", "data/masks/{tile}.tif"
    for name in ("global_map", "other_map"):
        land["weak"][name]["path"] = f"data/{name}.tif"
    land["labels"]["path"] = "data/labels.gpkg"
    config |= {"regions": {"land": land}, "default_regions": ["land"]}
    config["training"]["tiles"] = training
    for name in ("sweeps", "transfers"):
        config.pop(name, None)
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    for kind in ("imagery", "masks"):
        (folder / "data" / kind).mkdir(parents=True)
        for number in range(tiles):
            (folder / "data" / kind / f"t{number:05}.tif").write_text(str(number))
    for name in ("global_map.tif", "other_map.tif", "labels.gpkg"):
        (folder / "data" / name).write_text(name)


def place_tiles() -> dict[str, Location]:
    """The locations of the tiles of the current folder: next to each other, in rows of a hundred."""
    step = SIDE_PX * 5.0
    return {
        path.stem: Location("EPSG:3857", number % 100 * step, -(number // 100) * step, 5.0, 5.0, SIDE_PX, SIDE_PX)
        for number, path in enumerate(sorted(Path("data/imagery").iterdir()))
    }


def run_alone(arguments: list[str]) -> None:
    """Run Snakemake in this process with the stand-in executor, and print its CPU seconds and its memory, MB."""
    from snakemake.cli import main
    from snakemake.executors import touch
    from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo

    def write_outputs(executor, job):
        for output in job.output:
            path = Path(output)
            if output.is_directory:
                path.mkdir(parents=True, exist_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.name == "checks.json":
                places = place_tiles()
                write_verdict(path, Verdict({}, [], None, 4, {}, list(places)[:LABELLED], None, places))
            else:
                path.write_text(json.dumps(CHOICE) if path.name == "selected.json" else "")
        told = SubmittedJobInfo(job=job)
        executor.report_job_submission(told)
        executor.report_job_success(told)

    touch.Executor.run_job = write_outputs
    code = 0
    try:
        main(arguments)
    except SystemExit as end:
        code = end.code
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(f"MEASURED {code or 0} {usage.ru_utime + usage.ru_stime:.2f} {usage.ru_maxrss / MB:.0f}", file=sys.stderr)


def measure(folder: Path, *arguments: str) -> tuple[float, float, str]:
    """CPU seconds and MB of a run of Snakemake in a process of its own, and what it said."""
    command = [sys.executable, __file__, "--alone", *arguments]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    text = done.stdout + done.stderr
    code, seconds, memory = text.rpartition("MEASURED ")[2].split()[:3]
    if code != "0":
        raise RuntimeError(text[-4000:])
    return float(seconds), float(memory), text


def measure_region(tiles: int, training: str | int, empty: Path) -> dict[str, tuple[float, float]]:
    """All measures of a region of so many tiles."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_region(folder, tiles, training)
        rows: dict[str, tuple[float, float]] = {}

        def note(row: str, seconds: float, memory: float) -> None:
            rows[row] = (seconds, memory)
            print(f"{tiles:,} tiles, {row}: {seconds:,.1f} / {memory:,.0f}", flush=True)

        base = min(measure(empty, "--list-rules")[0] for _ in range(3))
        parsed = min(measure(folder, "--list-rules")[:2] for _ in range(3))
        note("parsing, more than an empty Snakefile", parsed[0] - base, parsed[1])
        # Many cores and a sample of the ready jobs: the stand-in is quicker than the choice of jobs.
        many = ("--touch", "--cores", "300", "--scheduler-subsample", "300", "--quiet", "all")
        start = time.perf_counter()
        note("everything, the work left out", *measure(folder, *many)[:2])
        print(f"{tiles:,} tiles made in {time.perf_counter() - start:.0f} s", flush=True)
        note("dry run", *measure(folder, "--dry-run", "--cores", "1")[:2])
        *found, text = measure(folder, "--touch", "--cores", "1")
        if "Nothing to be done" not in text:
            raise RuntimeError(text[-4000:])
        note("nothing to do", *found)
        (folder / "data/imagery/t00000.tif").write_text("changed")
        *found, text = measure(folder, "--touch", "--cores", "1")
        note("one tile changed", *found)
        print(f"{tiles:,} tiles, one changed tile ran {text.count('Finished jobid')} jobs", flush=True)
        records = sum(len(files) for _, _, files in os.walk(folder / ".snakemake/metadata"))
        note("outputs", records, 0)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiles", type=int, nargs="+", default=[100, 1000, 10000])
    parser.add_argument("--training", default="500", help="tiles that train: all, or a count")
    options = parser.parse_args()
    training = int(options.training) if options.training.isdigit() else options.training
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "Snakefile").write_text(EMPTY)
        found = {
            tiles: measure_region(tiles, min(training, tiles) if isinstance(training, int) else training, Path(name))
            for tiles in options.tiles
        }
    print(f"training.tiles: {options.training}; CPU seconds / MB")
    print(f"{'':<42}" + "".join(f"{tiles:>18,}" for tiles in found))
    for row in next(iter(found.values())):
        cells = [f"{seconds:,.1f} / {memory:,.0f}" for seconds, memory in (rows[row] for rows in found.values())]
        print(f"{row:<42}" + "".join(f"{cell:>18}" for cell in cells))


if __name__ == "__main__":
    run_alone(sys.argv[2:]) if sys.argv[1:2] == ["--alone"] else main()
