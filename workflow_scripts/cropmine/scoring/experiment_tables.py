"""Tables of experiments, sweeps and transfers: scores, and differences paired by block."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cropmine.scoring.bootstrap import find_interval
from cropmine.scoring.metrics import (
    DEFAULT_THRESHOLD,
    LEAST_BLOCKS,
    PieceCounts,
    bootstrap_f1,
    compute_f1,
    count_blocks,
    count_confusion,
    describe_scores,
    join_histograms,
    pool_rows,
    tabulate_pieces,
)
from cropmine.scoring.score_files import HELD_OUT, read_scores
from cropmine.scoring.thresholds import Range, bootstrap_threshold, choose_threshold, settle_choice

CHOICES = ("default", "validation")
DIFFERENCE_TAIL = ("base", "difference", "difference_lo", "difference_hi")
COLUMNS = (
    *("experiment", "human_fraction", "weak_map", "weak_classes", "mined_cropland", "mined_noncropland"),
    *("segmentation", "model", "runs", "split", "threshold", "f1_cropland", "f1_cropland_lo", "f1_cropland_hi"),
    *("precision_cropland", "recall_cropland", "f1_noncropland", "precision_noncropland", "recall_noncropland"),
    *("f1_cropland_by_label", "false_positive_rate", "support_cropland", "support_noncropland", "blocks_cropland"),
    *("blocks_noncropland", "selected", "threshold_choice", "f1_cropland_min", "f1_cropland_max"),
    *("f1_cropland_loo_lo", "f1_cropland_loo_hi", "erode_m", "random", "trained", "seeds"),
    *("threshold_lo", "threshold_hi"),
    *DIFFERENCE_TAIL,
)
DIFFERENCE_COLUMNS = (
    *("experiment", "base", "split", "threshold_choice", "difference", "lo", "hi", "min", "max"),
    *("blocks", "blocks_cropland", "blocks_noncropland"),
)


@dataclass(frozen=True)
class Evaluation:
    """An experiment's outcome.

    settings: what it is (name, human, weak_map, …); threshold: the one chosen on validation; reach: its bootstrap
    range; counts: by split and choice of threshold, the pieces of all runs; seeds: by split, the seed of each of those
    pieces, int64 (n,).
    """

    settings: dict
    threshold: float
    reach: Range | None
    counts: dict[tuple[str, str], PieceCounts]
    seeds: dict[str, np.ndarray]

    @property
    def name(self) -> str:
        return self.settings["name"]

    @property
    def choice(self) -> str:
        """The choice of threshold that a map takes: "default" where validation labels don't part its own from 0.5."""
        return settle_choice(self.reach)

    def threshold_at(self, choice: str) -> float:
        """Give the threshold of a choice: "default" is 0.5, "validation" its own."""
        return DEFAULT_THRESHOLD if choice == "default" else self.threshold


def evaluate_experiment(
    settings: dict, scores: Mapping[int, list[dict]] | Sequence[list[dict]], seed: int = 0
) -> Evaluation:
    """Pool the scores of an experiment's runs, choose its threshold on validation and find its bootstrap range.

    settings["runs"] holds for each run its seed, fold and score_index, the place of its pieces in `scores`. The folds
    of a seed are pooled: each piece is tested by the one model that neither trained nor validated on it.
    """
    runs = [(run["seed"], scores[run["score_index"]]) for run in settings["runs"]]
    histograms, seeds = {}, {}
    for split in HELD_OUT:
        parts = [tabulate_pieces(pieces, split) for _, pieces in runs]
        histograms[split] = join_histograms(parts)
        sizes = [len(part.label) for part in parts]
        seeds[split] = np.repeat([-1 if seed is None else seed for seed, _ in runs], sizes).astype(np.int64)
    threshold = choose_threshold(histograms["validation"])
    thresholds = {"default": DEFAULT_THRESHOLD, "validation": threshold}
    counts = {(s, choice): count_confusion(histograms[s], t) for s in HELD_OUT for choice, t in thresholds.items()}
    return Evaluation(settings, threshold, bootstrap_threshold(histograms["validation"], seed), counts, seeds)


