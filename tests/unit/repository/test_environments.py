"""One truth about packages: the lock. The conda files and the project file agree with it."""

import ast
import re
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
import yaml

from cropmine.config.models import LOSSES, MODELS
from cropmine.config.segmentations import SEGMENTATIONS
from cropmine.planning.digests import DISTRIBUTIONS, LIBRARY
from workspace import ROOT

CONDA_NAMES = {"pytorch": "torch"}
PART_OF = {"pydantic-core": "pydantic"}  # which pins it
RULE = re.compile(r"conda:\s+\"\.\./envs/(\w+)\.yaml\".*?script:\s+\"\.\./workflow_scripts/(\w+)\.py\"", re.DOTALL)


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


def list_methods(environment: str) -> list[str]:
    """The modules of the methods that segment tiles in an environment."""
    reads_network = environment == "train"
    return [kind.module for kind in SEGMENTATIONS.kinds.values() if ("network_of" in vars(kind)) == reads_network]


# What scripts import by a name from a registry, by environment.
BY_NAME = {
    "segment_tile": list_methods,
    "fit_codebook": list_methods,
    **dict.fromkeys(("train_model", "train_transfer"), lambda _: [kind.module for kind in LOSSES.kinds.values()]),
    **dict.fromkeys(
        ("train_classifier", "score_model", "score_transfer", "map_tile", "check_model", "check_simulation"),
        lambda _: [kind.module for kind in MODELS.kinds.values()],
    ),
}


@cache
def read_imports(path: Path) -> tuple[frozenset[Path], frozenset[str]]:
    """The modules of the library and the distributions that a file imports."""
    modules, packages = set(), set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for top, *rest in (name.split(".") for name in names):
            if top == "cropmine":
                modules.add(find_module(rest))
            elif top not in sys.stdlib_module_names:
                name = DISTRIBUTIONS.get(top, top).replace("_", "-")
                packages.add(PART_OF.get(name, name))
    return frozenset(modules), frozenset(packages)


def find_module(parts: list[str]) -> Path:
    """The file of a module of the library, or of one that defines the last part."""
    places = [LIBRARY.joinpath(*parts[:end]).with_suffix(".py") for end in (len(parts), len(parts) - 1)]
    return next(place for place in places if place.is_file())


def list_packages(path: Path, by_name: list[str]) -> set[str]:
    """The distributions that a script imports, directly or by way of the library."""
    seen, found, todo = set(), set(), {path, *(find_module(name.split(".")[1:]) for name in by_name)}
    while todo:
        seen |= (now := todo)
        imported = [read_imports(one) for one in now]
        found |= {package for _, packages in imported for package in packages}
        todo = {module for modules, _ in imported for module in modules} - seen
    return found


@pytest.mark.parametrize("rules", sorted((ROOT / "rules").glob("*.smk")), ids=lambda path: path.stem)
def test_a_conda_file_has_every_package_that_its_rules_import(rules):
    for environment, script in RULE.findall(rules.read_text()):
        pins = yaml.safe_load((ROOT / f"envs/{environment}.yaml").read_text())["dependencies"]
        names = {CONDA_NAMES.get(name := pin.split("=")[0], name) for pin in pins}
        by_name = BY_NAME.get(script, lambda _: [])(environment)
        lacking = list_packages(ROOT / f"workflow_scripts/{script}.py", by_name) - names
        assert not lacking, f"{script} in envs/{environment}.yaml"
