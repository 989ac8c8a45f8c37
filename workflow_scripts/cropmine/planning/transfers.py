"""Transfers between regions: which labels train each model, and where it is tested."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cropmine.config.experiments import Transfer
from cropmine.config.schema import Config
from cropmine.errors import CropmineError
from cropmine.planning import paths
from cropmine.planning.comparisons import ComparedTransfer, Comparison, describe_runs, index_scores
from cropmine.planning.digests import digest_settings
from cropmine.planning.plans import Plan
from cropmine.planning.runs import Run


@dataclass(frozen=True)
class TransferRun:
    """One model of a transfer, which is scored on the test blocks of its target.

    run: its name, seed and settings; labels: which labels train it, as a folder's name, None for the target's own;
    parts: the regions that these come from and their recipes; validation: the region whose validation labels choose its
    epoch and its threshold, None where no human label may; model and scores: paths of its files; statistics: models
    whose statistics normalise, the source's and, if it has its own, the target's.
    """

    row: str
    source: str
    target: str
    run: Run
    labels: str | None
    parts: tuple[tuple[str, str], ...]
    validation: str | None
    model: str
    scores: str
    statistics: tuple[str, ...] = ()


def list_transfer_runs(name: str, config: Config, plans: Mapping[str, Plan]) -> list[TransferRun]:
    """List the runs of a transfer: for each pair of regions, and each seed that both run, one a row of its table.

    plans: by region. Raises CropmineError if two regions have no seed in common.
    """
    transfer = config.transfers[name]
    listed: list[TransferRun] = []
    for source, target in transfer.pairs:
        taught = _by_seed(plans[source].human_transfers[name])
        own, mined = _by_seed(plans[target].human_transfers[name]), _by_seed(plans[target].mined_transfers[name])
        seeds = [seed for seed in own if seed in taught]
        if not seeds:
            what = f"{source} and {target} have no seed in common"
            raise CropmineError(f"transfers.{name}", what, "give both one of the same `seeds`")
        for seed in seeds:
            runs = taught[seed], own[seed], mined[seed]
            listed += _plan_transfer_runs(name, transfer, (plans[source], plans[target]), runs)
    return listed


def _by_seed(runs: list[Run]) -> dict[int, Run]:
    return {run.seed: run for run in runs}


def _plan_transfer_runs(
    name: str, transfer: Transfer, pair: tuple[Plan, Plan], runs: tuple[Run, Run, Run]
) -> Iterator[TransferRun]:
    """The runs of a pair and a seed, from those of the source's, the target's own and its mined labels."""
    (source, target), (taught, own, mined) = pair, runs
    models = source.model_path(taught), target.model_path(own)
    statistics = models if transfer.normalise == "target" else models[:1]
    human, weak = (source.name, taught.recipe), (target.name, mined.recipe)
    rows = {
        "human_source": ((human,), f"human_{source.name}", statistics),
        "human_source_mined_target": ((human, weak), f"human_{source.name}_mined", statistics),
        "mined_target": ((weak,), "mined", ()),
    }
    for row, (parts, words, normalised_by) in rows.items():
        digest = digest_settings({"parts": parts, "model": taught.model, "statistics": normalised_by})
        labels = f"{words}_{digest}"
        place = {"transfer": name, "target": target.name, "labels": labels, "run": taught.name}
        validation = None if row == "mined_target" else source.name
        model = models[0] if row == "human_source" else paths.TRANSFER_MODEL.format(**place)
        scores = paths.TRANSFER_SCORES.format(**place)
        ends = source.name, target.name
        yield TransferRun(row, *ends, taught, labels, parts, validation, model, scores, normalised_by)
    parts, scores = ((target.name, own.recipe),), target.score_path(own)
    yield TransferRun("human_target", source.name, target.name, own, None, parts, target.name, models[1], scores)


def describe_transfer(name: str, config: Config, plans: Mapping[str, Plan]) -> Comparison:
    """Describe the comparison of a transfer's models, each pair of regions and each choice of labels a row."""
    transfer = config.transfers[name]
    listed = list_transfer_runs(name, config, plans)
    places = index_scores(run.scores for run in listed)
    human, mined = transfer.human_experiment, transfer.mined_experiment
    experiments = {
        "human_source": human,
        "human_source_mined_target": mined.model_copy(update={"human": transfer.human}),
        "mined_target": mined,
        "human_target": human,
    }
    grouped: dict[tuple[str, str, str], list[TransferRun]] = {}
    for run in listed:
        grouped.setdefault((run.source, run.target, run.row), []).append(run)
    rows = []
    for (source, target, row), group in grouped.items():
        runs, scores = [member.run for member in group], [member.scores for member in group]
        words = f"{row} {source} {target}"
        described = describe_runs(plans[target], config, words, experiments[row], runs, places, scores)
        rows.append(ComparedTransfer(**described, row=row, source=source, target=target, normalise=transfer.normalise))
    return Comparison(tuple(rows), tuple(places))
