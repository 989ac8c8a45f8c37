"""Patterns of paths: no two files share one, and their wildcards are constrained."""

import re
from collections import Counter
from string import Formatter

import pytest

from cropmine.planning import paths

PATTERNS = {name: value for name, value in vars(paths).items() if name.isupper() and isinstance(value, str)}
CONFIGURED = {"region", "sweep", "transfer", "target"}  # names that the configuration gives


def test_no_two_files_have_the_same_path():
    assert [path for path, count in Counter(PATTERNS.values()).items() if count > 1] == []


def test_every_wildcard_is_constrained_or_named_in_the_configuration():
    wildcards = {field for path in PATTERNS.values() for _, field, _, _ in Formatter().parse(path) if field}
    assert wildcards == set(paths.WILDCARDS) | CONFIGURED


@pytest.mark.parametrize("wildcard", paths.WILDCARDS)
def test_no_wildcard_spans_folders(wildcard):
    for text in ("", "a/b", "seed0/fold1", "whole/x"):
        assert re.fullmatch(paths.WILDCARDS[wildcard], text) is None
