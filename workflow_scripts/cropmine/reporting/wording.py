"""Words and numbers of the report."""

import re
from collections.abc import Mapping, Sequence

from cropmine.classes import CLASS_WORDS
from cropmine.scoring.audit_summary import Estimate

NONE = "\N{EN DASH}"
SPACE = "\N{NO-BREAK SPACE}"


def spell_figure(value: float | None, digits: int = 3) -> str:
    """Spell a figure such as an F1; a dash where there is none."""
    return NONE if value is None else f"{value:.{digits}f}"


def spell_share(part: float, whole: float) -> str:
    """Spell a share in percent."""
    return f"{100 * part / whole:.0f}{SPACE}%" if whole else NONE


def spell_percent(share: float) -> str:
    """Spell a share as percent; to a tenth near none and near all, so that 99.6 % isn't called 100 %."""
    percent = 100 * share
    return f"{percent:.1f}{SPACE}%" if 0 < percent < 0.95 or 99.05 <= percent < 100 else f"{percent:.0f}{SPACE}%"


def spell_estimate(estimate: Estimate) -> str:
    """Spell a known share with its interval, if it has one: 86 % (80–91 %)."""
    text = spell_percent(estimate.value)
    if estimate.lo is None:
        return text
    return f"{text} ({spell_percent(estimate.lo).removesuffix(SPACE + '%')}{NONE}{spell_percent(estimate.hi)})"


def spell_points(difference: float) -> str:
    """Spell a difference of two shares in percentage points, with its sign."""
    return f"{100 * difference:+.1f}".replace("-", "\N{MINUS SIGN}")


def spell_ranges(thresholds: Sequence[float]) -> str:
    """Spell ascending thresholds, in steps of 0.01, as ranges: 0.1 to 0.3, 0.5."""
    ranges: list[list[float]] = []
    for value in thresholds:
        if ranges and value - ranges[-1][1] < 0.0101:
            ranges[-1][1] = value
        else:
            ranges.append([value, value])
    return ", ".join(f"{low:g}" if low == high else f"{low:g} to {high:g}" for low, high in ranges)


def spell_hectares(hectares: float) -> str:
    """Spell hectares to whole ones, with commas; below ten to a tenth."""
    return f"{hectares:,.0f}" if hectares >= 10 else f"{hectares:.1f}"


def spell_interval(low: float | None, high: float | None, signed: bool = False) -> str:
    """Spell an interval; empty where there is none."""
    if low is None or high is None:
        return ""
    return f"{_sign(low)} to {_sign(high)}" if signed else f"{low:.3f} to {high:.3f}"


def spell_difference(value: float | None) -> str:
    """Spell a difference with its sign; a dash where there is none."""
    return NONE if value is None else _sign(value)


def _sign(value: float) -> str:
    return f"{value:+.3f}".replace("-", "\N{MINUS SIGN}")


def spell_labels(row: dict) -> str:
    """Spell which labels an experiment trains on, from its row of the table of experiments."""
    if not row["trained"]:
        return f"none: the weak map {row['weak_map']} itself"
    parts = []
    if row["human_fraction"]:
        whole = row["human_fraction"] == 1
        parts.append("all human" if whole else f"{100 * row['human_fraction']:g}{SPACE}% human")
    for name, sign in (("cropland", ">"), ("noncropland", "<")):
        threshold = row[f"mined_{name}"]
        if threshold is not None:
            kind = "random pixels as" if row["random"] else "mined"
            parts.append(f"{kind} {CLASS_WORDS[name]} ({sign}{SPACE}{threshold:g})")
    if row["weak_classes"]:
        classes = " and ".join(CLASS_WORDS[name] for name in row["weak_classes"].split("+"))
        parts.append(
            f"weak {classes} eroded by {row['erode_m']:g}{SPACE}m" if row["erode_m"] else f"raw weak {classes}"
        )
    return " + ".join(parts)


def explain_difference(row: dict | None) -> str | None:
    """Explain a difference between the selected experiment and the base, and whether it may be chance."""
    if row is None or row["difference"] is None:
        return None
    way = "higher" if row["difference"] >= 0 else "lower"
    text = f"On the test labels its F1 of cropland is {way} than that of {row['base']} by {abs(row['difference']):.3f}"
    if row["lo"] is None:
        return f"{text}; there are too few test blocks to tell how far chance goes."
    interval = f" (95 % interval of the difference {spell_interval(row['lo'], row['hi'], signed=True)})"
    if row["lo"] <= 0 <= row["hi"]:
        return f"{text}{interval}, a difference that these labels can't tell from none."
    return f"{text}{interval}, more than chance in which blocks are tested explains."


def spell_metres(metres: float) -> str:
    """Spell a distance for a sentence, to two significant digits: metres, or kilometres from one on."""
    rounded = float(f"{metres:.2g}")
    return f"{rounded / 1000:g}{SPACE}km" if rounded >= 1000 else f"{rounded:g}{SPACE}m"


