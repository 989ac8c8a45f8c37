"""Registries: the kinds that a setting may be of, such as methods of segmentation or losses.

A kind is a class of settings and a module that implements it. The class is its entry: validation, the workflow and the
reference of the configuration read it. The module is imported where it runs, so that the configuration stays light.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import ValidationError
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from cropmine.config.base import Settings

UNKNOWN_KIND = "unknown_kind"


class Kind(Settings):
    """Settings of one kind, named by the default of its field `method` and implemented by `module`."""

    module: ClassVar[str]
    registry: ClassVar["Registry"]
    method: str

    @classmethod
    def name(cls) -> str:
        """The value of `method` that chooses this kind."""
        return cls.model_fields["method"].default


K = TypeVar("K", bound=Kind)


class Registry(Generic[K]):
    """Kinds by name. The first that is registered is the one that settings without `method` are of.

    Annotate a field with it, as in `Annotated[Segmentation, SEGMENTATIONS]`, to validate values by the class of their
    kind. Kinds are looked up at each validation, so that one may be registered at any time.
    """

    def __init__(self) -> None:
        self.kinds: dict[str, type[K]] = {}

    def register(self, kind: type[K]) -> type[K]:
        """Add a kind; a decorator of its class."""
        kind.registry = self
        self.kinds[kind.name()] = kind
        return kind

    def find(self, settings: Any) -> type[K] | None:
        """Find the kind of settings as read from YAML, a mapping or a name alone; None if there is no such kind."""
        method = settings.get("method", next(iter(self.kinds))) if isinstance(settings, dict) else settings
        return self.kinds.get(method) if isinstance(method, str) else None

    def validate(self, settings: Any) -> K:
        """Check settings by the class of their kind; a name alone stands for its defaults.

        Raises pydantic's ValidationError.
        """
        if type(settings) in self.kinds.values():
            return settings
        kind = self.find(settings)
        if kind is not None:
            return kind.model_validate({"method": settings} if isinstance(settings, str) else settings)
        if not isinstance(settings, str | dict):
            return next(iter(self.kinds.values())).model_validate(settings)  # says that it must be a mapping
        unknown = PydanticCustomError(UNKNOWN_KIND, "no such kind", {"known": list(self.kinds)})
        method = settings["method"] if isinstance(settings, dict) else settings
        fault = InitErrorDetails(type=unknown, loc=("method",), input=method)
        raise ValidationError.from_exception_data("method", [fault])

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], CoreSchema]) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.validate)
