"""What all settings of the configuration share."""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, le=1)]
LabelClass = Literal["cropland", "noncropland"]
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]{0,63}")
TILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
WEAK_MAP_MODEL = "weak_map"


def listed(value: object) -> object:
    """Take a single value for a list of one."""
    return value if isinstance(value, list | tuple) or value is None else [value]


def _text_keys(value: object) -> object:
    """YAML reads the key 2021-03-15 as a date and 2021 as a number."""
    return {str(key): entry for key, entry in value.items()} if isinstance(value, dict) else value


Values = Annotated[tuple[int | float | str, ...], BeforeValidator(listed)]


Patterns = Annotated[str | dict[str, str], BeforeValidator(_text_keys)]


class Settings(BaseModel):
    """A part of the configuration: unknown keys are refused, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True)
