"""Tables and JSON files, written whole, with the same bytes for the same content."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cropmine.files import replacing, write_text

if TYPE_CHECKING:
    import pandas as pd


def write_table(path: str | Path, table: "pd.DataFrame", decimals: int = 6, missing: str = "") -> None:
    """Write a table as CSV, real numbers rounded to some decimals and missing values as a text."""
    with replacing(path) as temporary:
        table.round(decimals).to_csv(temporary, index=False, na_rep=missing, lineterminator="\n")


def read_json(path: str | Path) -> Any:
    """Read a JSON file in UTF-8. Raises OSError or ValueError where there is none."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def write_json(path: str | Path, content: Any) -> None:
    """Write plain values as JSON in UTF-8, indented by one space."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
