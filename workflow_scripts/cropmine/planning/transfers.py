"""Transfers between regions, planned when the Snakefile is parsed: who teaches what, and where it is tested."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cropmine.config.experiments import Transfer
from cropmine.config.schema import Config
from cropmine.errors import CropmineError
from cropmine.planning.digests import digest_settings
from cropmine.planning.plans import Plan, Run, describe_runs

FOLDER = "results/transfer"


@dataclass(frozen=True)
class Lesson:
    """One model of a transfer, which is scored on the test blocks of its target.

    parts: the regions that teach it and the recipes of their labels; validation: the region whose validation labels
    choose its epoch and its threshold, None where no human label may; model and scores: paths of its files;
    statistics: models whose statistics normalise, the source's and, if it has its own, the target's.
    """

    row: str
    source: str
    target: str
    run: Run
    parts: tuple[tuple[str, str], ...]
    validation: str | None
    model: str
    scores: str
    statistics: tuple[str, ...] = ()

    @property
    def place(self) -> tuple[str, ...]:
        """The folders of its files: target, what it was taught, and run."""
        return tuple(self.scores.removesuffix(".json").split("/")[-3:])


def list_lessons(name: str, config: Config, plans: Mapping[str, Plan]) -> list[Lesson]:
    """List the lessons of a transfer: for each pair of regions, and each seed that both run, one a row of its table.

    plans: by region. Raises CropmineError if two regions have no seed in common.
    """
    transfer = config.transfers[name]
    lessons: list[Lesson] = []
    for source, target in transfer.pairs:
        taught = _by_seed(plans[source].human_lessons[name])
        own, mined = _by_seed(plans[target].human_lessons[name]), _by_seed(plans[target].mined_lessons[name])
        seeds = [seed for seed in own if seed in taught]
        if not seeds:
            what = f"{source} and {target} have no seed in common"
            raise CropmineError(f"transfers.{name}", what, "give both one of the same `seeds`")
        for seed in seeds:
            lessons += _plan_lessons(name, transfer, plans, (source, target), (taught[seed], own[seed], mined[seed]))
    return lessons


def _by_seed(runs: list[Run]) -> dict[int, Run]:
    return {run.seed: run for run in runs}


def _plan_lessons(
    name: str, transfer: Transfer, plans: Mapping[str, Plan], pair: tuple[str, str], runs: tuple[Run, Run, Run]
) -> Iterator[Lesson]:
    """The lessons of a pair and a seed, from the runs of the source's, the target's own and its mined labels."""
    (source, target), (taught, own, mined) = pair, runs
    models = f"results/{source}/{plans[source].model_file(taught)}", f"results/{target}/{plans[target].model_file(own)}"
    statistics = models if transfer.normalise == "target" else models[:1]
    human, weak = (source, taught.recipe), (target, mined.recipe)
    rows = {
        "human_source": ((human,), f"human_{source}", statistics),
        "human_source_mined_target": ((human, weak), f"human_{source}_mined", statistics),
        "mined_target": ((weak,), "mined", ()),
    }
    for row, (parts, words, normalised_by) in rows.items():
        digest = digest_settings({"parts": parts, "model": taught.model, "statistics": normalised_by})
        place = f"{target}/{words}_{digest}"
        model = f"{FOLDER}/{name}/models/{place}/{taught.name}/model.ckpt"
        scores = f"{FOLDER}/{name}/scores/{place}/{taught.name}.json"
        validation = None if row == "mined_target" else source
        model = models[0] if row == "human_source" else model
        yield Lesson(row, source, target, taught, parts, validation, model, scores, normalised_by)
    scores = f"results/{target}/{own.score_file}"
    yield Lesson("human_target", source, target, own, ((target, own.recipe),), target, models[1], scores)


def describe_transfer(name: str, config: Config, plans: Mapping[str, Plan]) -> tuple[list[dict], list[str]]:
    """The rows of a transfer as plans.describe_runs gives them, with row, source, target and normalise; and the files
    of scores, whose places their runs name as score_index."""
    transfer = config.transfers[name]
    lessons = list_lessons(name, config, plans)
    paths = list(dict.fromkeys(lesson.scores for lesson in lessons))
    human, mined = transfer.human_experiment, transfer.mined_experiment
    both = mined.model_copy(update={"human": transfer.human})
    experiments = {
        "human_source": human,
        "human_source_mined_target": both,
        "mined_target": mined,
        "human_target": human,
    }
    grouped: dict[tuple[str, str, str], list[Lesson]] = {}
    for lesson in lessons:
        grouped.setdefault((lesson.source, lesson.target, lesson.row), []).append(lesson)
    rows = []
    for (source, target, row), group in grouped.items():
        runs = [lesson.run for lesson in group]
        described = describe_runs(plans[target], config, f"{row} {source} {target}", experiments[row], runs)
        for run, lesson in zip(described["runs"], group, strict=True):
            run["score_index"] = paths.index(lesson.scores)
        rows.append(described | {"row": row, "source": source, "target": target, "normalise": transfer.normalise})
    return rows, paths
