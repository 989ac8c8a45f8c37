"""Forecast of what a run takes: jobs left by rule, core-hours by past runs, gigabytes by folder."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePath
from statistics import fmean

from cropmine.config.models import Model, list_kinds
from cropmine.config.schema import Config
from cropmine.config.validation import read_config, validate_config
from cropmine.planning import paths
from cropmine.planning.plans import Plan, plan_region
from cropmine.planning.runs import FUSED, NO_VOICES, Run
from cropmine.planning.sweeps import expand_sweeps
from cropmine.planning.transfers import list_transfer_runs

SECONDS = "s"
EXPERIMENTS = "experiments"  # the part of a region's work that isn't a sweep's


@dataclass(frozen=True)
class Work:
    """Jobs of one rule, by the pattern and the paths of their outputs."""

    part: str
    rule: str
    pattern: str
    paths: tuple[str, ...]
    threads: int

    @property
    def left(self) -> int:
        """The number of outputs that aren't there yet."""
        return sum(not Path(path).exists() for path in self.paths)

    @property
    def folder(self) -> Path:
        """The folder of the outputs, below that of the region or transfer."""
        depth = next(depth for depth, part in enumerate(PurePath(self.pattern).parts) if depth > 1 and "{" not in part)
        return Path(*PurePath(self.paths[0]).parts[: depth + 1])


def list_work(plan: Plan, config: Config) -> list[Work]:
    """List the jobs of a region: those of the named experiments, then those that each sweep adds."""
    seen: set[str] = set()
    named = [run for name in plan.experiments for run in (*plan.runs[name], *plan.final_runs[name])]
    work = _list_part(plan, config, EXPERIMENTS, named, seen)
    if plan.mapped:
        maps = tuple(paths.fill(paths.MAP, region=[plan.name], tile=plan.tiles))
        work.append(Work(EXPERIMENTS, "map_tile", paths.MAP, maps, config.training.cpu_threads))
    for sweep, points in plan.sweeps.items():
        runs = [run for _, runs in points for run in runs]
        work += _list_part(plan, config, f"sweep_{sweep}", runs, seen)
    return work


def _list_part(plan: Plan, config: Config, part: str, runs: list[Run], seen: set[str]) -> list[Work]:
    """The jobs of some runs without those whose outputs were seen; these are added to `seen`."""
    trained = list(dict.fromkeys(run for run in runs if run.recipe))
    scored = [plan.score_path(run) for run in trained]
    for run in list(trained):
        voices = plan.voices.get((run.model, run.name), NO_VOICES).voices
        trained += [voice.run for voice in voices if voice.run]
    recipes = {run.recipe: plan.recipes[run.recipe] for run in trained if run.recipe != FUSED}
    mined = dict.fromkeys((r.segmentation[0], r.weak.name) for r in recipes.values() if r.segmentation and r.weak)
    models: dict[type[Model], list[str]] = {kind: [] for kind in list_kinds()}
    for run in trained:
        models[plan.kind_of(run)].append(plan.model_path(run))
    region, threads = {"region": [plan.name], "tile": plan.training_tiles}, config.training.cpu_threads
    overlaps = [
        paths.fill(paths.OVERLAP, region=[plan.name], segmentation=[cut], weak=[weak], tile=plan.training_tiles)
        for cut, weak in mined
    ]
    segmentations = dict.fromkeys(cut for cut, _ in mined)
    parts: list[tuple[str, str, list[str], int]] = [
        ("segment_tile", paths.SEGMENTS, paths.fill(paths.SEGMENTS, segmentation=segmentations, **region), 1),
        ("overlap_tile", paths.OVERLAP, [path for own in overlaps for path in own], 1),
        ("burn_target", paths.TARGET, paths.fill(paths.TARGET, recipe=recipes, **region), 1),
        *((kind.rule, paths.name_model(kind), files, threads) for kind, files in models.items()),
        ("score_model", paths.SCORES, scored, threads),
    ]
    return [
        work for rule, pattern, files, cores in parts for work in _list_new(part, rule, pattern, files, cores, seen)
    ]


def _list_new(part: str, rule: str, pattern: str, files: list[str], threads: int, seen: set[str]) -> Iterator[Work]:
    """The work of a rule on files that weren't seen, if there are any."""
    new = tuple(path for path in dict.fromkeys(files) if path not in seen)
    seen.update(new)
    if new:
        yield Work(part, rule, pattern, new, threads)


