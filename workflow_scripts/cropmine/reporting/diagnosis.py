"""The diagnosis of the report: known failures that a region's figures show, in words, with what can be done."""

import math
from collections.abc import Iterator, Mapping, Sequence

from cropmine.classes import CLASS_WORDS
from cropmine.reporting.audit_section import DescribedAudit
from cropmine.reporting.wording import SPACE, join_words, spell_hectares, spell_interval, spell_percent
from cropmine.scoring.audit_summary import AuditSummary
from cropmine.scoring.metrics import LEAST_BLOCKS

OVERFIT_GAP = 0.15  # in F1 of cropland, from which on training labels are called fitted too well
WIDE_RANGE = 0.4  # of the threshold, that validation labels leave open
SPLIT_WORDS = {"train": "trains", "validation": "validates", "test": "tests"}
Finding = dict[str, str]


def diagnose_region(described: Mapping) -> list[Finding]:
    """Diagnose a region from what the report tells of it, the gravest first.

    described: comparison, splits, map_scores, audits, registrations, distances and area as
    reports.describe_region gathers them, None or empty where there is none. A finding has title, text and advice.
    """
    comparison = described["comparison"]
    found = [*_find_unsupported(described)]
    if comparison:
        pairs = Pairs(comparison)
        found += _find_hurtful_weak(comparison, pairs, described["registrations"])
        found += _find_useless_mining(comparison, pairs, described["audits"])
        found += _find_unbeaten_weak_map(comparison, pairs)
        found += _find_open_threshold(comparison["choice"], described["area"])
    found += _find_overfitting(described["map_scores"])
    found += _find_misalignment(described["registrations"])
    found += _find_optimism(described["distances"])
    return found


def explain_mining(comparison: Mapping | None) -> str | None:
    """Explain whether mined labels, added to human ones, help on test labels; None where that wasn't compared."""
    compared = _compare_mining(comparison, Pairs(comparison)) if comparison else []
    if not compared:
        return None
    best = max(compared, key=lambda one: (_is_gain(one[2]), one[2]["difference"]))
    told = f"{_spell_pair(*best)}, in F1 of cropland on test labels"
    return f"Yes: {told}." if _is_gain(best[2]) else f"That isn't shown: at best {told}."


def _compare_mining(comparison: Mapping, pairs: "Pairs") -> list[tuple[dict, dict, dict]]:
    return _compare_with_twins(comparison, pairs, lambda row: row["trained"] and _is_mined(row))


def _is_gain(pair: Mapping) -> bool:
    """Whether an interval lies above 0."""
    return pair["lo"] is not None and pair["lo"] > 0


class Pairs:
    """Differences in F1 of cropland on test labels, at the experiments' own thresholds, either way round."""

    def __init__(self, comparison: Mapping):
        self.rows = {
            (row["experiment"], row["base"]): row
            for row in comparison["differences"]
            if row["split"] == "test" and row["threshold_choice"] == "validation"
        }

    def find(self, experiment: str, base: str) -> dict | None:
        """The difference of an experiment from a base with its interval, lo and hi; None where it can't be had."""
        for pair, sign in (((experiment, base), 1), ((base, experiment), -1)):
            row = self.rows.get(pair)
            if row and row["difference"] is not None:
                ends = (row["lo"], row["hi"])[::sign]
                low, high = (None if end is None else sign * end for end in ends)
                return {"difference": sign * row["difference"], "lo": low, "hi": high}
        return None


def _list_experiments(comparison: Mapping) -> list[dict]:
    """One row an experiment: that on the test labels at its own threshold."""
    return [row for row in comparison["rows"] if row["split"] == "test" and row["threshold_choice"] == "validation"]


def _find_human_twin(experiments: Sequence[dict], row: Mapping) -> dict | None:
    """The experiment on as many human labels alone, with the same model."""
    for other in experiments:
        alone = other["trained"] and not other["weak_classes"] and not _is_mined(other)
        same = other["human_fraction"] == row["human_fraction"] and other["model"] == row["model"]
        if alone and same and row["human_fraction"]:
            return other
    return None


def _is_mined(row: Mapping) -> bool:
    return (row["mined_cropland"] is not None or row["mined_noncropland"] is not None) and not row["random"]


def _compare_with_twins(comparison: Mapping, pairs: Pairs, wanted) -> list[tuple[dict, dict, dict]]:
    """Experiments of a kind, each with its twin on human labels alone and the difference between them."""
    experiments, found = _list_experiments(comparison), []
    for row in experiments:
        twin = _find_human_twin(experiments, row) if wanted(row) else None
        pair = pairs.find(row["experiment"], twin["experiment"]) if twin else None
        found += [(row, twin, pair)] if pair else []
    return found


