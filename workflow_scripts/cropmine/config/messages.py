"""Faults of a configuration in words: pydantic's findings with their places cleaned and a hint each."""

import reprlib
from itertools import groupby
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from cropmine.config.registry import UNKNOWN_KIND, Kind, Registry
from cropmine.errors import CropmineError, hint_at

REFERENCE = "docs/configuration.md describes every key"
_MAPPING = "keys with values, such as name: value"
_EXPECTED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a whole number of less than 19 digits",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "string_unicode": "text in Unicode",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list such as [a, b]",
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "literal_error": "{expected}",
    "greater_than": "above {gt:.12g}",
    "greater_than_equal": "at least {ge:.12g}",
    "less_than": "below {lt:.12g}",
    "less_than_equal": "at most {le:.12g}",
    "multiple_of": "a multiple of {multiple_of:g}",
    "string_too_short": "text of at least {min_length} characters",
    "too_short": "at least {min_length} long",
    "too_long": "at most {max_length} long",
}


def describe_faults(error: ValidationError, model: type[BaseModel], raw: Any) -> list[CropmineError]:
    """Say what pydantic found wrong with raw settings, one error a place, in pydantic's order.

    What the branches of a union say of one place is one fault. Each hint is the description of the field.
    """
    found = [(*_clean_place(fault, raw), fault) for fault in error.errors(include_url=False)]
    inside = {place[:end] for place, in_union, _ in found if in_union for end in range(len(place))}
    kept = [entry for entry in found if not (entry[1] and entry[0] in inside)]
    groups = groupby(kept, key=lambda entry: entry[0])
    return [_describe_place(place, [fault for *_, fault in entries], model, raw) for place, entries in groups]


def _clean_place(fault: ErrorDetails, raw: Any) -> tuple[tuple, bool]:
    """The keys that lead to a fault, and whether pydantic named branches of a union or other inner steps among them."""
    place, value, foreign = [], raw, False
    for position, part in enumerate(fault["loc"]):
        last = position == len(fault["loc"]) - 1
        keys = {str(key): key for key in value} if isinstance(value, dict) else {}
        if str(part) in keys:
            value = value[keys[str(part)]]
        elif isinstance(value, list | tuple) and isinstance(part, int) and part < len(value):
            value = value[part]
        elif not (last and fault["type"] == "missing"):
            foreign |= part != "[key]"
            continue
        place.append(part)
    return tuple(place), foreign


def _describe_place(place: tuple, faults: list[ErrorDetails], model: type[BaseModel], raw: Any) -> CropmineError:
    where = ".".join(map(str, place)) or "config"
    first = faults[0]
    if first["loc"][-1:] == ("[key]",):
        return CropmineError(where, "a key must be text", f'put it in quotes: "{place[-1]}"')
    if first["type"] == "extra_forbidden":
        return _describe_unknown_key(where, place[-1], [*filter(_is_model, _types_at(model, place[:-1], raw))])
    if first["type"] == "missing":
        return CropmineError(where, "this key is required", _describe_field(model, place, raw))
    if first["type"] == UNKNOWN_KIND:
        known = first["ctx"]["known"]
        what = f"must be {' or '.join(map(repr, known))}, not {_show(first['input'])}"
        return CropmineError(where, what, hint_at(first["input"], known))
    if first["type"] == "value_error":
        return CropmineError(where, first["msg"].removeprefix("Value error, "), REFERENCE)
    expected = list(dict.fromkeys(_spell_expected(fault) for fault in faults))
    if "a number" in expected and "a whole number" in expected:
        expected.remove("a whole number")
    what = f"must be {' or '.join(expected)}, not {_show(first['input'])}"
    return CropmineError(where, what, _describe_field(model, place, raw))


def _describe_unknown_key(where: str, key: Any, models: list[type[BaseModel]]) -> CropmineError:
    """A key that the models at a place don't know; another kind of the same setting may know it."""
    for model in models:
        if issubclass(model, Kind):
            others = [kind.name() for kind in model.registry.kinds.values() if key in kind.model_fields]
            if others:
                what = f"{key} goes with method {' or '.join(others)}, not {model.name()}"
                return CropmineError(where, what, REFERENCE)
    known = [field.alias or name for model in models for name, field in model.model_fields.items()]
    return CropmineError(where, f"unknown key {key!r}", hint_at(key, known))


def _spell_expected(fault: ErrorDetails) -> str:
    if fault["type"] in _EXPECTED:
        return _EXPECTED[fault["type"]].format(**fault.get("ctx", {}))
    return fault["msg"].removeprefix("Input should be ")


def _show(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return "empty" if isinstance(value, dict | list | tuple | str) and not value else reprlib.repr(value)


def _describe_field(model: type[BaseModel], place: tuple, raw: Any) -> str:
    """The description of the field at a place, or of the field that holds it."""
    for end in range(len(place), 0, -1):
        for parent in _types_at(model, place[: end - 1], raw):
            field = _find_field(parent, place[end - 1])
            if field is not None and field.description:
                return field.description
    return REFERENCE


def _types_at(model: type[BaseModel], place: tuple, raw: Any) -> list:
    """The types that raw settings may have at a place: the branches of a union, but only the kind that they name."""
    types, value = [model], raw
    for part in place:
        value = _step_raw(value, part)
        inner = [step for kind in types for step in _step_into(kind, part)]
        types = [branch for kind in inner for branch in _list_branches(kind, value)]
    return types


def _step_raw(value: Any, part: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): inner for key, inner in value.items()}.get(str(part))
    return value[part] if isinstance(value, list | tuple) and isinstance(part, int) and part < len(value) else None


def _list_branches(kind: Any, value: Any) -> list:
    registry = find_registry(kind)
    named = registry.find(value) if registry else None
    return [named] if named else split_union(kind)


def _step_into(kind: Any, part: Any) -> list:
    if _is_model(kind):
        field = _find_field(kind, part)
        return [] if field is None else [field.rebuild_annotation()]
    if get_origin(kind) is dict:
        return [get_args(kind)[1]]
    return [argument for argument in get_args(kind) if argument is not ...] if get_origin(kind) is tuple else []


def _find_field(kind: Any, part: Any) -> FieldInfo | None:
    fields = kind.model_fields.items() if _is_model(kind) else ()
    return next((field for name, field in fields if part in (name, field.alias)), None)


def find_registry(kind: Any) -> Registry | None:
    """The registry that annotates a type, if one does."""
    notes = kind.__metadata__ if get_origin(kind) is Annotated else ()
    return next((note for note in notes if isinstance(note, Registry)), None)


def split_union(kind: Any) -> list:
    """The branches of a type that may be a union or one of registered kinds, annotations taken off."""
    if registry := find_registry(kind):
        return list(registry.kinds.values())
    if get_origin(kind) is Annotated:
        return split_union(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return [branch for argument in get_args(kind) for branch in split_union(argument)]
    return [kind]


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
