"""How the report and the model card spell numbers and names, and the environment of their templates."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from cropmine.classes import CLASS_WORDS
from cropmine.config.base import WEAK_MAP_MODEL
from cropmine.scoring.audit_summary import Estimate
from cropmine.scoring.metrics import LEAST_BLOCKS

Row = Any  # a row of a table: its columns are attributes, and what is missing is None
TEMPLATES = Path(__file__).parent / "templates"
MARKUP = "\\`*_[]<>#|"
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
    """Spell a share with its interval, if it has one, such as 86 % (80–91 %); a dash if it is unknown."""
    if estimate.value is None:
        return NONE
    text = spell_percent(estimate.value)
    if estimate.lo is None or estimate.hi is None:
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


def spell_labels(row: Row) -> str:
    """Spell which labels an experiment trains on, from its row of the table of experiments."""
    if not row.trained:
        return f"none: the weak map {row.weak_map} itself"
    if row.model == "fusion":
        return "those of the experiments that it averages"
    if row.model == WEAK_MAP_MODEL:
        return f"none: the weak map {row.weak_map}, smoothed"
    parts = []
    if row.human_fraction:
        parts.append("all human" if row.human_fraction == 1 else f"{100 * row.human_fraction:g}{SPACE}% human")
    for name, sign, threshold in (("cropland", ">", row.mined_cropland), ("noncropland", "<", row.mined_noncropland)):
        if threshold is not None:
            kind = "random pixels as" if row.random else "mined"
            parts.append(f"{kind} {CLASS_WORDS[name]} ({sign}{SPACE}{threshold:g})")
    if row.weak_classes:
        classes = " and ".join(CLASS_WORDS[name] for name in row.weak_classes.split("+"))
        parts.append(f"weak {classes} eroded by {row.erode_m:g}{SPACE}m" if row.erode_m else f"raw weak {classes}")
    return " + ".join(parts)


def spell_metres(metres: float) -> str:
    """Spell a distance to two significant digits, in metres or, from one kilometre on, in kilometres."""
    rounded = float(f"{metres:.2g}")
    return f"{rounded / 1000:g}{SPACE}km" if rounded >= 1000 else f"{rounded:g}{SPACE}m"


def spell_point(name: str) -> str:
    """Spell the name of a sweep's point, such as human=1 mined={"noncropland":0.2}, for people."""
    pairs = [pair.partition("=") for pair in re.sub(r"[{}\[\]\"]", "", name).split(" ")]
    return ", ".join(f"{key} {re.sub('[:,]', ' ', value) or 'none'}" if sign else key for key, sign, value in pairs)


def spell_plain(text: str) -> str:
    """Spell text from outside so that Markdown shows it as it is."""
    return "".join(f"\\{sign}" if sign in MARKUP else sign for sign in " ".join(str(text).split()))


def spell_transfer(row: Row) -> str:
    """Spell which labels a row of the table of a transfer trains on."""
    return {
        "human_source": f"human labels of {row.source}",
        "human_source_mined_target": f"human labels of {row.source} + mined labels of {row.target}",
        "mined_target": f"mined labels of {row.target} alone",
        "human_target": f"human labels of {row.target}",
    }[row.row]


def make_environment(html: bool = True) -> jinja2.Environment:
    """Make the environment of the templates, with filters that spell figures and names; Markdown isn't escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=html,  # noqa: S701  # nosec B701 # in Markdown the filter `plain` escapes
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=not html,
    )
    environment.filters |= {
        "estimate": spell_estimate,
        "figure": spell_figure,
        "hectares": spell_hectares,
        "labels": spell_labels,
        "metres": spell_metres,
        "percent": spell_percent,
        "plain": spell_plain,
        "point": spell_point,
        "points": spell_points,
        "ranges": spell_ranges,
        "transfer": spell_transfer,
    }
    environment.globals |= {
        "least_blocks": LEAST_BLOCKS,
        "spell_difference": spell_difference,
        "spell_interval": spell_interval,
        "spell_share": spell_share,
    }
    return environment
