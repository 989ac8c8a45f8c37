"""A digest of code changes with what the code does and with nothing else."""

import pytest

from cropmine.config.models import LOSSES, MODELS
from cropmine.config.segmentations import SEGMENTATIONS
from cropmine.planning import digests


@pytest.fixture
def digest(tmp_path, monkeypatch):
    """Digest a script that imports `cropmine.mining.science`, which has the given text."""
    monkeypatch.setattr(digests, "LIBRARY", tmp_path)
    (tmp_path / "__init__.py").write_text("")
    write_module(tmp_path, "mining/science.py", "")

    def of(science: str, script: str = "from cropmine.mining.science import work\nwork()\n") -> str:
        (tmp_path / "mining/science.py").write_text(science)
        (tmp_path / "script.py").write_text(script)
        for cached in (digests.digest_code, digests._read_module, digests._list_names):
            cached.cache_clear()
        return digests.digest_code(tmp_path / "script.py")

    return of


def write_module(library, name, text):
    """Write a module of a package."""
    path = library / name
    path.parent.mkdir(parents=True, exist_ok=True)
    (path.parent / "__init__.py").touch()
    path.write_text(text)


WORK = "def work():\n    return 1\n"


def test_a_comment_or_a_docstring_changes_nothing(digest):
    plain = digest(WORK)
    assert digest('"""Says much."""\n\n# why\ndef work():\n    """Says more."""\n    return 1\n') == plain


def test_an_edit_of_an_imported_module_changes_the_digest(digest):
    assert digest(WORK) != digest("def work():\n    return 2\n")


@pytest.mark.parametrize(
    "statement",
    [
        "from cropmine.geo import deep",
        "from cropmine.geo.deep import X",
        "import cropmine.geo.deep",
        "import cropmine.geo.deep as d",
        "from cropmine.geo.further import deep",
        "import cropmine.geo.further.deep",
    ],
)
def test_an_edit_two_imports_away_changes_the_digest(digest, tmp_path, statement):
    place = "geo/further/deep.py" if "further" in statement else "geo/deep.py"
    write_module(tmp_path, "geo/deep.py", "X = 0\n")
    write_module(tmp_path, place, "X = 1\n")
    before = digest(f"{statement}\n{WORK}")
    write_module(tmp_path, place, "X = 2\n")
    assert digest(f"{statement}\n{WORK}") != before


def test_an_import_within_a_function_counts(digest, tmp_path):
    write_module(tmp_path, "geo/deep.py", "X = 1\n")
    lazy = "def work():\n    from cropmine.geo.deep import X\n    return X\n"
    before = digest(lazy)
    write_module(tmp_path, "geo/deep.py", "X = 2\n")
    assert digest(lazy) != before


@pytest.mark.parametrize(
    "statement",
    [
        "from cropmine.geo.missing import X",
        "from cropmine.geo import missing",
        "from cropmine.missing import X",
        "import cropmine.geo.missing",
        "from cropmine.geo.deep import missing",
        "from cropmine import missing",
    ],
)
def test_an_import_that_leads_nowhere_raises(digest, tmp_path, statement):
    write_module(tmp_path, "geo/deep.py", "X = 1\n")
    with pytest.raises(ImportError, match=r"mining/science\.py imports cropmine\.\S*missing"):
        digest(f"{statement}\n{WORK}")


def test_a_relative_import_raises(digest):
    with pytest.raises(ImportError, match="relative"):
        digest(f"from . import other\n{WORK}")


def test_equal_code_in_another_package_is_another_digest(digest, tmp_path):
    for package in ("geo", "inputs"):
        write_module(tmp_path, f"{package}/deep.py", "X = 1\n")
    script = "from cropmine.{}.deep import X\n"
    assert digest("", script.format("geo")) != digest("", script.format("inputs"))


@pytest.mark.parametrize("folder", sorted(digests.UNCOUNTED_FOLDERS))
def test_what_reaches_a_job_as_settings_is_left_out_by_its_folder(digest, tmp_path, folder):
    write_module(tmp_path, f"{folder}/inner/deep.py", "X = 1\n")
    text = f"from cropmine.{folder}.inner.deep import X\n{WORK}"
    before = digest(text)
    write_module(tmp_path, f"{folder}/inner/deep.py", "X = 2\n")
    assert digest(text) == before


