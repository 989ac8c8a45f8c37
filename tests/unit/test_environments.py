"""One truth about packages: the lock. The conda files and the project file agree with it."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CONDA_NAMES = {"pytorch": "torch"}


def locked() -> dict[str, str]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return dict(match.groups() for line in lines if (match := re.match(r"([A-Za-z0-9_.-]+)==([^ ;]+)", line)))


@pytest.mark.parametrize("name", ["geo", "train"])
def test_a_conda_file_names_the_versions_of_the_lock(name):
    pins = yaml.safe_load((ROOT / f"envs/{name}.yaml").read_text())["dependencies"]
    versions = dict(pin.split("=") for pin in pins)
    assert versions.pop("python") == "3.11"
    assert {CONDA_NAMES.get(key, key): value for key, value in versions.items()}.items() <= locked().items()


def test_the_lock_holds_every_direct_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    assert {re.match(r"[A-Za-z0-9_.-]+", line)[0] for line in wanted} <= set(locked())
