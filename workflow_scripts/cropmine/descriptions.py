"""What a file of a trained model says of itself, checked before anything is built of it."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from cropmine.errors import CropmineError
from cropmine.learning_settings import Model

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
    def _check(self):
        if len(self.mean) != len(self.std):
            raise ValueError("there are other means than deviations")
        return self


class NetworkDescription(Description):
    """A network beside."""

    model: Model
    precision: str


class ForestDescription(Description):
    """The features of a forest beside; `raster` is the region's raster that they were read from, or none."""

    raster: str | None
    features: Annotated[int, Field(ge=1, le=100 * MOST_CHANNELS)]
    neighbourhood_px: tuple[int, ...]


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
