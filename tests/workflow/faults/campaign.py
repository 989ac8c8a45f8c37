"""Kills a small region's run at random moments, and compares what the next run leaves with an undisturbed one.

``PYTHONPATH=tests python -m workflow.faults.campaign [--mining 35] [--training 15] [--seed 0]`` prints a table for
docs/reliability.md. A moment is a share of the jobs that the undisturbed run did; half of the kills hit the whole
process group, half one job alone, which Snakemake then reports as failed.
"""

import argparse
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import psutil
import torch

from cropmine.config.regions import Simulation
from cropmine.inputs.simulation.regions import simulate_region, write_region
from workspace import Outcome, Workspace, valley_config

# What tells of a run rather than of its results: times, and the states of trainings that didn't end.
UNCOMPARED = {"logs", "benchmarks", "runs"}
TARGETS = {"mining": "mine", "training": "results/valley/experiments.csv"}
GROUP, JOB = "the whole run", "one job"
LOG = "killed.log"


@dataclass(frozen=True)
class Undisturbed:
    """A finished run: where its phase began, what it left, its jobs and the seconds that it took."""

    base: Path
    results: Path
    jobs: int
    seconds: float


def make_inputs(folder: Path) -> Path:
    """Inputs of a made-up region of 1 x 3 tiles."""
    files = [[folder / kind / f"r0c{column}.tif" for column in range(3)] for kind in ("imagery", "masks")]
    weak = folder / "weak.tif", folder / "weak_other.tif"
    region = simulate_region(Simulation(seed=5, rows=1, columns=3, tile_px=192, label_sites=40))
    write_region(region, *files, weak, folder / "labels.gpkg", folder / "truth.tif")
    return folder


def campaign_config(inputs: Path) -> dict:
    """The small region with one experiment, trained in enough epochs to be killed between them."""
    config = valley_config(inputs)
    config["experiments"].pop("half_human")
    config["models"]["tiny"] |= {"steps": 12, "epochs": 6}
    return config


def run_undisturbed(folder: Path, inputs: Path) -> dict[str, Undisturbed]:
    """Run the phases to their ends, in turn: mining from nothing, then training on what it left."""
    workspace, phases = Workspace(folder / "undisturbed", campaign_config(inputs)), {}
    workspace.write_config()
    for phase, target in TARGETS.items():
        base = shutil.copytree(workspace.folder, folder / f"before_{phase}")
        start = time.monotonic()
        jobs = workspace.succeed(target).jobs.total()
        took = time.monotonic() - start
        after = shutil.copytree(workspace.folder, folder / f"after_{phase}")
        phases[phase] = Undisturbed(base, after, jobs, took)
    return phases


def start_run(folder: Path, target: str) -> subprocess.Popen:
    """Start Snakemake in a process group of its own."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", target]
    with (folder / LOG).open("w") as log:
        return subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)


def list_scripts(process: subprocess.Popen) -> list[psutil.Process]:
    """The jobs of a run that are under way."""
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        try:
            if any("/.snakemake/scripts/" in part for part in child.cmdline()):
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return sorted(found, key=lambda child: child.pid)


def kill_run(process: subprocess.Popen, log: Path, moment: tuple[int, float], what: str, rng: random.Random) -> bool:
    """Kill a run, or one of its jobs, some seconds after so many jobs; tells whether there was something to kill."""
    jobs, seconds = moment
    while process.poll() is None and Outcome(0, log.read_text()).jobs.total() < jobs:
        time.sleep(0.02)
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
        return False
    if what == GROUP:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        while process.poll() is None and not (scripts := list_scripts(process)):
            time.sleep(0.02)
        if process.poll() is not None:
            return False
        with suppress(psutil.NoSuchProcess):
            rng.choice(scripts).kill()
    process.wait()
    return True


def list_outputs(folder: Path) -> set[Path]:
    """The files under results/ that count as outputs, relative to the folder."""
    found = {path.relative_to(folder) for path in (folder / "results").rglob("*") if path.is_file()}
    return {path for path in found if not UNCOMPARED & set(path.parts) and not path.name.startswith(".")}


def differ(one: Path, other: Path) -> bool:
    """Tell whether two files hold something else: of checkpoints the weights count, of histories all but seconds."""
    if one.read_bytes() == other.read_bytes():
        return False
    if one.name == "history.csv":
        tables = [pd.read_csv(path).drop(columns="seconds") for path in (one, other)]
        return not tables[0].equals(tables[1])
    if one.suffix != ".ckpt":
        return True
    weights = [torch.load(path, weights_only=True)["state_dict"] for path in (one, other)]
    return weights[0].keys() != weights[1].keys() or not all(
        torch.equal(weights[0][name], weights[1][name]) for name in weights[0]
    )


def list_differences(folder: Path, undisturbed: Undisturbed, whole: bool) -> list[str]:
    """Outputs that aren't those of the undisturbed run; of a whole run also missing or further ones."""
    ours, theirs = list_outputs(folder), list_outputs(undisturbed.results)
    wrong = [str(path) for path in sorted(ours & theirs) if differ(folder / path, undisturbed.results / path)]
    return wrong + ([str(path) for path in sorted(ours ^ theirs)] if whole else [])


def disturb(folder: Path, undisturbed: Undisturbed, target: str, share: float, what: str, rng: random.Random) -> dict:
    """Kill a run at a share of its jobs, look at what it left, run it to its end, and look again."""
    shutil.copytree(undisturbed.base, folder)
    process = start_run(folder, target)
    rest, jobs = math.modf(share * undisturbed.jobs)
    moment = int(jobs), rest * undisturbed.seconds / undisturbed.jobs
    killed = kill_run(process, folder / LOG, moment, what, rng)
    partial = list_differences(folder, undisturbed, whole=False)
    finish_run(folder, target)
    return {"killed": killed, "partial": partial, "different": list_differences(folder, undisturbed, whole=True)}


def finish_run(folder: Path, target: str) -> None:
    """Unlock a folder and run what is left, as docs/reliability.md tells users to."""
    for arguments in (["--unlock"], ["--cores", "2", target]):
        command = [sys.executable, "-m", "snakemake", *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("mining", 35), ("training", 15), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    print("| phase | killed | moments | partial files left | differences after the rerun |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        phases = run_undisturbed(folder, make_inputs(folder / "inputs"))
        for phase, target in TARGETS.items():
            found: dict[str, list[dict]] = {GROUP: [], JOB: []}
            for number in range(getattr(options, phase)):
                what, result = (GROUP, JOB)[number % 2], {"killed": False}
                while not result["killed"]:  # a moment after the end of a run is drawn anew
                    share = rng.random()
                    result = disturb(folder / "disturbed", phases[phase], target, share, what, rng)
                    shutil.rmtree(folder / "disturbed")
                found[what].append(result)
                print(f"{phase} {number} {what} at {share:.3f}: {result}", file=sys.stderr, flush=True)
            for what, results in found.items():
                counts = [sum(len(one[key]) for one in results) for key in ("partial", "different")]
                print(f"| {phase} | {what} | {len(results)} | {counts[0]} | {counts[1]} |", flush=True)


if __name__ == "__main__":
    main()