def _spell_pair(row: Mapping, twin: Mapping, pair: Mapping) -> str:
    interval = f" (95{SPACE}% {spell_interval(pair['lo'], pair['hi'], signed=True)})" if pair["lo"] is not None else ""
    sign = "+" if pair["difference"] >= 0 else "\N{MINUS SIGN}"
    return f"{row['experiment']} {sign}{abs(pair['difference']):.3f}{interval} against {twin['experiment']}"


def _find_useless_mining(comparison: Mapping, pairs: Pairs, audits: Sequence[DescribedAudit]) -> Iterator[Finding]:
    compared = _compare_mining(comparison, pairs)
    if not compared or any(_is_gain(pair) for _, _, pair in compared):
        return
    harmful = [row["experiment"] for row, _, pair in compared if pair["hi"] is not None and pair["hi"] < 0]
    title = "Mined labels hurt here" if len(harmful) == len(compared) else "Mined labels aren't shown to help here"
    listed = "; ".join(_spell_pair(*one) for one in compared)
    text = f"F1 of cropland on test labels, mined labels added to human ones: {listed}."
    reasons = [reason for audit in audits for reason in _explain_mining(audit.weak, audit.summary)]
    reasons = list(dict.fromkeys(reasons)) or ["The audit of mined labels shows no reason."]
    advice = (
        "Try other segments (more clusters, slic or watershed: the sweeps clusters and segmentation), or another weak "
        "map; or train on the human labels alone."
    )
    yield {"title": title, "text": f"{text} {' '.join(reasons)}", "advice": advice}


def _explain_mining(weak: str, summary: AuditSummary) -> Iterator[str]:
    """Why mining may not help, as far as an audit shows it."""
    compared = [
        (CLASS_WORDS[name], mined.eroded.difference)
        for name, audit in summary.classes.items()
        for mined in audit.mined
        if mined.eroded and mined.eroded.difference.lo is not None
    ]
    better = [words for words, difference in compared if difference.lo > 0]
    for words, difference in compared:
        if difference.hi < 0:
            yield (
                f"Segments don't follow the fields well enough for {words}: where they cover as much land, labels from "
                f"{weak} that are only eroded are purer than mined ones, by {-100 * difference.value:.0f} points "
                f"of 100{f' (for {join_words(better)} mining is better)' if better else ''}."
            )
    if summary.omits_whole_labels:
        yield (
            f"{weak} misses {spell_percent(summary.weak_map.omitted_whole.value)} of the cropland labels entirely; "
            "mined non-cropland then contains fields, which no segmentation can fix."
        )
    impure = [CLASS_WORDS[name] for name, audit in summary.classes.items() if audit.judgement.verdict == "no"]
    if impure:
        yield f"At no threshold are mined labels of {join_words(impure)} from {weak} 95{SPACE}% pure."


def _find_hurtful_weak(comparison: Mapping, pairs: Pairs, registrations: Sequence[Mapping]) -> Iterator[Finding]:
    raw = _compare_with_twins(comparison, pairs, lambda row: row["weak_classes"] and not row["erode_m"])
    hurt = [one for one in raw if one[2]["hi"] is not None and one[2]["hi"] < 0]
    if not hurt:
        return
    weak = {row["weak_map"] for row, _, _ in hurt}
    shifts = [found for found in registrations if found["weak"] in weak and _measure_shift(found)]
    reasons = [_spell_shift(found) for found in shifts] or [
        "How far the weak map is misaligned wasn't measured, or not surely."
    ]
    yield {
        "title": "Raw weak labels hurt",
        "text": f"F1 of cropland on test labels: {'; '.join(_spell_pair(*one) for one in hurt)}. {' '.join(reasons)}",
        "advice": "Mine or erode the weak map rather than train on it as it is; register: auto measures its shift.",
    }


def _find_misalignment(registrations: Sequence[Mapping]) -> Iterator[Finding]:
    for found in registrations:
        if found.get("applied"):
            yield {
                "title": f"The weak map {found['weak']} was misaligned",
                "text": _spell_shift(found),
                "advice": "It was moved before it was used; look at the map's layers to see that it now fits.",
            }


def _measure_shift(found: Mapping) -> float:
    """How far a weak map is surely off, metres; 0 where that isn't sure."""
    return math.hypot(found["east"], found["north"]) if found.get("applied") else 0.0


