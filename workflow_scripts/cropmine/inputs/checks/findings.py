"""Findings of a check: faults and warnings, gathered so that all are reported at once and similar ones together."""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from cropmine.errors import CropmineError

NAMED = 3
LISTED = 40


class Findings:
    """Faults, which stop the work, and warnings, which don't; those that differ in the file alone are one."""

    def __init__(self) -> None:
        self._faults: dict[tuple, list[str]] = {}
        self._warnings: dict[tuple, list[str]] = {}

    def fault(self, where: str, what: str, hint: str | None = None, *names: str | Path) -> None:
        """Note a fault of a setting; `names` are the files or tiles that have it."""
        self._faults.setdefault((where, what, hint), []).extend(map(str, names))

    def warn(self, where: str, what: str, hint: str | None = None, *names: str | Path) -> None:
        """Note a warning about a setting; `names` are the files or tiles that it is about."""
        self._warnings.setdefault((where, what, hint), []).extend(map(str, names))

    def add(self, where: str, error: CropmineError, name: str | None = None) -> None:
        """Note an error as a fault of a setting: that of a file by the file's name."""
        if name is None:
            self.fault(where, f"{error.where}: {error.what}", error.hint)
        else:
            self.fault(where, error.what.replace(str(name), "…"), error.hint, name)

    @property
    def warnings(self) -> list[str]:
        """The warnings as text."""
        return [str(warning) for warning in _list_grouped(self._warnings)]

    @property
    def has_faults(self) -> bool:
        """Whether any fault was noted."""
        return bool(self._faults)

    def raise_faults(self, where: str) -> None:
        """Raise one CropmineError with every fault, if there is any."""
        faults = _list_grouped(self._faults)
        if len(faults) > LISTED:
            rest = CropmineError("…", f"and {len(faults) - LISTED} more faults", "fix these first")
            faults = [*faults[:LISTED], rest]
        if faults:
            raise CropmineError.gather(where, faults)

    def tabulate(self) -> pd.DataFrame:
        """Tabulate all of them, a row for each file or tile: the messages name a few of many."""
        rows = [
            (kind, where, what, hint, name)
            for kind, groups in (("fault", self._faults), ("warning", self._warnings))
            for (where, what, hint), names in groups.items()
            for name in dict.fromkeys(names) or [None]
        ]
        return pd.DataFrame(rows, columns=["kind", "setting", "what", "hint", "name"])


def _list_grouped(groups: dict[tuple, list[str]]) -> list[CropmineError]:
    return [
        CropmineError(where, f"{what}: {list_names(names)}" if names else what, hint)
        for (where, what, hint), names in groups.items()
    ]


def list_names(names: Sequence[str]) -> str:
    """The first few names and the number of the rest."""
    names = list(dict.fromkeys(names))
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def hint_path(path: str | Path) -> str | None:
    """What there is in the place of a file that doesn't exist."""
    path = Path(path)
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}; paths start at the working directory"
    names = sorted(other.name for other in path.parent.iterdir() if not other.name.startswith("."))
    near = get_close_matches(path.name, names, n=1) or [list_names(names)]
    return f"{path.parent} has {near[0]}" if names else f"{path.parent} is empty"
