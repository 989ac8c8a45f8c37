"""Generate the reference of the configuration, docs/configuration.md, from the models.

Write it with ``python -m cropmine.config.reference > docs/configuration.md``.
"""

import re
import sys
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from cropmine.config.messages import find_registry, split_union
from cropmine.config.registry import Kind
from cropmine.config.schema import Config

HEADER = """# Configuration

This page lists every key of the configuration, a YAML file. Snakemake reads `config.yaml`, or yours with

    snakemake --cores all --configfile my.yaml

Unknown keys are refused. All faults are reported at once, each with its place and a hint. Paths start at the working
directory. A key without a default (—) is required; others may be left out. Segmentations, models and losses come in
several kinds: `method` names the kind, and each kind has its own keys. A name alone, such as `loss: dice`, takes the
defaults of that kind.

The page is generated from the models in `workflow_scripts/cropmine/config/`, and a test keeps the two in step. Generate
it with

    python -m cropmine.config.reference > docs/configuration.md
"""
_UNITS = {"_m": "metres", "_m2": "square metres", "_px": "pixels"}
_TYPES = {str: "text", int: "whole number", float: "number", bool: "`true` or `false`", Any: "values"}
_BOUNDS = {
    "range": "{}",
    "ge": "≥ {}",
    "gt": "> {}",
    "le": "≤ {}",
    "lt": "< {}",
    "multiple_of": "a multiple of {}",
    "min_length": "at least {} long",
}


def render_reference() -> str:
    """Describe every key of the configuration in Markdown: a table for each model, nested models linked."""
    sections = [HEADER]
    for model in list_models(Config):
        title = "Top level" if model is Config else model.__name__
        rows = [_render_row(model, name, field) for name, field in model.model_fields.items()]
        table = "\n".join(["| key | type | default | meaning |", "|---|---|---|---|", *rows])
        sections.append(f"## {title}\n\n{(model.__doc__ or '').strip()}\n\n{table}\n")
    return "\n".join(sections)


def list_models(model: type[BaseModel]) -> list[type[BaseModel]]:
    """A model and those nested in it, each once, in the order of their keys."""
    found = [model]
    for field in model.model_fields.values():
        for nested in _nested_models(field.rebuild_annotation()):
            found += [inner for inner in list_models(nested) if inner not in found]
    return found


def _nested_models(kind: Any) -> list[type[BaseModel]]:
    if registry := find_registry(kind):
        return list(registry.kinds.values())
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [kind]
    return [model for argument in get_args(kind) for model in _nested_models(argument)]


def _render_row(model: type[BaseModel], name: str, field: FieldInfo) -> str:
    key = field.alias or name
    unit = next((unit for ending, unit in _UNITS.items() if key.endswith(ending)), None)
    meaning = field.description or ""
    if unit and unit not in meaning:
        meaning += f" ({unit})"
    cells = [
        f"`{key}`",
        _spell_type(field.rebuild_annotation(), field.metadata, field.default is not None),
        "—" if _is_chosen_by(model, name) else _spell_default(field),
        meaning,
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _is_chosen_by(model: type[BaseModel], name: str) -> bool:
    """Whether a key must be given to choose a kind: `method`, unless the kind is the first of its registry."""
    return name == "method" and issubclass(model, Kind) and model is not next(iter(model.registry.kinds.values()))


def _spell_type(kind: Any, metadata: Any = (), nullable: bool = False) -> str:
    if get_origin(kind) not in (dict, tuple):
        metadata = [*metadata, *(part for argument in get_args(kind) for part in getattr(argument, "__metadata__", ()))]
    names = list(dict.fromkeys(_spell_branch(branch) for branch in split_union(kind) if branch is not NoneType))
    nulls = ["`null`"] if nullable and NoneType in split_union(kind) else []
    return ", ".join([" or ".join([*_merge_numbers(names), *nulls]), *_spell_bounds(metadata)])


def _merge_numbers(names: list[str]) -> list[str]:
    return [name for name in names if name != "whole number" or "number" not in names]


def _spell_branch(kind: Any) -> str:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin is dict:
        return f"{_spell_type(arguments[1])} by name"
    if origin is tuple and arguments[-1] is not ...:
        return f"list of {len(arguments)}: {', '.join(_spell_type(argument) for argument in arguments)}"
    if origin is tuple:
        return "list of " + re.sub(r"number\b", "numbers", _spell_type(arguments[0]))
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        title = f"`{kind.name()}`" if issubclass(kind, Kind) else kind.__name__
        return f"[{title}](#{kind.__name__.lower()})"
    return _TYPES[kind]


def _spell_bounds(metadata: Any) -> list[str]:
    parts = [part for outer in metadata for part in (outer, *getattr(outer, "metadata", ()))]
    bounds = {key: getattr(part, key) for part in parts for key in _BOUNDS if hasattr(part, key)}
    if {"ge", "le"} <= bounds.keys():
        bounds = {"range": f"{bounds.pop('ge')} to {bounds.pop('le')}"} | bounds
    return [_BOUNDS[key].format(value) for key, value in bounds.items()]


def _spell_default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "—"
    return _spell_value(field.default)


def _spell_value(value: Any) -> str:
    if isinstance(value, BaseModel):
        return "its defaults"
    if isinstance(value, dict) and value:
        return f"`{next(iter(value))}` with its defaults"
    if value is None or isinstance(value, bool):
        return f"`{'null' if value is None else str(value).lower()}`"
    if isinstance(value, dict | list | tuple):
        return f"`{'{}' if isinstance(value, dict) else list(value)}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


if __name__ == "__main__":
    sys.stdout.write(render_reference())
