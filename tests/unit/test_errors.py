"""Errors: sentences, hints and lists of faults."""

import pytest

from cropmine.errors import CropmineError, suggest


@pytest.mark.parametrize(
    "hint, end",
    [("did you mean 'x'?", "'x'?"), ("did you mean 'x'?.", "'x'?"), ("write x", "write x."), ("write x.", "write x.")],
)
def test_an_error_ends_each_sentence_once(hint, end):
    text = str(CropmineError("here", "is wrong.", hint))
    assert text.startswith("here: is wrong. Hint: ")
    assert text.endswith(end)


def test_gathered_faults_nest():
    inner = CropmineError.gather("inner", [CropmineError("a", "x"), CropmineError("b", "y")])
    assert str(CropmineError.gather("one", [inner])) == "inner: 2 faults:\n  - a: x.\n  - b: y."
    outer = CropmineError.gather("outer", [inner, CropmineError("c", "z")])
    assert str(outer) == "outer: 2 faults:\n  - inner: 2 faults:\n    - a: x.\n    - b: y.\n  - c: z."


def test_suggest_is_the_tail_of_a_sentence():
    assert suggest("unt", ["unet", "fpn"]) == "; did you mean 'unet'?"
    assert suggest("zzz", ["unet", "fpn"]) == "; known: unet, fpn"
    assert suggest("zzz", []) == ""