def _spell_shift(found: Mapping) -> str:
    ways = (("east", "to the east", "to the west"), ("north", "to the north", "to the south"))
    parts = [f"{abs(found[key]):.0f}{SPACE}m {here if found[key] > 0 else there}" for key, here, there in ways]
    return (
        f"The weak map {found['weak']} is misaligned by {_measure_shift(found):.0f}{SPACE}m: segments fit it best when "
        f"it is moved {parts[0]} and {parts[1]}."
    )


def _find_unbeaten_weak_map(comparison: Mapping, pairs: Pairs) -> Iterator[Finding]:
    chosen = comparison["choice"]["experiment"]
    for row in _list_experiments(comparison):
        pair = None if row["trained"] else pairs.find(chosen, row["experiment"])
        if pair and pair["lo"] is not None and pair["lo"] <= 0:
            worse = pair["hi"] < 0
            title = "The weak map itself is better" if worse else "The map isn't shown to be better than the weak map"
            yield {
                "title": title,
                "text": f"F1 of cropland on test labels: {_spell_pair({'experiment': chosen}, row, pair)}.",
                "advice": "More test labels would tell; if the two stay alike, the weak map serves as well.",
            }


def _find_open_threshold(choice: Mapping, area: Mapping | None) -> Iterator[Finding]:
    reach = choice.get("threshold_range")
    if not reach or reach[1] - reach[0] < WIDE_RANGE:
        return
    text = f"Draws of validation blocks give best thresholds from {reach[0]:g} to {reach[1]:g}."
    mapped = {row["threshold"]: row["cropland_ha"] for row in (area or {}).get("by_threshold") or []}
    if all(end in mapped for end in reach):
        most, least = (spell_hectares(mapped[end]) for end in reach)
        text += f" Over that range the map's cropland goes from {least} to {most} ha."
    advice = "Take no hectare figure from this map; label more validation blocks, or draw a probability sample."
    yield {"title": "The labels hardly tell where to draw the line", "text": text, "advice": advice}


def _find_overfitting(scores: Mapping | None) -> Iterator[Finding]:
    rows = {split: (scores or {}).get(split) for split in ("train", "validation", "test")}
    f1 = {split: row["f1_cropland"] for split, row in rows.items() if row and row["f1_cropland"] is not None}
    if "train" not in f1 or "validation" not in f1 or f1["train"] - f1["validation"] < OVERFIT_GAP:
        return
    test = f", {f1['test']:.3f} on test labels" if "test" in f1 else ""
    yield {
        "title": "The model has learnt its labels by heart (overfitting)",
        "text": f"The map's F1 of cropland is {f1['train']:.3f} on labels of blocks that train, "
        f"{f1['validation']:.3f} on validation labels{test}.",
        "advice": "Label more places rather than more of the same; fewer steps, a smaller encoder or more weight decay "
        "help, too.",
    }


def _find_unsupported(described: Mapping) -> Iterator[Finding]:
    splits = described["splits"]
    for row in splits["rows"] if splits else ():
        lacking = [words for name, words in CLASS_WORDS.items() if not row[f"labels_{name}"]]
        if lacking:
            place = f"fold {row['name']}" if splits["folded"] else f"{row['name']} blocks"
            purpose = "serves" if splits["folded"] else SPLIT_WORDS[row["name"]]
            yield {
                "title": f"A class without support: no {join_words(lacking)} label {purpose}",
                "text": f"The {place} hold no label of {join_words(lacking)}, so its scores there are undefined.",
                "advice": "Label that class in more blocks, or choose smaller blocks (split.block_m).",
            }
    chosen = (described["comparison"] or {}).get("chosen", {}).get("test")
    if chosen and 0 < min(chosen["blocks_cropland"], chosen["blocks_noncropland"]) < LEAST_BLOCKS:
        yield {
            "title": "Too few test blocks for an interval",
            "text": f"Cropland is tested in {chosen['blocks_cropland']} blocks, other land in "
            f"{chosen['blocks_noncropland']}; under {LEAST_BLOCKS} of a class how far chance goes can't be told.",
            "advice": "Label test polygons in more blocks, or choose smaller ones (split.block_m).",
        }


def _find_optimism(distances: Mapping | None) -> Iterator[Finding]:
    if distances and distances.get("optimistic"):
        yield {
            "title": "Test labels lie nearer to training labels than the map does",
            "text": distances["sentence"],
            "advice": "Label test polygons farther off, or choose larger blocks and a wider buffer (split).",
        }
