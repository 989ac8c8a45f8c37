"""Digests of what makes an output: its settings in canonical form, and the code that its rule runs."""

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from sys import stdlib_module_names
from typing import Any

# Code that shapes no number. Settings and plans reach a script as values, which are digested by themselves; messages,
# logs and the replacing of files don't change what is written.
UNCOUNTED_FOLDERS = {"config", "planning"}
UNCOUNTED_FILES = {"errors.py", "files.py", "logs.py", "version.py"}
# Distributions that are named otherwise than the module that they install.
DISTRIBUTIONS = {
    "cc3d": "connected-components-3d",
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "PIL": "pillow",
    "yaml": "pyyaml",
    "pystac": "pystac-core",
}
LIBRARY = Path(__file__).parent.parent


def write_canonical(settings: Any) -> str:
    """JSON with sorted keys and no spaces: equal settings give equal text."""
    return json.dumps(settings, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_settings(settings: Any, digits: int = 8) -> str:
    """The first hex digits of the SHA-256 of settings in canonical form."""
    return sha256(write_canonical(settings).encode()).hexdigest()[:digits]


@cache
def digest_code(script: Path, templates: Path | None = None, by_name: tuple[str, ...] = ()) -> str:
    """Digest a script and the library modules that it imports, directly or not, without comments and docstrings.

    The versions of the third-party packages that these import count as well, and so do all files of a folder of
    templates. by_name: the modules that are imported by a name from a registry, such as the method of a segmentation;
    no syntax tree shows these imports. Modules are named by their path below the library, so that equal code elsewhere
    is another digest. Raises ImportError if an import of the library leads to no file, or if some code imports by name
    and `by_name` says nothing.
    """
    lines: list[str] = []
    packages: set[str] = set()
    for path in list_modules(script, by_name):
        read = _read_module(path)
        packages |= read.foreign
        lines.append(f"{_name_module(path)} {read.digest}")
    lines += [f"{package} {_installed_version(package)}" for package in sorted(packages)]
    if templates is not None:
        for path in sorted(path for path in templates.rglob("*") if path.is_file()):
            lines.append(f"{path.relative_to(templates).as_posix()} {sha256(path.read_bytes()).hexdigest()}")
    return sha256("\n".join(lines).encode()).hexdigest()[:16]


def list_modules(script: Path, by_name: tuple[str, ...] = ()) -> list[Path]:
    """The files whose code a digest counts: a script and the library modules that it imports, directly or not.

    by_name and errors are those of digest_code.
    """
    found = set()
    todo = [script, *(_find_module(name.split(".")[1:], f"a registry names {name}") for name in by_name)]
    while todo:
        path = todo.pop()
        if path not in found:
            found.add(path)
            read = _read_module(path)
            if read.loads_by_name and not by_name:
                raise ImportError(f"{_name_module(path)} imports by a name that isn't given, for {script.name}")
            todo += read.library
    return sorted(found, key=_name_module)


def _name_module(path: Path) -> str:
    """The path of a module below the library, or the name of a script."""
    return path.relative_to(LIBRARY).as_posix() if path.is_relative_to(LIBRARY) else path.name


@dataclass(frozen=True)
class _Code:
    """What a module is to a digest: of its own code, the counted library modules and foreign packages it imports."""

    digest: str
    library: tuple[Path, ...]
    foreign: frozenset[str]
    loads_by_name: bool


@cache
def _read_module(path: Path) -> _Code:
    tree = ast.parse(path.read_bytes())
    library, foreign = set(), set()
    imports = set(_list_imports(tree, path))
    for name in imports:
        top, *rest = name.split(".")
        if top == "cropmine":
            library.add(_find_module(rest, f"{_name_module(path)} imports {name}"))
        elif top not in stdlib_module_names:
            foreign.add(top)
    for node in ast.walk(tree):
        _drop_docstring(node)
    counted = sorted(file for file in library if _is_counted(file))
    digest = sha256(ast.dump(tree).encode()).hexdigest()
    loads_by_name = not imports.isdisjoint({"importlib", "importlib.import_module"})
    return _Code(digest, tuple(counted), frozenset(foreign), loads_by_name)


def _list_imports(tree: ast.AST, path: Path) -> Iterator[str]:
    """The dotted names that a module imports, at its top or within functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ImportError(f"{_name_module(path)} imports by a relative name (line {node.lineno})")
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _find_module(parts: list[str], told: str) -> Path:
    """The file that `cropmine.part.part…` leads to: the longest beginning that is one. It must define what is left."""
    for count in range(len(parts), -1, -1):
        place, rest = LIBRARY.joinpath(*parts[:count]), parts[count:]
        file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        if file.is_file() and (not rest or (len(rest) == 1 and rest[0] in _list_names(file))):
            return file
    raise ImportError(f"{told}, which the library doesn't have")


@cache
def _list_names(file: Path) -> frozenset[str]:
    """The names that a module defines or imports at its top, or in blocks there."""
    names: set[str] = set()
    todo: list[ast.AST] = [*ast.parse(file.read_bytes()).body]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        else:
            todo += ast.iter_child_nodes(node)
    return frozenset(names)


def _is_counted(file: Path) -> bool:
    folder, *rest = file.relative_to(LIBRARY).parts
    return folder not in (UNCOUNTED_FOLDERS if rest else UNCOUNTED_FILES) and file.name != "__init__.py"


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
