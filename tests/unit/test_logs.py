"""What the log of a rule holds, and what of a failure reaches the terminal."""

import subprocess
import sys

import pytest

from cropmine.version import VERSION
from workspace import ROOT

SCRIPT = """
import sys
from types import SimpleNamespace
import numpy
from cropmine.errors import CropmineError
from cropmine.logs import rule_log

job = SimpleNamespace(rule="mine_it", log=["logs/mine_it.log"], wildcards={"tile": "a"}, params={})
with rule_log(job):
    filled = numpy.ones(40_000_000, numpy.uint8)
    del filled
    BODY
"""


def run(folder, body):
    """Run a script with a body in a process of its own; gives its exit code, what it printed, and its log."""
    environment = {"PYTHONPATH": str(ROOT / "workflow_scripts"), "PATH": ""}
    command = [sys.executable, "-c", SCRIPT.replace("BODY", body)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr, (folder / "logs/mine_it.log").read_text()


def test_a_log_holds_settings_versions_time_and_memory(tmp_path):
    code, printed, log = run(tmp_path, "pass")
    assert (code, printed) == (0, "")
    opening, versions, closing = log.splitlines()
    assert "wildcards {'tile': 'a'}, settings {}" in opening
    assert f"cropmine {VERSION}, Python 3." in versions
    assert "numpy " in versions
    assert " s, at most " in closing
    assert 40 < float(closing.split("at most ")[1].split()[0]) < 1000


def test_a_log_says_nothing_of_drivers_that_are_skipped_but_says_what_else_gdal_warns_of(tmp_path):
    body = "import logging; gdal = logging.getLogger('rasterio._env'); gdal.warning('X to unload from GDAL_SKIP')"
    _, _, log = run(tmp_path, f"{body}; gdal.warning('a block is damaged')")
    assert "GDAL_SKIP" not in log and "a block is damaged" in log


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("raise CropmineError('tile a', 'is empty', 'look at it')", "mine_it: tile a: is empty. Hint: look at it."),
        ("{}['gone']", "mine_it: KeyError: 'gone'"),
    ],
)
def test_of_a_failure_the_terminal_shows_one_line_and_the_log_all(tmp_path, body, line):
    code, printed, log = run(tmp_path, body)
    assert code == 1
    assert printed.strip() == f"{line} (log: logs/mine_it.log)"
    assert "Traceback (most recent call last)" in log
    assert "MB of memory" in log
