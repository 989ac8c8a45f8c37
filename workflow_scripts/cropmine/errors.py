"""The one kind of error that users see: what is wrong, where, and what to do."""


class CropmineError(Exception):
    """An input or a setting that cropmine can't work with.

    Its text has the form ``where: what. Hint: hint``.
    """

    def __init__(self, where: str, what: str, hint: str | None = None):
        self.where, self.what, self.hint = str(where), what, hint
        super().__init__(f"{where}: {what}." + (f" Hint: {hint}." if hint else ""))

    def __reduce__(self):
        return type(self), (self.where, self.what, self.hint)
