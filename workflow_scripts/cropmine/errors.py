"""The error that users see: what is wrong, where, and what to do."""

import difflib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

REMAKE = "delete it and it will be made again"  # the hint about a broken output of the workflow


class CropmineError(Exception):
    """An input or a setting that cropmine can't work with.

    Its text has the form ``where: what. Hint: hint.``; one of several faults lists them, one a line.
    """

    def __init__(
        self, where: str | Path, what: str, hint: str | None = None, faults: Sequence["CropmineError"] = ()
    ) -> None:
        self.where, self.what, self.hint, self.faults = str(where), str(what), hint or None, tuple(faults)
        text = f"{self.where}: {_end_sentence(self.what, ':' if self.faults else '.')}"
        if self.hint:
            text += f" Hint: {_end_sentence(self.hint, '.')}"
        super().__init__("\n  - ".join([text, *(str(fault).replace("\n", "\n  ") for fault in self.faults)]))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.where, self.what, self.hint, self.faults)

    @classmethod
    def gather(cls, where: str | Path, faults: Sequence["CropmineError"]) -> "CropmineError":
        """One error of one fault or more: a single one as it is, several as a list under `where`."""
        return faults[0] if len(faults) == 1 else cls(where, f"{len(faults)} faults", faults=faults)


def _end_sentence(text: str, mark: str) -> str:
    """A sentence with one mark at its end; a question or an ellipsis keeps its own."""
    bare = text.rstrip(".,;: \n")
    return text.strip() if text.endswith("...") else bare if bare.endswith(("?", "!", "…")) else bare + mark


def suggest(word: object, known: Collection[object]) -> str:
    """A did-you-mean for a misspelt word, as the tail of a sentence; the known words if none is near."""
    near = difflib.get_close_matches(str(word), [str(k) for k in known], n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(map(str, known))}" if known else ""


def hint_at(word: object, known: Collection[object]) -> str | None:
    """A did-you-mean for a misspelt word, as a sentence of its own; the known words if none is near."""
    return suggest(word, known).removeprefix("; ") or None
