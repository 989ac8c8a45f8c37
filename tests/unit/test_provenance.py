"""A digest of code changes with what the code does and with nothing else."""

import pytest

from cropmine import provenance


@pytest.fixture
def digest(tmp_path, monkeypatch):
    """Digest a script that imports a module `science`, which has the given text."""
    monkeypatch.setattr(provenance, "LIBRARY", tmp_path)

    def of(science: str, script: str = "from cropmine.science import work\nwork()\n") -> str:
        (tmp_path / "science.py").write_text(science)
        (tmp_path / "script.py").write_text(script)
        provenance.digest_code.cache_clear()
        provenance._read_module.cache_clear()
        return provenance.digest_code(tmp_path / "script.py")

    return of


def test_a_comment_or_a_docstring_changes_nothing(digest):
    plain = digest("def work():\n    return 1\n")
    assert digest('"""Says much."""\n\n# why\ndef work():\n    """Says more."""\n    return 1\n') == plain


def test_an_edit_of_an_imported_module_changes_the_digest(digest):
    assert digest("def work():\n    return 1\n") != digest("def work():\n    return 2\n")


def test_an_edit_two_imports_away_changes_the_digest(digest, tmp_path):
    (tmp_path / "deep.py").write_text("X = 1\n")
    before = digest("from cropmine import deep\n")
    (tmp_path / "deep.py").write_text("X = 2\n")
    assert digest("from cropmine import deep\n") != before


def test_a_package_that_is_upgraded_changes_the_digest(digest, monkeypatch):
    before = digest("import numpy\n")
    monkeypatch.setattr(provenance, "_installed_version", lambda package: "99")
    assert digest("import numpy\n") != before


def test_a_file_of_the_templates_changes_the_digest_in_whatever_folder_it_lies(tmp_path):
    (tmp_path / "script.py").write_text("")
    (tmp_path / "templates/vendor").mkdir(parents=True)
    (tmp_path / "templates/page.html").write_text("page")
    digests = set()
    for content in ("one", "two"):
        (tmp_path / "templates/vendor/library.js").write_text(content)
        provenance.digest_code.cache_clear()
        digests.add(provenance.digest_code(tmp_path / "script.py", tmp_path / "templates"))
    assert len(digests) == 2


def test_settings_digest_alike_in_any_order():
    assert provenance.digest_settings({"a": 1, "b": [1.5]}) == provenance.digest_settings({"b": [1.5], "a": 1})
    assert provenance.digest_settings({"a": 1}) != provenance.digest_settings({"a": 2})
