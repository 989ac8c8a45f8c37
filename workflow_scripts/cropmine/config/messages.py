"""Faults of a configuration in words: pydantic's findings with their places cleaned and a hint each."""

import reprlib
from itertools import groupby
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

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
    return [_describe_place(place, [fault for *_, fault in entries], model) for place, entries in groups]


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


def _describe_place(place: tuple, faults: list[ErrorDetails], model: type[BaseModel]) -> CropmineError:
    where = ".".join(map(str, place)) or "config"
    first = faults[0]
    if first["loc"][-1:] == ("[key]",):
        return CropmineError(where, "a key must be text", f'put it in quotes: "{place[-1]}"')
    if first["type"] == "extra_forbidden":
        return CropmineError(where, f"unknown key {place[-1]!r}", hint_at(place[-1], _list_keys(model, place[:-1])))
    if first["type"] == "missing":
        return CropmineError(where, "this key is required", _describe_field(model, place))
    if first["type"] == "value_error":
        return CropmineError(where, first["msg"].removeprefix("Value error, "), REFERENCE)
    expected = list(dict.fromkeys(_spell_expected(fault) for fault in faults))
    if "a number" in expected and "a whole number" in expected:
        expected.remove("a whole number")
    what = f"must be {' or '.join(expected)}, not {_show(first['input'])}"
    return CropmineError(where, what, _describe_field(model, place))


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


def _describe_field(model: type[BaseModel], place: tuple) -> str:
    """The description of the field at a place, or of the field that holds it."""
    for end in range(len(place), 0, -1):
        for parent in _types_at(model, place[: end - 1]):
            field = _find_field(parent, place[end - 1])
            if field is not None and field.description:
                return field.description
    return REFERENCE


def _list_keys(model: type[BaseModel], place: tuple) -> list[str]:
    """The keys that the model at a place of the configuration knows."""
    models = [kind for kind in _types_at(model, place) if _is_model(kind)]
    return [field.alias or name for kind in models for name, field in kind.model_fields.items()]


def _types_at(model: type[BaseModel], place: tuple) -> list:
    """The types, branches of unions apart, that a configuration may have at a place."""
    kinds = [model]
    for part in place:
        kinds = [branch for kind in kinds for inner in _step_into(kind, part) for branch in split_union(inner)]
    return kinds


def _step_into(kind: Any, part: Any) -> list:
    if _is_model(kind):
        field = _find_field(kind, part)
        return [] if field is None else [field.annotation]
    if get_origin(kind) is dict:
        return [get_args(kind)[1]]
    return [argument for argument in get_args(kind) if argument is not ...] if get_origin(kind) is tuple else []


def _find_field(kind: Any, part: Any) -> FieldInfo | None:
    fields = kind.model_fields.items() if _is_model(kind) else ()
    return next((field for name, field in fields if part in (name, field.alias)), None)


def split_union(kind: Any) -> list:
    """The branches of a type that may be a union, annotations taken off."""
    if get_origin(kind) is Annotated:
        return split_union(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return [branch for argument in get_args(kind) for branch in split_union(argument)]
    return [kind]


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
