"""Files of a user in a folder of their own."""

import logging
import shutil

import pytest


@pytest.fixture(autouse=True)
def _loudness():
    """The command is quiet about splits that it only tries; the tests after it aren't to be."""
    log = logging.getLogger("cropmine")
    level = log.level
    yield
    log.setLevel(level)


@pytest.fixture
def here(valley, tmp_path):
    """A copy of the small region's files."""
    shutil.copytree(valley, tmp_path / "valley", ignore=shutil.ignore_patterns("truth.tif"))
    return tmp_path / "valley"
