"""The one kind of error that users see: what is wrong, where, and what to do."""

from collections.abc import Sequence


class CropmineError(Exception):
    """An input or a setting that cropmine can't work with.

    Its text has the form ``where: what. Hint: hint.``; one of several faults lists them, one a line.
    """

    def __init__(self, where: str, what: str, hint: str | None = None, faults: Sequence["CropmineError"] = ()):
        self.where, self.what, self.hint, self.faults = str(where), str(what), hint or None, tuple(faults)
        text = f"{self.where}: {_end_sentence(self.what, ':' if self.faults else '.')}"
        if self.hint:
            text += f" Hint: {_end_sentence(self.hint, '.')}"
        super().__init__("\n  - ".join([text, *(str(fault).replace("\n", "\n  ") for fault in self.faults)]))

    def __reduce__(self):
        return type(self), (self.where, self.what, self.hint, self.faults)

    @classmethod
    def gather(cls, where: str, faults: Sequence["CropmineError"]) -> "CropmineError":
        """One error of one fault or more: a single one as it is, several as a list under `where`."""
        return faults[0] if len(faults) == 1 else cls(where, f"{len(faults)} faults", faults=faults)


def _end_sentence(text: str, mark: str) -> str:
    """A sentence with one mark at its end; a question or an ellipsis keeps its own."""
    bare = text.rstrip(".,;: \n")
    return text.strip() if text.endswith("...") else bare if bare.endswith(("?", "!", "…")) else bare + mark
