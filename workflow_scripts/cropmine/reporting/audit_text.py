"""Sentences of an audit: what its figures mean for who is about to train."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from cropmine.classes import CLASS_WORDS
from cropmine.reporting.wording import SPACE
from cropmine.scoring.audit_rates import MINED
from cropmine.scoring.metrics import LEAST_BLOCKS

OTHER = {"cropland": "noncropland", "noncropland": "cropland"}
SIGN = {"cropland": "above", "noncropland": "below"}


def write_sentences(summary: Mapping, table: pd.DataFrame) -> list[str]:
    """Write down what an audit tells, from its summary (see audit_findings.summarise_audit) and its table."""
    sentences = list(_tell_basis(summary))
    if not all(summary["labels"].values()):
        missing = " and ".join(CLASS_WORDS[name] for name, count in summary["labels"].items() if not count)
        return [*sentences, f"These labels can't tell: none of {missing} trains on a tile that was audited."]
    sentences += _tell_weak_map(summary)
    sentences += _tell_omitted(summary, table)
    for name in ("noncropland", "cropland"):
        sentences += _tell_class(summary, table, name)
    sentences += [_tell_pair(pair) for pair in summary["at_equal_coverage"]]
    sentences.append(_tell_worth(summary["classes"]))
    sentences += _tell_shared(summary.get("training_labels"))
    return sentences


def _tell_basis(summary: Mapping) -> Iterator[str]:
    labels, blocks = summary["labels"], summary["blocks"]
    used = "labels, all that aren't declared as test (k-fold)," if summary["kfold"] else "training labels"
    yield (
        f"Audited against {labels['cropland']} cropland and {labels['noncropland']} non-cropland {used} in "
        f"{blocks['cropland']} and {blocks['noncropland']} blocks on {summary['tiles_with_labels']} of "
        f"{summary['tiles']} training tiles; every label counts once."
    )
    if summary["prevalence"] is not None:
        source = "the weak map's own share, an assumption" if summary["prevalence_assumed"] else "the stated prevalence"
        corrected = summary["prevalence_corrected"]
        more = f"; corrected by its errors on these labels it would be {_percent(corrected)}" if corrected else ""
        yield f"Purity is at {_percent(summary['prevalence'])} cropland, {source}{more}."


def _tell_weak_map(summary: Mapping) -> Iterator[str]:
    weak_map = summary["weak_map"]
    if weak_map["omission_by_label"]["value"] is None or weak_map["false_positive_rate"]["value"] is None:
        yield "The weak map has no data on these labels."
        return
    text = (
        f"The weak map omits {_with_interval(weak_map['omission_by_label'])} of human cropland and takes "
        f"{_with_interval(weak_map['false_positive_rate'])} of human non-cropland for cropland"
    )
    if weak_map["commission"]["value"] is not None:
        text += f"; {_with_interval(weak_map['commission'])} of its cropland is none"
    yield text + "."


def _tell_omitted(summary: Mapping, table: pd.DataFrame) -> Iterator[str]:
    if not summary["omits_whole_labels"]:
        return
    whole = _with_interval(summary["weak_map"]["omitted_whole"])
    text = f"Warning: the weak map omits {whole} of the cropland labels entirely, not only along their edges. "
    rows = [_find_row(table, "noncropland", threshold) for threshold in summary["marks"]["noncropland"]]
    hit = " and ".join(f"{_percent(row['contamination_by_label'])} (below {row['threshold']:g})" for row in rows)
    yield (
        f"{text}Segments can't fix that: mined non-cropland holds {hit} of human cropland, and training on it "
        "costs recall of cropland."
    )


def _tell_class(summary: Mapping, table: pd.DataFrame, name: str) -> Iterator[str]:
    judged, words = summary["classes"][name], CLASS_WORDS[name]
    for threshold in summary["marks"][name]:
        row = _find_row(table, name, threshold)
        if row["coverage"] > 0 and pd.notna(row["purity"]):
            yield (
                f"Mined {words} ({SIGN[name]} {threshold:g}) is {_row_interval(row, 'purity')} pure, hits "
                f"{_row_interval(row, 'contamination_by_label')} of human {CLASS_WORDS[OTHER[name]]} and covers "
                f"{_percent(row['coverage'])} of the land."
            )
        else:
            yield f"Nothing is mined as {words} {SIGN[name]} {threshold:g} where these labels could tell."
    if judged["pure"]:
        yield (
            f"Mined {words} has a lower bound of purity of at least 95{SPACE}% {SIGN[name]} "
            f"{_list_ranges(judged['pure'])}; a random pixel is {words} at {_percent(_base_rate(summary, name))}."
        )
    if judged["verdict"] == "unsure":
        yield _tell_needed(summary, judged, table, name)
    elif judged["verdict"] == "no":
        row = _find_row(table, name, judged["threshold"])
        yield (
            f"No threshold makes mined {words} 95{SPACE}% pure: the best, {SIGN[name]} {judged['threshold']:g}, gives "
            f"{_row_interval(row, 'purity')}."
        )


def _tell_needed(summary: Mapping, judged: Mapping, table: pd.DataFrame, name: str) -> str:
    blocks, words = summary["blocks"], CLASS_WORDS[name]
    lacking = {own: LEAST_BLOCKS - count for own, count in blocks.items() if count < LEAST_BLOCKS}
    if lacking:
        parts = " and ".join(f"{count} more of {CLASS_WORDS[own]}" for own, count in lacking.items())
        return (
            f"These labels can't tell whether mined {words} is pure: an interval needs {LEAST_BLOCKS} blocks of each "
            f"class, so at least {parts}."
        )
    text = f"These labels can't tell whether mined {words} is 95{SPACE}% pure"
    if judged["threshold"] is None:
        return f"{text}: no human label is hit."
    row = _find_row(table, name, judged["threshold"])
    text += f" ({SIGN[name]} {judged['threshold']:g} it is {_row_interval(row, 'purity')})"
    other = CLASS_WORDS[OTHER[name]]
    if judged["more_blocks"] is None:
        return f"{text}: over ten times as many {other} labels, in as many more blocks, would be needed."
    return (
        f"{text}: about {judged['more_labels']} more {other} labels in {judged['more_blocks']} more blocks are needed."
    )


def _tell_pair(pair: Mapping) -> str:
    words = CLASS_WORDS[pair["class"]]
    mined = f"mined {words} ({SIGN[pair['class']]} {pair['threshold']:g})"
    if pair["difference"] is None:
        return f"No distance of erosion gives the coverage of {mined}, so the two can't be compared."
    text = (
        f"At equal coverage ({_percent(pair['coverage'])} of the land) {mined} is {_percent(pair['purity_mined'])} "
        f"pure and weak {words} eroded by {pair['erode_m']:.0f}{SPACE}m {_percent(pair['purity_eroded'])}: "
    )
    if pair["lo"] is None:
        return text + "there are too few blocks to tell how far chance goes."
    interval = f"{_points(pair['difference'])} points (95{SPACE}%: {_points(pair['lo'])} to {_points(pair['hi'])})"
    if pair["lo"] > 0:
        return f"{text}mining is better by {interval}."
    if pair["hi"] < 0:
        return f"{text}erosion is better, {interval}."
    return f"{text}{interval}, a difference that these labels can't tell from none."


def _tell_worth(classes: Mapping) -> str:
    worth = [name for name in ("noncropland", "cropland") if classes[name]["verdict"] == "yes"]
    unsure = [name for name in ("noncropland", "cropland") if classes[name]["verdict"] == "unsure"]
    common = [name for name in ("noncropland", "cropland") if classes[name]["verdict"] == "common"]
    parts = []
    if len(worth) == 2:
        parts.append("mined labels of both classes are worth a training")
    elif worth:
        parts.append(f"of the mined labels those of {CLASS_WORDS[worth[0]]} alone are worth a training")
    else:
        parts.append("mined labels of neither class are shown to be worth a training")
    if unsure:
        parts.append(f"these labels can't tell for {_join(unsure)}")
    parts += [
        f"mined {CLASS_WORDS[name]} is pure only because {CLASS_WORDS[name]} is common, and hits over a tenth of "
        f"{CLASS_WORDS[OTHER[name]]}"
        for name in common
    ]
    text = "; ".join(parts)
    return f"In sum, {text}."


def _tell_shared(shared: Mapping | None) -> Iterator[str]:
    if shared and shared["shared"]:
        yield (
            f"Warning: {shared['shared']} of {shared['labels']} human labels are among the public labels that the weak "
            "map was trained on; on these it looks better than it is, and so do mined labels."
        )


def _find_row(table: pd.DataFrame, name: str, threshold: float) -> pd.Series:
    same = (table["class"] == name) & (table["source"] == MINED)
    return table[same & (table["threshold"] == threshold)].iloc[0]


def _base_rate(summary: Mapping, name: str) -> float:
    return summary["prevalence"] if name == "cropland" else 1 - summary["prevalence"]


def _list_ranges(thresholds: Sequence[float]) -> str:
    """Thresholds of steps of 0.01 as ranges."""
    ranges: list[list[float]] = []
    for value in thresholds:
        if ranges and value - ranges[-1][1] < 0.0101:
            ranges[-1][1] = value
        else:
            ranges.append([value, value])
    return ", ".join(f"{low:g}" if low == high else f"{low:g} to {high:g}" for low, high in ranges)


def _join(names: Sequence[str]) -> str:
    return " and ".join(CLASS_WORDS[name] for name in names)


def _percent(share: float) -> str:
    """A share in percent; a digit more near nothing and all."""
    percent = 100 * share
    return f"{percent:.1f}{SPACE}%" if 0 < percent < 0.95 or 99.05 <= percent < 100 else f"{percent:.0f}{SPACE}%"


def _points(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "\N{MINUS SIGN}")


def _with_interval(figure: Mapping) -> str:
    text = _percent(figure["value"])
    return text if figure["lo"] is None else f"{text} ({_ends(figure['lo'], figure['hi'])})"


def _row_interval(row: pd.Series, name: str) -> str:
    text = _percent(row[name])
    return f"{text} ({_ends(row[name + '_lo'], row[name + '_hi'])})" if pd.notna(row[f"{name}_lo"]) else text


def _ends(low: float, high: float) -> str:
    return f"{_percent(low).removesuffix(SPACE + '%')}\N{EN DASH}{_percent(high)}"