def list_transfer(name: str, config: Config, plans: Mapping[str, Plan], known: Iterable[Work]) -> list[Work]:
    """List the trainings and scorings of a transfer beyond the known work; the work before these is left out."""
    seen = {path for work in known for path in work.paths}
    runs, threads = list_transfer_runs(name, config, plans), config.training.cpu_threads
    files = [run.model for run in runs] + [run.scores for run in runs]
    rules = {
        "train_model": paths.MODEL,
        "train_transfer": paths.TRANSFER_MODEL,
        "score_model": paths.SCORES,
        "score_transfer": paths.TRANSFER_SCORES,
    }
    return [
        work
        for rule, pattern in rules.items()
        for own in [[path for path in files if paths.match(pattern, path)]]
        for work in _list_new(f"transfer_{name}", rule, pattern, own, threads, seen)
    ]


def count_missing(plans: Iterable[Plan], config: Config) -> Counter:
    """Count the outputs that regions' named experiments lack, by rule."""
    missing: Counter[str] = Counter()
    for plan in plans:
        for work in list_work(plan, config):
            missing[work.rule] += work.left if work.part == EXPERIMENTS else 0
    return missing


def read_seconds(rule: str, most: int | None = None) -> float | None:
    """Mean seconds of a rule's past jobs, by their benchmarks, `most` of them at most; None without any."""
    seconds = []
    for path in islice(Path(paths.RESULTS).glob(f"*/benchmarks/{rule}/**/*.tsv"), most):
        with path.open(newline="") as file:
            seconds += [float(row[SECONDS]) for row in csv.DictReader(file, delimiter="\t")]
    return fmean(seconds) if seconds else None


def _measure_bytes(work: Work) -> float | None:
    """Mean size of what is there of the jobs' outputs, or of their folder's other files; None without any."""
    made = [path for path in map(Path, work.paths) if path.exists()]
    sizes = [path.stat().st_size for path in made or work.folder.rglob(f"*{PurePath(work.pattern).suffix}")]
    return fmean(sizes) if sizes else None


def render_forecast(regions: Iterable[tuple[str, list[Work]]]) -> str:
    """Spell the work of regions as a table; what no past run tells is a dash."""
    lines = [f"{'region':<14}{'part':<22}{'rule':<14}{'jobs':>6}{'left':>6}{'core-hours':>12}{'GB':>9}  folder"]
    trainings, hours, unknown = 0, 0.0, set()
    for region, works in regions:
        for work in works:
            seconds, size = read_seconds(work.rule), _measure_bytes(work)
            spent = None if seconds is None else seconds * work.left * work.threads / 3600
            trainings += work.left if work.rule.startswith("train_") else 0
            hours += spent or 0
            unknown |= {work.rule} if spent is None and work.left else set()
            cells = "—" if spent is None else f"{spent:.2f}", "—" if size is None else f"{size * work.left / 1e9:.3f}"
            counts = f"{len(work.paths):>6}{work.left:>6}{cells[0]:>12}{cells[1]:>9}"
            lines.append(f"{region:<14}{work.part:<22}{work.rule:<14}{counts}  {work.folder.name}/")
    lines.append(f"{trainings} trainings left; {hours:.2f} core-hours as far as past runs tell")
    if unknown:
        lines.append(f"no past run tells how long {', '.join(sorted(unknown))} take")
    return "\n".join(lines)


def forecast_work(path: str | Path) -> str:
    """Spell the work that is left for the configuration in a file, by region, part and rule.

    Raises CropmineError if it isn't a configuration that can be planned.
    """
    config, plans = read_plans(path)
    listed = [(name, list_work(plan, config)) for name, plan in plans.items()]
    for name in config.transfers:
        known = [work for _, works in listed for work in works]
        listed.append(("transfer", list_transfer(name, config, plans, known)))
    return render_forecast(listed)


def read_plans(path: str | Path) -> tuple[Config, dict[str, Plan]]:
    """Read the configuration in a file, its sweeps spelt out, and plan its regions."""
    config, points = expand_sweeps(validate_config(read_config(path)))
    names = dict.fromkeys([*(config.default_regions or config.regions), *config.transferred])
    return config, {name: plan_region(name, config, points) for name in names}
