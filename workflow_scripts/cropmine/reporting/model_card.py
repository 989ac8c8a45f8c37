"""The model card: what the map is made of, how good it is, what it is for and what not."""

import json
from collections.abc import Mapping
from pathlib import Path

import jinja2
import pandas as pd

from cropmine.files import write_text
from cropmine.planning.map_stamps import MapContents, MapStamp
from cropmine.reporting.sections import describe_accuracy, list_rows
from cropmine.reporting.wording import SPACE, spell_figure, spell_hectares, spell_interval, spell_labels, spell_share
from cropmine.scoring.thresholds import explain_threshold
from cropmine.tables import read_json

TEMPLATES = Path(__file__).parent / "templates"
TEMPLATE = "model_card.md.j2"
MARKUP = "\\`*_[]<>#|"


def write_card(
    path: str | Path, files: Mapping, stamp: MapStamp, contents: MapContents, tags: Mapping[str, str]
) -> None:
    """Write the model card of a region's map as Markdown.

    files: by name experiments, selected, map_scores, area, splits and checks as the report has them, accuracy (of a
    probability sample, or None), and weights, those that were exported; stamp and tags: what the map is called;
    contents: what it was made of.
    """
    choice, scores = read_json(files["selected"]), read_json(files["map_scores"])
    rows = list_rows(pd.read_csv(files["experiments"]))
    chosen = {row["split"]: row for row in rows if row["selected"]}
    named = [(f"the experiment, {split} labels", row) for split, row in chosen.items()]
    named += [(f"the delivered map, {split} labels", scores[split]) for split in chosen if scores[split]]
    text = _load_template().render(
        stamp=stamp,
        tags=tags,
        inputs=json.loads(tags["inputs"]),
        recipe=contents,
        labels=spell_labels(next(iter(chosen.values()))),
        rows=[{"what": what, "interval": _spell_reach(row)} | row for what, row in named],
        note=scores["note"],
        calibration=scores["calibration"],
        accuracy=describe_accuracy(files["accuracy"]),
        threshold=explain_threshold(choice),
        reason=choice["reason"],
        area=read_json(files["area"]),
        splits=list_rows(_count_labels(pd.read_csv(files["splits"]))),
        warnings=read_json(files["checks"])["warnings"],
        weights=list(files["weights"]),
    )
    write_text(path, text.replace(SPACE, " "))


def spell_plain(text: str) -> str:
    """Spell text from outside so that Markdown shows it as it is."""
    return "".join(f"\\{sign}" if sign in MARKUP else sign for sign in " ".join(str(text).split()))


def _load_template() -> jinja2.Template:
    loader = jinja2.FileSystemLoader(TEMPLATES)
    environment = jinja2.Environment(  # noqa: S701  # nosec B701 # Markdown: spell_plain escapes
        loader=loader,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters |= {"figure": spell_figure, "hectares": spell_hectares, "plain": spell_plain}
    environment.globals |= {"share": spell_share, "interval": spell_interval}
    return environment.get_template(TEMPLATE)


def _spell_reach(row: Mapping) -> str:
    """The interval of an F1, or where there is none the range when any one block is left out."""
    interval = spell_interval(row["f1_cropland_lo"], row["f1_cropland_hi"])
    left_out = spell_interval(row["f1_cropland_loo_lo"], row["f1_cropland_loo_hi"])
    return interval or (f"none; {left_out} with any one block left out" if left_out else "none")


def _count_labels(blocks: pd.DataFrame) -> pd.DataFrame:
    """Blocks and labels by split, or by fold."""
    key = "fold" if "fold" in blocks else "split"
    counted = blocks.groupby(key, sort=True)[["labels_cropland", "labels_noncropland"]].sum()
    counted.insert(0, "blocks", blocks.groupby(key).size())
    return counted.rename_axis("name").reset_index()
