"""Patterns of paths: no two files share one, their wildcards are constrained, and nothing else spells them."""

import ast
import re
from collections import Counter
from pathlib import PurePosixPath
from string import Formatter

import pytest

from cropmine.planning import paths
from workspace import ROOT

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


def list_texts(path):
    """The texts of a module or of rules, without docstrings."""
    if path.suffix == ".py":
        tree = ast.parse(path.read_text())
        nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)]
        docstrings = {id(node.value) for node in nodes}
        texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        return [node.value for node in texts if id(node) not in docstrings]
    return re.findall(r'"([^"\n]+)"', re.sub(r'""".*?"""', "", path.read_text(), flags=re.DOTALL))


FILES = [*(ROOT / "rules").rglob("*.smk"), ROOT / "Snakefile", *(ROOT / "workflow_scripts").rglob("*.py")]
SPELLING = ("cropmine/planning/paths.py", "cropmine/config/models.py")  # the registry of models names their files
TEXTS = {
    path.relative_to(ROOT).as_posix(): list_texts(path) for path in FILES if not path.as_posix().endswith(SPELLING)
}
OUTPUTS = [pattern for pattern in PATTERNS.values() if not pattern.startswith(paths.SIMULATED)]
NAMES = {PurePosixPath(pattern).name for pattern in OUTPUTS}


@pytest.mark.parametrize("name", sorted(name for name in NAMES if "{" not in name and "." in name))
def test_no_rule_function_or_module_spells_the_name_of_an_output(name):
    assert [place for place, texts in TEXTS.items() if any(PurePosixPath(text).name == name for text in texts)] == []


def test_only_logs_and_benchmarks_of_rules_are_spelled_elsewhere_and_each_once():
    spelled = Counter(text for texts in TEXTS.values() for text in texts if re.match(r"results/\S+$", text))
    assert {text for text in spelled if not re.search("/(logs|benchmarks)/", text)} == set()
    assert set(spelled.values()) == {1}


def test_a_pattern_is_filled_by_all_combinations_of_names():
    made = paths.fill(paths.SEGMENTS, region=["r"], segmentation=["a", "b"], tile=["t0", "t1"])
    assert made == [f"results/r/segments/{name}/{tile}.tif" for name in "ab" for tile in ("t0", "t1")]


def test_files_are_found_below_another_folder_of_results(tmp_path):
    made = [paths.locate(tmp_path / "old", paths.SWEEP, region="r", sweep=name) for name in ("b", "a")]
    for path in made:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert made[0] == tmp_path / "old/r/sweeps/b.csv"
    assert paths.find(tmp_path / "old", paths.SWEEP, region="r") == sorted(made)
    assert paths.find(tmp_path / "old", paths.SWEEP, sweep="b") == made[:1]


@pytest.mark.parametrize(
    ("pattern", "path", "names"),
    [
        (paths.SEGMENTS, "results/r/segments/k10/a.b.tif", {"region": "r", "segmentation": "k10", "tile": "a.b"}),
        (paths.SEGMENTS, "results/r/segments/k10/.a.0123.tif", None),
        (paths.REGISTRATION, "results/r/registrations/k10/w.surfaces.json", None),
        (paths.SCORES, "results/r/scores/weak_map/w/seed0.json", None),
        (paths.PROJECT, "results/r/qgis/r.qgz", {"region": "r"}),
        (paths.PROJECT, "results/r/qgis/other.qgz", None),
    ],
)
def test_a_path_is_matched_by_its_pattern_alone(pattern, path, names):
    assert paths.match(pattern, path) == names
