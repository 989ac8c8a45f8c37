"""Audits of several weak maps beside each other, at equal coverage: as it lies, registered, guarded, merely eroded."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cropmine.audits import ALL, ERODED, MINED


def compare_audits(tables: Mapping[str, pd.DataFrame], marks: Mapping[str, Sequence[float]]) -> list[dict]:
    """Compare the purity of labels by weak map, mined and merely eroded, at the coverage of the first map's mined ones.

    tables: of audits over the same segments and labels, by weak map; marks: thresholds of the first map by class. Gives
    class, threshold, coverage, weak, source (mined or eroded), purity, purity_lo and purity_hi, interpolated between
    the settings whose coverage is next; None where no setting of a map keeps as much, or as little.
    """
    first = next(iter(tables.values()))
    found = []
    for name, thresholds in marks.items():
        for threshold in thresholds:
            mined = _select(first, name, MINED)
            coverage = float(mined.loc[mined["threshold"] == threshold, "coverage"].iloc[0])
            known = {"class": name, "threshold": threshold, "coverage": coverage}
            for weak, table in tables.items():
                for source in (MINED, ERODED):
                    purity = _interpolate(_select(table, name, source), coverage)
                    found.append(known | {"weak": weak, "source": source} | purity)
    return found


def _select(table: pd.DataFrame, name: str, source: str) -> pd.DataFrame:
    return table[(table["class"] == name) & (table["source"] == source) & (table["size_class"] == ALL)]


def _interpolate(curve: pd.DataFrame, coverage: float) -> dict[str, float | None]:
    curve = curve[curve["coverage"] > 0].sort_values("coverage", kind="stable")
    x = curve["coverage"].to_numpy()
    values = {key: curve[key].to_numpy(dtype=float) for key in ("purity", "purity_lo", "purity_hi")}
    if not len(x) or not x[0] <= coverage <= x[-1]:
        return dict.fromkeys(values)
    at = {key: float(np.interp(coverage, x, column)) for key, column in values.items()}
    return {key: value if np.isfinite(value) else None for key, value in at.items()}
