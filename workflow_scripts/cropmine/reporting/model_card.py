"""The model card: what the map is made of, how good it is, what it is for and what not."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from cropmine.files import write_text
from cropmine.inputs.checks.verdicts import read_verdict
from cropmine.planning.map_stamps import MapContents, MapStamp
from cropmine.reporting.comparison import list_rows
from cropmine.reporting.sections import describe_accuracy, describe_splits, describe_threshold
from cropmine.reporting.wording import SPACE, make_environment
from cropmine.tables import read_json

TEMPLATE = "model_card.md.j2"


@dataclass(frozen=True)
class CardFiles:
    """The files of a region that its model card reads; accuracy: of a probability sample, if there is one."""

    experiments: str
    selected: str
    map_scores: str
    area: str
    splits: str
    checks: str
    accuracy: str | None = None
    weights: list[str] = field(default_factory=list)


def write_card(
    path: str | Path, files: CardFiles, stamp: MapStamp, contents: MapContents, tags: Mapping[str, str]
) -> None:
    """Write the model card of a region's map as Markdown.

    stamp, tags: what the map is called; contents: what it was made of.
    """
    choice, scores, area = (read_json(path) for path in (files.selected, files.map_scores, files.area))
    rows = {row.split: row for row in list_rows(pd.read_csv(files.experiments)) if row.selected}
    scored = [(f"the experiment, {split} labels", row) for split, row in rows.items()]
    scored += [(f"the delivered map, {split} labels", scores[split]) for split in rows if scores[split]]
    template = make_environment(html=False).get_template(TEMPLATE)
    text = template.render(
        stamp=stamp,
        tags=tags,
        inputs=json.loads(tags["inputs"]),
        contents=contents,
        experiment=next(iter(rows.values())),
        scored=scored,
        note=scores["note"],
        calibration=scores["calibration"],
        accuracy=describe_accuracy(files.accuracy),
        threshold=describe_threshold(choice, area),
        reason=choice["reason"],
        area=area,
        splits=describe_splits(files.splits),
        warnings=read_verdict(files.checks).warnings,
        weights=files.weights,
    )
    write_text(path, text.replace(SPACE, " "))