def explain_distances(measured: dict) -> str:
    """Explain whether test labels lie so much nearer to training labels than the map does that scores are too high.

    measured: what distances.measure_distances gives, but for the sentence.
    """
    if measured["ratio"] is None:
        return "There are no test labels, or no valid pixels, whose distance from training labels could be measured."
    test, mapped = (spell_metres(measured[kind]["quantiles"]["50"]) for kind in ("test", "map"))
    medians = f"Half of the test labels lie within {test} of a training label, half of the map's pixels within {mapped}"
    rule = f"(the criterion: a median under {measured['criterion']:g} times that of the map)"
    if measured["optimistic"]:
        return f"{medians}. The test labels lie much nearer, so the scores are too optimistic for the map {rule}."
    return f"{medians}. Nearness to training labels gives no reason to think the scores too optimistic {rule}."


def explain_sweep(rows: Sequence[Mapping]) -> str:
    """Explain a sweep from its rows at own thresholds: the best point, and whether any differs from the base."""
    scored = [row for row in rows if row["f1_cropland"] is not None]
    if not scored:
        return "No point of this sweep could be scored: the validation labels hold no cropland."
    best = max(scored, key=lambda row: row["f1_cropland"])
    base = next((row for row in rows if row["base"]), None)
    name = "the base" if best is base else spell_point(best["experiment"])
    text = f"Best of {len(scored)} is {name}, F1 of cropland {best['f1_cropland']:.3f}{_spell_ends(best)}."
    others = [row for row in scored if row is not base]
    paired = [row for row in others if row["difference_lo"] is not None]
    if base is None or not others:
        return text
    if not paired:
        return f"{text} There are too few validation blocks to tell whether any differs from the base."
    above = sum(row["difference_lo"] > 0 for row in paired)
    below = sum(row["difference_hi"] < 0 for row in paired)
    if not above + below:
        return f"{text} None differs measurably from the base."
    return (
        f"{text} Of {len(paired)} compared with the base, {above or 'none'} scored measurably higher and "
        f"{below or 'none'} lower; of twenty without any effect one would, by chance."
    )


def spell_point(name: str) -> str:
    """Spell the name of a sweep's point, such as human=1 mined={"noncropland":0.2}, for people."""
    pairs = [pair.partition("=") for pair in re.sub(r"[{}\[\]\"]", "", name).split(" ")]
    return ", ".join(f"{key} {re.sub('[:,]', ' ', value) or 'none'}" if sign else key for key, sign, value in pairs)


def _spell_ends(row: Mapping) -> str:
    interval = spell_interval(row["f1_cropland_lo"], row["f1_cropland_hi"])
    return f" (95{SPACE}% interval {interval})" if interval else ""


def explain_brier(measured: Mapping) -> str:
    """Explain a Brier score beside that of saying the labels' own share of cropland everywhere."""
    interval = spell_interval(measured["brier_lo"], measured["brier_hi"])
    told = f" (95{SPACE}% interval {interval})" if interval else ""
    better = "lower, so better" if measured["brier"] < measured["brier_constant"] else "no lower, so no better"
    return (
        f"On labelled test polygons the Brier score is {measured['brier']:.3f}{told}: {better} than the "
        f"{measured['brier_constant']:.3f} of saying everywhere the share of cropland among these labels."
    )


def spell_transfer(row: Mapping) -> str:
    """Spell which labels a row of a transfer trains on."""
    return {
        "human_source": f"human labels of {row['source']}",
        "human_source_mined_target": f"human labels of {row['source']} + mined labels of {row['target']}",
        "mined_target": f"mined labels of {row['target']} alone",
        "human_target": f"human labels of {row['target']}",
    }[row["row"]]


def explain_transfer(rows: Sequence[Mapping]) -> str | None:
    """Explain a transfer from its rows at own thresholds: in each target F1 by what was trained on, the best first."""
    scored = sorted((row for row in rows if row["f1_cropland"] is not None), key=lambda row: -row["f1_cropland"])
    sentences = []
    for target in sorted({row["target"] for row in scored}):
        here = [row for row in scored if row["target"] == target]
        parts = dict.fromkeys(f"{spell_transfer(row)} {row['f1_cropland']:.3f}{_spell_ends(row)}" for row in here)
        sentences.append(f"F1 of cropland on the test labels of {target}, by what was trained on: {'; '.join(parts)}.")
    return " ".join(sentences) or None


def join_words(words: Sequence[str]) -> str:
    """Join words for a sentence: a, b and c."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else ""


def explain_map(area: Mapping | None, row: Mapping | None) -> list[str]:
    """Explain a map to who knows nothing of statistics: how much cropland it shows, and how often it is right.

    area: the totals of area.json; row: of the selected experiment on test labels, from the table of experiments.
    """
    sentences = []
    if area:
        whole, part = area["valid_ha"], area["cropland_ha"]
        share = f": {100 * part / whole:.0f} of every 100" if whole else ""
        sentences.append(
            f"Of {spell_hectares(whole)} hectares in the imagery, the map calls {spell_hectares(part)} hectares "
            f"cropland{share}."
        )
    if row and row["recall_cropland"] is not None and row["precision_cropland"] is not None:
        found, right = round(100 * row["recall_cropland"]), round(100 * row["precision_cropland"])
        sentences.append(
            f"On land that people labelled and that was kept back as a test, it finds {found} of every 100 parts of "
            f"cropland; of every 100 parts that it calls cropland, {right} are."
        )
    return sentences