def test_messages_and_logs_are_left_out_and_a_namesake_in_a_package_is_not(digest, tmp_path):
    (tmp_path / "errors.py").write_text("X = 1\n")
    write_module(tmp_path, "geo/errors.py", "X = 1\n")
    text = f"from cropmine.errors import X\nfrom cropmine.geo.errors import X as Y\n{WORK}"
    before = digest(text)
    (tmp_path / "errors.py").write_text("X = 2\n")
    assert digest(text) == before
    write_module(tmp_path, "geo/errors.py", "X = 2\n")
    assert digest(text) != before


def test_a_package_that_is_upgraded_changes_the_digest(digest, monkeypatch):
    before = digest(f"import numpy\n{WORK}")
    monkeypatch.setattr(digests, "_installed_version", lambda package: "99")
    assert digest(f"import numpy\n{WORK}") != before


def test_a_file_of_the_templates_changes_the_digest_in_whatever_folder_it_is(tmp_path):
    (tmp_path / "script.py").write_text("")
    (tmp_path / "templates/vendor").mkdir(parents=True)
    (tmp_path / "templates/page.html").write_text("page")
    found = set()
    for content in ("one", "two"):
        (tmp_path / "templates/vendor/library.js").write_text(content)
        digests.digest_code.cache_clear()
        found.add(digests.digest_code(tmp_path / "script.py", tmp_path / "templates"))
    assert len(found) == 2


def test_settings_digest_alike_in_any_order():
    assert digests.digest_settings({"a": 1, "b": [1.5]}) == digests.digest_settings({"b": [1.5], "a": 1})
    assert digests.digest_settings({"a": 1}) != digests.digest_settings({"a": 2})


def test_a_module_that_is_imported_by_name_must_be_given_and_counts(digest, tmp_path):
    loader = "from importlib import import_module\n\ndef work(name):\n    return import_module(name)\n"
    with pytest.raises(ImportError, match=r"mining/science\.py imports by a name that isn't given, for script\.py"):
        digest(loader)
    found = {name: set() for name in ("one", "two")}
    for number in (1, 2):
        write_module(tmp_path, "mining/methods/one.py", f"from cropmine.geo.deep import X\nY = {number}\n")
        write_module(tmp_path, "mining/methods/two.py", "Y = 0\n")
        write_module(tmp_path, "geo/deep.py", f"X = {number}\n")
        for name in found:
            for cached in (digests.digest_code, digests._read_module, digests._list_names):
                cached.cache_clear()
            by_name = (f"cropmine.mining.methods.{name}",)
            found[name].add(digests.digest_code(tmp_path / "script.py", by_name=by_name))
    assert [len(found[name]) for name in ("one", "two")] == [2, 1]


def test_a_name_that_leads_nowhere_raises(digest, tmp_path):
    digest(WORK)
    with pytest.raises(ImportError, match=r"a registry names cropmine\.mining\.missing"):
        digests.digest_code(tmp_path / "script.py", by_name=("cropmine.mining.missing",))


@pytest.mark.parametrize(
    ("registry", "script"),
    [(SEGMENTATIONS, "segment_tile"), (LOSSES, "train_model"), (MODELS, "score_model")],
)
def test_the_module_of_a_kind_is_counted_where_the_kind_is_used_and_nowhere_else(registry, script):
    parts = {kind.module: kind.module.split(".")[1:] for kind in registry.kinds.values()}
    files = {module: digests.LIBRARY.joinpath(*names).with_suffix(".py") for module, names in parts.items()}
    for module in files:
        counted = digests.list_modules(digests.LIBRARY.parent / f"{script}.py", (module,))
        assert [name for name, file in files.items() if file in counted] == [module]


def test_every_script_digests():
    scripts = [path for path in sorted(digests.LIBRARY.parent.glob("*.py")) if path.parent != digests.LIBRARY]
    assert scripts
    found = {digests.digest_code(path, by_name=("cropmine.mining.methods.slic",)) for path in scripts}
    assert len(found) == len(scripts)
