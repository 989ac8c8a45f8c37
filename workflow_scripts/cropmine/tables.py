"""Tables and JSON files, written whole."""

from pathlib import Path

import pandas as pd

from cropmine.files import replacing


def write_table(path: str | Path, table: pd.DataFrame) -> None:
    """Write a table as CSV, numbers to six decimals, the same bytes for the same table."""
    with replacing(path) as temporary:
        table.round(6).to_csv(temporary, index=False, lineterminator="\n")
