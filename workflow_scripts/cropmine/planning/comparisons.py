"""Comparisons of experiments: the rows of a table, and the files of scores that each row's runs are in."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cropmine.config.experiments import Experiment
from cropmine.config.schema import Config
from cropmine.planning.plans import Plan, choose_model
from cropmine.planning.recipes import choose_segmentation, choose_weak_map
from cropmine.planning.runs import Run


@dataclass(frozen=True)
class ComparedRun:
    """A run of a compared experiment; score_index: the place of its scores among the files of the comparison."""

    run: str
    recipe: str
    seed: int
    fold: int | None
    score_index: int


@dataclass(frozen=True)
class ComparedExperiment:
    """An experiment as tables name it: what its labels are made of, its model, and its runs."""

    name: str
    human: float
    weak_map: str | None
    weak_classes: tuple[str, ...]
    erode_m: float
    mined_cropland: float | None
    mined_noncropland: float | None
    random: bool
    segmentation: str | None
    model: str
    model_digest: str
    trained: bool
    runs: tuple[ComparedRun, ...]


@dataclass(frozen=True)
class ComparedPoint(ComparedExperiment):
    """A grid point of a sweep, or its base, with its values by key."""

    values: dict[str, Any]


@dataclass(frozen=True)
class ComparedTransfer(ComparedExperiment):
    """A row of a transfer: from which region labels come, in which they are tested, and whose statistics normalise."""

    row: str
    source: str
    target: str
    normalise: str


@dataclass(frozen=True)
class Comparison:
    """The rows of a table, the files of their runs' scores, and the name of the row that others are compared with."""

    rows: tuple[ComparedExperiment, ...]
    scores: tuple[str, ...]
    base: str | None = None

    @property
    def settings(self) -> list[dict[str, Any]]:
        """The rows as plain values."""
        return [asdict(row) for row in self.rows]


def index_scores(paths: Iterable[str]) -> dict[str, int]:
    """Number files, each once."""
    return {path: place for place, path in enumerate(dict.fromkeys(paths))}


def describe_experiments(plan: Plan, config: Config) -> Comparison:
    """Describe the comparison of a region's experiments."""
    places = index_scores(plan.score_path(run) for runs in plan.runs.values() for run in runs)
    rows = [
        ComparedExperiment(**describe_runs(plan, config, name, experiment, plan.runs[name], places))
        for name, experiment in plan.experiments.items()
    ]
    return Comparison(tuple(rows), tuple(places))


def describe_runs(
    plan: Plan,
    config: Config,
    name: str,
    experiment: Experiment,
    runs: Sequence[Run],
    places: dict[str, int],
    scores: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Describe an experiment and its runs, as the fields of a row.

    places: those of files of scores; scores: the files of the runs, by default those of the plan.
    """
    mined = experiment.mined
    files = scores or [plan.score_path(run) for run in runs]
    compared = [
        ComparedRun(run.name, run.recipe, run.seed, run.fold, places[path])
        for run, path in zip(runs, files, strict=True)
    ]
    return {
        "name": name,
        "human": experiment.human,
        "weak_map": choose_weak_map(plan.region, experiment) if experiment.uses_weak_map else None,
        "weak_classes": experiment.weak_classes,
        "erode_m": experiment.erode_m,
        "mined_cropland": mined.cropland if mined else None,
        "mined_noncropland": mined.noncropland if mined else None,
        "random": bool(mined and mined.random),
        "segmentation": choose_segmentation(config, experiment) if mined else None,
        "model": choose_model(config, experiment),
        "model_digest": runs[0].model,
        "trained": experiment.trains,
        "runs": tuple(compared),
    }
