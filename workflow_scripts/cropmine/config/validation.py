"""Validation of a configuration: reading YAML, measuring it, building the models and finding conflicts."""

import math
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from cropmine.config.conflicts import find_conflicts
from cropmine.config.messages import describe_faults
from cropmine.config.schema import Config
from cropmine.errors import CropmineError, hint_at

MOST_ENTRIES = 100_000


def read_config(path: str | Path) -> Any:
    """Read a configuration from a file of YAML, plain values only. Raises CropmineError if it isn't one."""
    try:
        return yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        near = sorted(file.name for file in Path(path).parent.glob("*.y*ml"))
        raise CropmineError(path, "no such file", hint_at(Path(path).name, near)) from error
    except IsADirectoryError as error:
        raise CropmineError(path, "a folder", "name a YAML file") from error
    except (yaml.YAMLError, OSError, ValueError, RecursionError, TypeError) as error:
        told = " ".join(str(error).split()) or type(error).__name__
        raise CropmineError(path, f"can't be read as YAML ({told})", "tabs, tags and loose quotes break it") from error


def check_size(raw: Any) -> None:
    """Refuse nested values that anchors make huge, or that hold themselves. Raises CropmineError."""
    if (size := _measure_size(raw)) > MOST_ENTRIES:
        told = "without end" if size == math.inf else f"of {size:.3g} entries"
        raise CropmineError("config", f"a configuration {told}", "do its anchors repeat each other?")


def _measure_size(raw: Any) -> float:
    """Entries of nested lists and mappings, one that comes twice counted twice; without end if one holds itself."""
    sizes: dict[int, float] = {}

    def measure(value: Any) -> float:
        if not isinstance(value, dict | list | tuple):
            return 1
        if id(value) not in sizes:
            sizes[id(value)] = math.inf  # until it is known: who meets it now is inside it
            sizes[id(value)] = 1 + sum(map(measure, value.values() if isinstance(value, dict) else value))
        return sizes[id(value)]

    try:
        return measure(raw)
    except RecursionError:
        return math.inf


def validate_config(raw: Any) -> Config:
    """Check a configuration as read from YAML.

    Raises CropmineError, with every fault found, each with its place and a hint.
    """
    check_size(raw)
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        raise CropmineError.gather("config", describe_faults(error, Config, raw)) from None
    if conflicts := {(fault.where, fault.what): fault for fault in find_conflicts(config)}:
        raise CropmineError.gather("config", list(conflicts.values()))
    return config
