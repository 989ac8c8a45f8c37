"""What a run would cost, told before it: jobs left by rule, core-hours by past runs, gigabytes by folder.

Ask with ``python -m cropmine.planning.forecast [config.yaml]``, or ``make plan``.
"""

import csv
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import fmean

from cropmine.config.schema import Config
from cropmine.config.validation import read_config, validate_config
from cropmine.errors import CropmineError
from cropmine.planning.plans import Plan, Run, plan_region
from cropmine.planning.sweeps import expand_sweeps
from cropmine.planning.transfers import list_lessons

SECONDS = "s"
EXPERIMENTS = "experiments"  # the part of a region's work that isn't a sweep's


@dataclass(frozen=True)
class Work:
    """Jobs of one rule that write into one folder."""

    part: str
    rule: str
    folder: str
    paths: tuple[Path, ...]
    threads: int

    @property
    def left(self) -> int:
        """The number of outputs that aren't there yet."""
        return sum(not path.exists() for path in self.paths)


def list_work(plan: Plan, config: Config, results: Path) -> list[Work]:
    """List the jobs of a region: those of the named experiments, then those that each sweep adds."""
    seen: set[Path] = set()
    named = [run for name in plan.experiments for run in (*plan.runs[name], *plan.final_runs[name])]
    work = _list_part(plan, config, results / plan.name, EXPERIMENTS, named, seen)
    maps = tuple(results / plan.name / "map" / f"{tile}.tif" for tile in plan.tiles) if plan.mapped else ()
    work += [Work(EXPERIMENTS, "map_tile", "map", maps, config.training.cpu_threads)] if maps else []
    for sweep, points in plan.sweeps.items():
        runs = [run for _, runs in points for run in runs]
        work += _list_part(plan, config, results / plan.name, f"sweep_{sweep}", runs, seen)
    return work


def list_transfer(name: str, config: Config, plans: Mapping[str, Plan], known: Iterable[Work]) -> list[Work]:
    """List the trainings and scorings of a transfer beside the known work; those before them are left out."""
    seen = {path for work in known for path in work.paths}
    lessons, threads, work = list_lessons(name, config, plans), config.training.cpu_threads, []
    for kind, paths in (
        ("train", [Path(lesson.model) for lesson in lessons]),
        ("score", [Path(lesson.scores) for lesson in lessons]),
    ):
        for rule in (f"{kind}_model", f"{kind}_transfer"):
            own = [path for path in paths if (path.parts[1] == "transfer") == rule.endswith("transfer")]
            new = tuple(path for path in dict.fromkeys(own) if path not in seen)
            folder = "models" if kind == "train" else "scores"
            work += [Work(f"transfer_{name}", rule, folder, new, threads)] if new else []
    return work


def _list_part(plan: Plan, config: Config, folder: Path, part: str, runs: list[Run], seen: set[Path]) -> list[Work]:
    """The jobs of some runs without those whose outputs were seen; these are added to `seen`."""
    trained = list(dict.fromkeys(run for run in runs if run.recipe))
    recipes = {run.recipe: plan.recipes[run.recipe] for run in trained}
    mined = [recipe for recipe in recipes.values() if recipe["mined"]]
    segmentations = list(dict.fromkeys(recipe["segmentation_name"] for recipe in mined))
    overlaps = list(dict.fromkeys(f"{recipe['segmentation_name']}/{recipe['weak_name']}" for recipe in mined))
    threads = config.training.cpu_threads
    models: dict[bool, list[Path]] = {False: [], True: []}
    for run in trained:
        models[plan.trains_forest(run)].append(folder / plan.model_file(run))
    parts = [
        ("segment_tile", "segments", _by_tile(plan, folder / "segments", segmentations, ".tif"), 1),
        ("overlap_tile", "overlaps", _by_tile(plan, folder / "overlaps", overlaps, ".parquet"), 1),
        ("burn_target", "targets", _by_tile(plan, folder / "targets", list(recipes), ".tif"), 1),
        ("train_model", "models", models[False], threads),
        ("train_forest", "models", models[True], threads),
        ("score_model", "scores", [folder / run.score_file for run in trained], threads),
    ]
    work = []
    for rule, place, paths, cores in parts:
        new = tuple(path for path in dict.fromkeys(paths) if path not in seen)
        seen.update(new)
        work += [Work(part, rule, place, new, cores)] if new else []
    return work


