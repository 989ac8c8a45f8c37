"""What an output was made from: settings in canonical form, and a digest of the code that makes it."""

import ast
import json
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from sys import stdlib_module_names
from typing import Any

# They shape no number: settings reach a script whole, and messages and file handling don't change what is written.
UNCOUNTED = {"config", "settings", "region_settings", "learning_settings", "conflicts", "faults"}
UNCOUNTED |= {"errors", "logs", "files", "tiles", "plans", "recipes", "provenance"}
# Distributions that are named otherwise than the module that they install.
DISTRIBUTIONS = {
    "cc3d": "connected-components-3d",
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "PIL": "pillow",
    "yaml": "pyyaml",
    "pystac": "pystac-core",
}
LIBRARY = Path(__file__).parent


def write_canonical(settings: Any) -> str:
    """JSON with sorted keys and no spaces: equal settings give equal text."""
    return json.dumps(settings, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_settings(settings: Any, digits: int = 8) -> str:
    """The first hex digits of the SHA-256 of settings in canonical form."""
    return sha256(write_canonical(settings).encode()).hexdigest()[:digits]


@cache
def digest_code(script: Path, templates: Path | None = None) -> str:
    """Digest a script and the library modules that it imports, directly or not, without comments and docstrings.

    The versions of the third-party packages that these import count as well, and so do all files of a folder of
    templates.
    """
    modules, packages, todo = {}, set(), [script]
    while todo:
        path = todo.pop()
        if path not in modules:
            modules[path], imported, foreign = _read_module(path)
            packages |= foreign
            todo += imported
    lines = [f"{path.name} {digest}" for path, digest in sorted(modules.items())]
    lines += [f"{package} {_installed_version(package)}" for package in sorted(packages)]
    for path in sorted(path for path in templates.rglob("*") if path.is_file()) if templates else ():
        lines.append(f"{path.name} {sha256(path.read_bytes()).hexdigest()}")
    return sha256("\n".join(lines).encode()).hexdigest()[:16]


@cache
def _read_module(path: Path) -> tuple[str, tuple[Path, ...], frozenset[str]]:
    tree = ast.parse(path.read_bytes())
    library, foreign = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            _drop_docstring(node)
            continue
        for name in names:
            top, *rest = name.split(".")
            if top == "cropmine":
                library |= {rest[0]} if rest else set()
            elif top not in stdlib_module_names:
                foreign.add(top)
    _drop_docstring(tree)
    imported = tuple(
        sorted(LIBRARY / f"{name}.py" for name in library - UNCOUNTED if (LIBRARY / f"{name}.py").exists())
    )
    return sha256(ast.dump(tree).encode()).hexdigest(), imported, frozenset(foreign)


def _drop_docstring(node: ast.AST) -> None:
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
        node, False
    ):
        node.body = node.body[1:] or [ast.Pass()]


def _installed_version(package: str) -> str:
    try:
        return version(DISTRIBUTIONS.get(package, package))
    except PackageNotFoundError:
        return "none"