def evaluate_experiments(experiments: Sequence[dict], paths: Sequence[str | Path], seed: int = 0) -> list[Evaluation]:
    """Evaluate experiments from the files of scores that their runs' score_index names among `paths`."""
    evaluations = []
    for experiment in experiments:
        places = [run["score_index"] for run in experiment["runs"]]
        scores = {place: read_scores(paths[place]) for place in places}
        evaluations.append(evaluate_experiment(experiment, scores, seed))
    return evaluations


def tabulate_experiments(evaluations: Sequence[Evaluation], selected: str | None, seed: int = 0) -> pd.DataFrame:
    """Make the table of experiments: one row an experiment, split and choice of threshold.

    `selected` is true on the rows of the selected experiment at the threshold that its map takes. The differences are
    those in F1 of cropland from the first experiment that has human labels only.
    """
    base = next((evaluation for evaluation in evaluations if _is_human_only(evaluation.settings)), None)
    rows = [row for evaluation in evaluations for row in _tabulate_rows(evaluation, base, HELD_OUT, seed)]
    taken = {(evaluation.name, evaluation.choice) for evaluation in evaluations if evaluation.name == selected}
    for row in rows:
        row["selected"] = (row["experiment"], row["threshold_choice"]) in taken
    return pd.DataFrame(rows, columns=list(COLUMNS))


def tabulate_sweep(evaluations: Sequence[Evaluation], base: str, seed: int = 0) -> pd.DataFrame:
    """Make the table of a sweep: one row a point and choice of threshold, on validation labels.

    Test labels are for named experiments: that many points would wear them out. Columns are those of the table of
    experiments, one for each key of the grid, and in `base` whether the row is the base's; settings["values"] holds a
    point's values by key.
    """
    (reference,) = (evaluation for evaluation in evaluations if evaluation.name == base)
    rows = [
        row | evaluation.settings["values"] | {"selected": False, "base": evaluation is reference}
        for evaluation in evaluations
        for row in _tabulate_rows(evaluation, reference, ("validation",), seed)
    ]
    keys = [key for evaluation in evaluations for key in evaluation.settings["values"]]
    own = [name for name in COLUMNS if name not in DIFFERENCE_TAIL]
    return pd.DataFrame(rows, columns=list(dict.fromkeys([*own, *keys, *DIFFERENCE_TAIL])))


def tabulate_transfer(evaluations: Sequence[Evaluation], seed: int = 0) -> pd.DataFrame:
    """Make the table of a transfer: one row a pair of regions, what was taught, and choice of threshold.

    Scores are those on the target's test labels. Columns are row, source, target and normalise before those of the
    table of experiments; the differences are those from the human labels of the same source alone.
    """
    heads = ("row", "source", "target", "normalise")
    bases = {
        (evaluation.settings["source"], evaluation.settings["target"]): evaluation
        for evaluation in evaluations
        if evaluation.settings["row"] == "human_source"
    }
    rows = [
        {head: evaluation.settings[head] for head in heads} | row | {"selected": False}
        for evaluation in evaluations
        for row in _tabulate_rows(
            evaluation, bases[evaluation.settings["source"], evaluation.settings["target"]], ("test",), seed
        )
    ]
    return pd.DataFrame(rows, columns=[*heads, *COLUMNS])


def _tabulate_rows(evaluation: Evaluation, base: Evaluation | None, splits: Sequence[str], seed: int) -> list[dict]:
    rows = []
    for split in splits:
        for choice in CHOICES:
            row = _describe_settings(evaluation.settings) | _describe_split(evaluation, split, choice, seed)
            if base is not None and base is not evaluation:
                pair = compare_pair(evaluation, base, split, choice, seed)
                row |= {"difference": pair["difference"], "difference_lo": pair["lo"], "difference_hi": pair["hi"]}
            rows.append(row | {"base": None if base is None else base.name})
    return rows


def _is_human_only(settings: dict) -> bool:
    mined = settings.get("mined_cropland"), settings.get("mined_noncropland")
    labelled = settings["trained"] and settings.get("human", 0) > 0
    return labelled and not settings.get("weak_classes") and mined == (None, None)


def _describe_settings(settings: dict) -> dict:
    return {
        "experiment": settings["name"],
        "human_fraction": settings.get("human", 0),
        "weak_map": settings.get("weak_map"),
        "weak_classes": "+".join(settings.get("weak_classes") or ()) or None,
        "mined_cropland": settings.get("mined_cropland"),
        "mined_noncropland": settings.get("mined_noncropland"),
        "segmentation": settings.get("segmentation"),
        "model": settings["model"],
        "runs": len(settings["runs"]),
        "erode_m": settings.get("erode_m") or None,
        "random": bool(settings.get("random")),
        "trained": settings["trained"],
        "seeds": len({run["seed"] for run in settings["runs"]}),
    }


