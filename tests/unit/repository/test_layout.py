"""The layout of the repository: tests mirror the library, packages stay small, and facts have one place."""

import ast
import re
import tomllib
from pathlib import PurePath

import pytest

from workspace import ROOT

LIBRARY = ROOT / "workflow_scripts/cropmine"
TESTS = ROOT / "tests/unit"
MODULES = sorted(path.relative_to(LIBRARY) for path in LIBRARY.rglob("*.py") if path.name != "__init__.py")
PACKAGES = sorted(path.parent for path in LIBRARY.rglob("__init__.py"))

# Modules without a test file of their own, and what tests them.
TESTED_ELSEWHERE = {
    "commands/guess_thresholds.py": "new_region, which uses it, with labels and a weak map",
    "config/base.py": "the models of the configuration, whose base it is",
    "geo/mosaics.py": "mapping/mosaics and inputs/checks/layers, which read what it writes",
    "mining/segmentation.py": "methods, which it loads and whose parts it numbers",
    "mining/superpixels.py": "methods, two of which they are",
    "planning/recipes.py": "plans and map_stamps, which describe recipes by it",
    "training/models/network.py": "prediction, which is done by it, and checkpoints, which it reads",
    "training/predictors.py": "checkpoints and models, whose files it opens",
    "version.py": "nothing: it is a constant",
}
# Test files that aren't named after a module, and what they test.
OF_NO_MODULE = {
    "mining/test_scripts.py": "the scripts of the mining rules, run one after another",
    "reporting/test_report_page.py": "the report in a browser",
}
MOST_MODULES = 15
# Packages with up to five modules more, and why.
LARGER_PACKAGES = {"scoring": "each kind of score has a module, so that an edit of one doesn't make others stale"}

# Names that only classes.py gives a number: the classes of pixels and the sources of labels.
CLASS_NAMES = re.compile(r"_?(CROPLAND|NONCROPLAND|IGNORE|NODATA|HUMAN|MINED|WEAK|RANDOM)(_CLASS|_CODE|_VALUE)?")


def name_tests(module: PurePath) -> list[PurePath]:
    """Where the tests of a module may be: in a file of its name, or all those of a package in one of its name."""
    package = module.parent
    own = [module.with_name(f"test_{module.name}")]
    return [*own, package.with_name(f"test_{package.name}.py")] if package.name else own


def find_class_numbers(text: str) -> list[str]:
    """Names of classes that a module gives a number."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]
        numbers = [part for part in ast.walk(node.value) if isinstance(part, ast.Constant) and type(part.value) is int]
        found += [name for name in names if numbers and CLASS_NAMES.fullmatch(name)]
    return found


def read_sources() -> dict[str, str]:
    """The text of the Snakefile, and of every rule, script, test, benchmark and notebook, by its path."""
    paths = [ROOT / "Snakefile"]
    for folder in ("benchmarks", "docs", "rules", "tests", "workflow_scripts"):
        paths += [path for kind in ("py", "smk", "ipynb") for path in (ROOT / folder).rglob(f"*.{kind}")]
    return {path.relative_to(ROOT).as_posix(): path.read_text() for path in paths}


def test_every_module_has_a_test_file_of_its_name_in_the_folder_of_its_package():
    bare = {str(path) for path in MODULES if not any((TESTS / test).exists() for test in name_tests(path))}
    assert bare == set(TESTED_ELSEWHERE)


def test_every_test_file_is_named_after_a_module():
    expected = {test for module in MODULES for test in name_tests(module)}
    found = {path.relative_to(TESTS) for path in TESTS.rglob("test_*.py") if path.parent != TESTS / "repository"}
    assert {str(path) for path in found - expected} == set(OF_NO_MODULE)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_an_init_file_holds_at_most_a_docstring(package):
    tree = ast.parse((package / "__init__.py").read_text())
    assert tree.body[1 if ast.get_docstring(tree) else 0 :] == []


def test_no_package_has_more_than_fifteen_modules():
    sizes = {package.relative_to(LIBRARY).as_posix(): len(list(package.glob("*.py"))) - 1 for package in PACKAGES}
    assert {name for name, size in sizes.items() if size > MOST_MODULES} == set(LARGER_PACKAGES)
    assert max(sizes.values()) <= MOST_MODULES + 5


def test_only_classes_gives_numbers_to_classes():
    paths = [*(LIBRARY / module for module in MODULES), *LIBRARY.parent.glob("*.py")]
    found = {path.relative_to(LIBRARY.parent).as_posix(): find_class_numbers(path.read_text()) for path in paths}
    assert {path for path, names in found.items() if names} == {"cropmine/classes.py"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("CROPLAND = 1", ["CROPLAND"]),
        ("def burn():\n    IGNORE: int = 255", ["IGNORE"]),
        ("CROPLAND, NONCROPLAND = 1, 0", ["CROPLAND", "NONCROPLAND"]),
        ("_IGNORE = np.uint8(255)", ["_IGNORE"]),
        ("MINED = 'mined'\nKNOWN_NONCROPLAND = 2\nCROPLAND_COLOUR = 7", []),
    ],
)
def test_a_number_that_is_given_to_a_class_is_found(text, names):
    assert find_class_numbers(text) == names


def test_the_path_of_imports_is_changed_only_where_jobs_need_it():
    assert {name for name, text in read_sources().items() if re.search(r"\bsys\.path\b", text)} == {"rules/common.smk"}


def test_mutation_testing_names_modules_and_tests_that_there_are():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]
    patterns = [pattern.removeprefix("*/") for pattern in settings["only_mutate"]]
    assert set(patterns) <= {path.as_posix() for path in MODULES}
    for path in settings["pytest_add_cli_args_test_selection"]:
        assert (ROOT / path).is_file(), path
    for deselected in settings["pytest_add_cli_args"]:
        path, _, name = deselected.removeprefix("--deselect=").partition("::")
        assert not name or f"def {name}(" in (ROOT / path).read_text(), deselected


def test_no_rule_runs_a_shell():
    texts = [path.read_text() for path in [ROOT / "Snakefile", *(ROOT / "rules").rglob("*.smk")]]
    assert not [text for text in texts if re.search(r"^\s*(shell|run)\s*:|\bshell\(|os\.system|shell=True", text, re.M)]
