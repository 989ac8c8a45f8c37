"""Tables of sweeps."""

import io
from itertools import product

import pandas as pd

from cropmine.planning.sweeps import columns_of, spell_value
from cropmine.scoring.experiment_tables import COLUMNS, DIFFERENCE_TAIL

THRESHOLDS = {"mined.cropland": [0.7, 0.8, 0.9], "mined.noncropland": [0.1, None]}

HUMAN = {"human": [0.1, 0.5, 1], "mined": [None, {"cropland": 0.8, "noncropland": 0.2}]}
CLUSTERS = {"segmentation.clusters": [5, 10, 50]}


def make_sweep(grid, base=0, unknown=(), intervals=True) -> pd.DataFrame:
    """The table of a sweep as compare_sweep writes it and a CSV gives it back.

    base: the position of the point that is the base, or the name of a base beside the grid.
    """
    points = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    named = [(" ".join(f"{key}={spell_value(value)}" for key, value in point.items()), point) for point in points]
    rows = []
    for position, (name, point) in enumerate(([(base, {})] if isinstance(base, str) else []) + named):
        for choice in ("default", "validation"):
            score = 0.6 + 0.02 * position + 0.05 * (choice == "validation")
            is_base = name == base or position == base
            row = {"experiment": name, "split": "validation", "threshold_choice": choice, "threshold": 0.5}
            row |= {"f1_cropland": score, "precision_cropland": 0.7, "recall_cropland": 0.8, "f1_noncropland": 0.9}
            row |= {"f1_cropland_loo_lo": score - 0.01, "f1_cropland_loo_hi": score + 0.01, "segmentation": "kmeans10"}
            row |= {"f1_cropland_lo": score - 0.05, "f1_cropland_hi": score + 0.05} if intervals else {}
            if position in unknown:
                row |= dict.fromkeys(name for name in row if name.startswith("f1_cropland"))
            elif not is_base:
                row |= {"difference": 0.02 * position}
                if intervals:
                    row |= {"difference_lo": 0.02 * position - 0.03, "difference_hi": 0.02 * position + 0.03}
            rows.append(row | columns_of(point) | {"base": is_base})
    columns = dict.fromkeys([*(name for name in COLUMNS if name not in DIFFERENCE_TAIL), *grid, *DIFFERENCE_TAIL])
    buffer = io.StringIO()
    pd.DataFrame(rows, columns=list(columns)).round(6).to_csv(buffer, index=False)
    return pd.read_csv(io.StringIO(buffer.getvalue()))