def _describe_split(evaluation: Evaluation, split: str, choice: str, seed: int) -> dict:
    pieces, seeds = evaluation.counts[split, choice], evaluation.seeds[split]
    by_seed = [pieces.where(seeds == one).counts.sum(axis=0) for one in np.unique(seeds)]
    f1 = compute_f1(np.stack(by_seed or [np.zeros(4)]))
    return describe_scores(pieces, seed, repeats=len(f1)) | {
        "split": split,
        "threshold": evaluation.threshold_at(choice),
        "threshold_choice": choice,
        "threshold_lo": evaluation.reach[0] if evaluation.reach else None,
        "threshold_hi": evaluation.reach[1] if evaluation.reach else None,
        "f1_cropland_min": _known(f1.min()),
        "f1_cropland_max": _known(f1.max()),
    }


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def compare_pair(experiment: Evaluation, base: Evaluation, split: str, choice: str, seed: int = 0) -> dict:
    """Compare two experiments by F1 of cropland on the blocks that both were scored on.

    The interval is a bootstrap in which both have the same draws of blocks (stratified by class), None where a class
    has under 10 blocks; min and max are over the seeds that both have.
    """
    pieces = [evaluation.counts[split, choice] for evaluation in (experiment, base)]
    shared = np.intersect1d(pieces[0].block, pieces[1].block)
    rows = [np.isin(part.block, shared) for part in pieces]
    pieces = [part.where(row) for part, row in zip(pieces, rows, strict=True)]
    blocks = np.stack([pool_rows(part.block, part.counts)[1] for part in pieces])
    cropland, noncropland = count_blocks(blocks[1])
    low = high = None
    if min(cropland, noncropland) >= LEAST_BLOCKS:
        draws = bootstrap_f1(blocks, seed)
        low, high = find_interval(draws[0] - draws[1])
    scores = compute_f1(blocks.sum(axis=1))
    seeds = [evaluation.seeds[split][row] for evaluation, row in zip((experiment, base), rows, strict=True)]
    lowest, highest = _compare_seeds(pieces, seeds)
    return {
        "experiment": experiment.name,
        "base": base.name,
        "split": split,
        "threshold_choice": choice,
        "difference": _known(scores[0] - scores[1]),
        "lo": low,
        "hi": high,
        "min": lowest,
        "max": highest,
        "blocks": len(shared),
        "blocks_cropland": cropland,
        "blocks_noncropland": noncropland,
    }


def _compare_seeds(pieces: list[PieceCounts], seeds: list[np.ndarray]) -> tuple[float | None, float | None]:
    """Smallest and largest difference over the seeds in common; the seed names the draw of labels, too."""
    differences = []
    for seed in np.intersect1d(seeds[0], seeds[1]):
        pair = [compute_f1(part.where(own == seed).counts.sum(axis=0)) for part, own in zip(pieces, seeds, strict=True)]
        differences.append(pair[0] - pair[1])
    differences = [float(difference) for difference in differences if np.isfinite(difference)]
    return (min(differences), max(differences)) if differences else (None, None)


def tabulate_differences(evaluations: Sequence[Evaluation], seed: int = 0) -> pd.DataFrame:
    """Make the table of differences in F1 of cropland on the test split: each experiment against each one before it."""
    rows = [
        compare_pair(experiment, base, "test", choice, seed)
        for position, experiment in enumerate(evaluations)
        for base in evaluations[:position]
        for choice in CHOICES
    ]
    return pd.DataFrame(rows, columns=list(DIFFERENCE_COLUMNS))


def find_base(table: pd.DataFrame) -> str | None:
    """Find the first experiment of the table of experiments that has human labels only; None if there is none."""
    human_only = table[
        table["trained"].astype(bool)
        & (table["human_fraction"] > 0)
        & table["weak_classes"].isna()
        & table["mined_cropland"].isna()
        & table["mined_noncropland"].isna()
    ]
    return str(human_only["experiment"].iloc[0]) if len(human_only) else None
