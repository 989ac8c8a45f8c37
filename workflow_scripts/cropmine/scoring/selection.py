"""Selection of the experiment that makes the map, on validation alone; of near equals the simpler."""

from collections.abc import Sequence

import numpy as np

from cropmine.scoring.experiment_tables import Evaluation
from cropmine.scoring.metrics import bootstrap_f1, compute_f1, pool_rows

CHOICE_KEYS = (
    *("experiment", "recipe_runs", "model", "model_digest"),
    *("threshold", "threshold_best", "threshold_range"),
)


def count_sources(settings: dict) -> int:
    """Count the sources of labels of an experiment: human labels, each mined class and each weak class are one each."""
    mined = [key for key in ("mined_cropland", "mined_noncropland") if settings.get(key) is not None]
    return int(settings.get("human", 0) > 0) + len(mined) + len(settings.get("weak_classes") or ())


def select_experiment(evaluations: Sequence[Evaluation], seed: int = 0) -> dict:
    """Select the experiment that makes the map, by F1 of cropland on validation at each one's own threshold.

    Random controls don't compete. Among the trained experiments within one standard error (bootstrap over blocks) of
    the best, the one with the fewest sources of labels wins, then the higher F1, then the earlier (Breiman et al. 1984,
    section 3.4.3). Returns experiment, recipe_runs, model, model_digest, threshold (0.5 where validation labels don't
    separate the best one from it), threshold_best, threshold_range and the reason in words; experiment is None if none
    trains.
    """
    trained = [e for e in evaluations if e.settings["trained"] and not e.settings.get("random")]
    if not trained:
        return _describe_choice(None, "No experiment trains a model.")
    scores = [compute_f1(e.counts["validation", "validation"].counts.sum(axis=0)) for e in trained]
    if not np.isfinite(scores).any():
        reason = "There are no validation labels of cropland to select by: the first experiment, at a threshold of 0.5."
        return _describe_choice(trained[0], reason)
    best = int(np.nanargmax(scores))
    error = _estimate_error(trained[best], seed)
    near = [i for i, score in enumerate(scores) if score >= scores[best] - error]
    winner = min(near, key=lambda i: (count_sources(trained[i].settings), -scores[i], i))
    return _describe_choice(trained[winner], _explain_choice(trained, scores, best, winner, error))


def _estimate_error(evaluation: Evaluation, seed: int) -> float:
    pieces = evaluation.counts["validation", "validation"]
    _, blocks = pool_rows(pieces.block, pieces.counts)
    return float(np.nanstd(bootstrap_f1(blocks, seed)))


def _explain_choice(trained: list[Evaluation], scores: list, best: int, winner: int, error: float) -> str:
    if len(trained) == 1:
        return f"It is the only trained experiment (validation F1 of cropland {scores[0]:.3f})."
    text = f"Its validation F1 of cropland, {scores[winner]:.3f}, is the highest of {len(trained)} trained experiments"
    if winner == best:
        return text + f"; none with fewer sources of labels is within one standard error ({error:.3f})."
    return (
        f"Its validation F1 of cropland, {scores[winner]:.3f}, is within one standard error ({error:.3f}) of the "
        f"highest, {scores[best]:.3f} ({trained[best].name}), and no experiment so near has fewer sources of labels."
    )


def _describe_choice(evaluation: Evaluation | None, reason: str) -> dict:
    if evaluation is None:
        return dict.fromkeys(CHOICE_KEYS) | {"reason": reason}
    settings = evaluation.settings
    return {
        "experiment": evaluation.name,
        "recipe_runs": [[run["recipe"], run["run"]] for run in settings["runs"]],
        "model": settings["model"],
        "model_digest": settings["model_digest"],
        "threshold": evaluation.threshold_at(evaluation.choice),
        "threshold_best": evaluation.threshold,
        "threshold_range": list(evaluation.reach) if evaluation.reach else None,
        "reason": reason,
    }
