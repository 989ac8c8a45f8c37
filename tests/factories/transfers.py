"""The table of a transfer between three regions."""

import io

import pandas as pd

from cropmine.scoring.experiment_tables import evaluate_experiment, tabulate_transfer
from factories.scores import make_scores, make_settings

QUALITY = {"human_source": 5, "human_source_mined_target": 25, "mined_target": 15, "human_target": 50}


def make_transfer():
    evaluations = []
    for source, target in (("hills", "plains"), ("coast", "plains"), ("plains", "hills")):
        for row, quality in QUALITY.items():
            settings = make_settings(
                f"{row} {source} {target}", row=row, source=source, target=target, normalise="target"
            )
            splits = ("test",) if row == "mined_target" else ("validation", "test")
            evaluations.append(evaluate_experiment(settings, [make_scores(quality, splits=splits)]))
    buffer = io.StringIO()
    tabulate_transfer(evaluations).to_csv(buffer, index=False)
    return pd.read_csv(io.StringIO(buffer.getvalue()))