def _by_tile(plan: Plan, folder: Path, names: Iterable[str], suffix: str) -> list[Path]:
    return [folder / name / f"{tile}{suffix}" for name in names for tile in plan.training_tiles]


def count_missing(plans: Iterable[Plan], config: Config, results: Path) -> Counter:
    """Count the outputs that regions' named experiments lack, by rule."""
    missing: Counter[str] = Counter()
    for plan in plans:
        for work in list_work(plan, config, results):
            missing[work.rule] += work.left if work.part == EXPERIMENTS else 0
    return missing


def read_seconds(results: Path, rule: str, most: int | None = None) -> float | None:
    """Mean seconds of a rule's past jobs, by their benchmarks, `most` of them at most; None without any."""
    seconds = []
    for path in islice(results.glob(f"*/benchmarks/{rule}/**/*.tsv"), most):
        with path.open(newline="") as file:
            seconds += [float(row[SECONDS]) for row in csv.DictReader(file, delimiter="\t")]
    return fmean(seconds) if seconds else None


def _measure_bytes(work: Work) -> float | None:
    """Mean size of what is there of the jobs' outputs, or of their folder's other files; None without any."""
    sizes = [path.stat().st_size for path in work.paths if path.exists()]
    if not sizes:
        top = next(parent for parent in work.paths[0].parents if parent.name == work.folder)
        sizes = [path.stat().st_size for path in top.rglob(f"*{work.paths[0].suffix}")]
    return fmean(sizes) if sizes else None


def render_forecast(regions: Iterable[tuple[str, list[Work]]], results: Path) -> str:
    """Spell the work of regions as a table; what no past run tells is a dash."""
    lines = [f"{'region':<14}{'part':<22}{'rule':<14}{'jobs':>6}{'left':>6}{'core-hours':>12}{'GB':>9}  folder"]
    trainings, hours, unknown = 0, 0.0, set()
    for region, works in regions:
        for work in works:
            seconds, size = read_seconds(results, work.rule), _measure_bytes(work)
            spent = None if seconds is None else seconds * work.left * work.threads / 3600
            trainings += work.left if work.rule.startswith("train_") else 0
            hours += spent or 0
            unknown |= {work.rule} if spent is None and work.left else set()
            cells = "—" if spent is None else f"{spent:.2f}", "—" if size is None else f"{size * work.left / 1e9:.3f}"
            counts = f"{len(work.paths):>6}{work.left:>6}{cells[0]:>12}{cells[1]:>9}"
            lines.append(f"{region:<14}{work.part:<22}{work.rule:<14}{counts}  {work.folder}/")
    lines.append(f"{trainings} trainings left; {hours:.2f} core-hours as far as past runs tell")
    if unknown:
        lines.append(f"no past run tells how long {', '.join(sorted(unknown))} take")
    return "\n".join(lines)


def read_plans(path: str | Path) -> tuple[Config, dict[str, Plan]]:
    """Read the configuration in a file, its sweeps spelt out, and plan its regions."""
    if not Path(path).is_file():
        raise CropmineError(path, "no such configuration", "name yours: CONFIG=my.yaml")
    config, points = expand_sweeps(validate_config(read_config(path)))
    names = dict.fromkeys([*(config.default_regions or config.regions), *config.transferred])
    return config, {name: plan_region(name, config, points) for name in names}


def main(path: str) -> None:
    """Print the forecast of the configuration in a file."""
    results = Path("results")
    try:
        config, plans = read_plans(path)
        listed = [(name, list_work(plan, config, results)) for name, plan in plans.items()]
        for name in config.transfers:
            known = [work for _, works in listed for work in works]
            listed.append(("transfer", list_transfer(name, config, plans, known)))
    except CropmineError as error:
        sys.exit(str(error))
    print(render_forecast(listed, results))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "config.yaml")
