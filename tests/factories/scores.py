"""Scores of experiments, as files of scores hold them."""

import numpy as np

from cropmine.scoring.experiment_tables import evaluate_experiment


def make_scores(quality, blocks=12, seed=0, splits=("validation", "test"), shift=0):
    """Pieces whose codes tell cropland from other land the better the higher the quality is."""
    rng = np.random.default_rng(seed)
    pieces = []
    for split in splits:
        for block in range(blocks):
            for target in (0, 1):
                centre = 100 + shift + (quality if target else -quality)
                values, counts = np.unique(np.clip(rng.normal(centre, 40, 60), 0, 200).astype(int), return_counts=True)
                label = {"label": 2 * block + target, "block": f"{split}{block}", "target": target, "split": split}
                pieces.append(label | {"pixels": 60, "codes": values.tolist(), "counts": counts.tolist()})
    return pieces


def make_settings(name="one", runs=1, **changes):
    settings = {
        "name": name,
        "human": 0.5,
        "weak_map": None,
        "weak_classes": [],
        "mined_cropland": None,
        "mined_noncropland": None,
        "segmentation": None,
        "model": "unet",
        "erode_m": 0,
        "random": False,
        "model_digest": "unet_0123abcd",
        "trained": True,
        "runs": [
            {"run": f"seed{i}", "recipe": f"r{i}_{name}", "seed": i, "fold": None, "score_index": i}
            for i in range(runs)
        ],
    }
    return settings | changes


def evaluate(name, *scores, **changes):
    return evaluate_experiment(make_settings(name, len(scores), **changes), scores)


def piece(label, target, codes, block="b0", split="test"):
    """A piece of a scores file from the codes of its pixels."""
    values, counts = np.unique(codes, return_counts=True)
    row = {"label": label, "block": block, "target": target, "split": split, "pixels": len(codes)}
    return row | {"codes": values.tolist(), "counts": counts.tolist()}
