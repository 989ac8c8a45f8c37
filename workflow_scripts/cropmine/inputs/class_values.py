"""Values of classes in users' files: as text, and as targets."""

import math
import re
from functools import cache

import numpy as np
import pandas as pd

from cropmine.classes import CLASS_VALUES, CLASS_WORDS
from cropmine.config.regions import LabelFiles
from cropmine.errors import CropmineError

CLASS_KEYS = (*CLASS_WORDS, "ignore")  # the settings that list the values of classes
LEFT_OUT = -1  # the target of values to ignore


def class_text(value: object) -> str:
    """Give a class value as the text that it is compared by: whole numbers without a fraction, null as ""."""
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool | np.bool_):
        return str(int(value))
    text = str(value).strip()
    return text.partition(".")[0] if re.fullmatch(r"-?\d+\.0*", text) else text


@cache
def tabulate_classes(labels: LabelFiles) -> dict[str, int]:
    """Tabulate targets by class value as text; LEFT_OUT for those to ignore.

    Raises CropmineError for a value that is named for two of them.
    """
    table: dict[str, int] = {}
    for name, target in (CLASS_VALUES | {"ignore": LEFT_OUT}).items():
        for value in map(class_text, getattr(labels, name)):
            if table.setdefault(value, target) != target:
                raise CropmineError(f"labels.{name}", f"the class value {value!r} is named for another class, too")
    return table
