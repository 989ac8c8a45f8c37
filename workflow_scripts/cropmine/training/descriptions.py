"""What the files of trained models say of them, and its check."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from cropmine.errors import CropmineError

MOST_CHANNELS = 1024
Statistics = Annotated[tuple[float, ...], Field(min_length=1, max_length=MOST_CHANNELS)]


class Description(BaseModel):
    """The imagery that a model was trained on: its bands, dates, size of a pixel and statistics by channel."""

    model_config = ConfigDict(allow_inf_nan=False)
    bands: Annotated[tuple[str, ...], Field(min_length=1)]
    dates: Annotated[int, Field(ge=1)]
    resolution_m: Annotated[float, Field(gt=0)]
    mean: Statistics
    std: Statistics

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.mean) != len(self.std):
            raise ValueError("there are other means than deviations")
        return self


def check_description(path: str | Path, kind: type[Description], meta: Any, hint: str) -> None:
    """Check what a file says of its model, which weights of its encoder may be anything: they aren't fetched.

    Raises CropmineError with the first fault.
    """
    if isinstance(meta, dict) and isinstance(meta.get("model"), dict):
        meta = meta | {"model": meta["model"] | {"encoder_weights": None}}
    try:
        kind.model_validate(meta)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "it"
        raise CropmineError(path, f"isn't a model of cropmine: {place}: {first['msg']}", hint) from None


def check_imagery(path: str | Path, meta: dict[str, Any], bands: list[str], dates: int) -> None:
    """Check that imagery is what a checkpoint was trained on. Raises CropmineError if its bands or dates differ."""
    if list(meta["bands"]) != list(bands) or meta["dates"] != dates:
        trained, given = f"{meta['bands']} on {meta['dates']} dates", f"{list(bands)} on {dates}"
        raise CropmineError(path, f"was trained on the bands {trained}, the imagery has {given}")
