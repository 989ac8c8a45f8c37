"""Accuracy and area from a stratified random sample of pixels: the estimates that drawn polygons can't give."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

Z95 = 1.959963984540054
LEAST_A_STRATUM = 2


def estimate_accuracy(
    strata: np.ndarray, reference: np.ndarray, mapped: np.ndarray, sizes: Mapping, total_ha: float | None = None
) -> pd.DataFrame:
    """Estimate accuracy and area of each class with 95 % intervals.

    strata, reference and mapped (n,) are the stratum of each sampled pixel, its class in truth and its class on the
    map; sizes gives the number of pixels, or the area, of every stratum. The estimators are Stehman's (2014, equations
    2 and 24 to 28: ratios of stratified means), which are those of Olofsson et al. (2014, equations 1 to 10) where the
    strata are the map's classes. Rows: class ("overall" for the overall accuracy), measure (user, producer, area,
    overall), estimate, standard_error, lo and hi; with total_ha, the hectares of all strata together, area_ha as well.
    What can't be estimated, since a stratum has under two samples or a class doesn't occur, is NaN. Raises ValueError
    for a sample of a stratum without a size.
    """
    strata, reference, mapped = (np.asarray(values) for values in (strata, reference, mapped))
    names = list(sizes)
    if unknown := sorted(set(strata.tolist()) - set(names)):
        raise ValueError(f"samples lie in strata without a size: {unknown}")
    weights = np.array([sizes[name] for name in names], float)
    members = [np.flatnonzero(strata == name) for name in names]
    rows = []
    for cls in sorted({*reference.tolist(), *mapped.tolist()}):
        true, found = (reference == cls).astype(float), (mapped == cls).astype(float)
        both, one = true * found, np.ones(len(true))
        area = _estimate_ratio(true, one, members, weights)
        rows.append((cls, "user", *_estimate_ratio(both, found, members, weights)))
        rows.append((cls, "producer", *_estimate_ratio(both, true, members, weights)))
        rows.append((cls, "area", *area))
        rows += [(cls, "area_ha", *(figure * total_ha for figure in area))] if total_ha is not None else []
    right = (reference == mapped).astype(float)
    rows.append(("overall", "overall", *_estimate_ratio(right, np.ones(len(right)), members, weights)))
    table = pd.DataFrame(rows, columns=["class", "measure", "estimate", "standard_error"])
    reach = Z95 * table["standard_error"]
    return table.assign(lo=table["estimate"] - reach, hi=table["estimate"] + reach)


def _estimate_ratio(y: np.ndarray, x: np.ndarray, members: list[np.ndarray], sizes: np.ndarray) -> tuple[float, float]:
    """The ratio of the population means of y and x, and its standard error, by Stehman (2014), equations 27 and 28."""
    if min(len(own) for own in members) < LEAST_A_STRATUM:
        return np.nan, np.nan
    total = sum(size * x[own].mean() for size, own in zip(sizes, members, strict=True))
    if not total:
        return np.nan, np.nan
    ratio = sum(size * y[own].mean() for size, own in zip(sizes, members, strict=True)) / total
    variance = sum(
        size**2 * (y[own] - ratio * x[own]).var(ddof=1) / len(own) for size, own in zip(sizes, members, strict=True)
    )
    return float(ratio), float(np.sqrt(variance) / total)


def allocate_sample(weights: Mapping, expected: Mapping, target_error: float, least: int) -> dict:
    """Choose the number of samples of each stratum after Olofsson et al. (2014), section 5.1.

    weights: share of each stratum in the area; expected: user's accuracy that is conjectured of it; target_error: the
    wished standard error of the overall accuracy. The total is (Σ W·S)² / S(O)², equation 13; strata get `least`
    each and the rest in proportion to their share.
    """
    spread = {name: np.sqrt(expected[name] * (1 - expected[name])) for name in weights}
    total = int(np.ceil(round((sum(weights[name] * spread[name] for name in weights) / target_error) ** 2, 6)))
    rest = max(total - least * len(weights), 0)
    return {name: least + round(rest * weight) for name, weight in weights.items()}
