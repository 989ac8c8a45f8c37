"""The configuration: its models, its validation, its defaults and their descriptions."""

from typing import Annotated, Literal

from pydantic import Field

from cropmine.config.base import Fraction, Settings
from cropmine.config.experiments import Experiment, Sweep, Training, Transfer
from cropmine.config.models import AnyModel, Network
from cropmine.config.regions import Region
from cropmine.config.segmentations import AnySegmentation, KMeans


class Mapping(Settings):
    """What is made of the map."""

    run: str = Field(
        "run",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$",
        description="name of this run of the workflow: in the names of the map's files, and what it is kept under",
    )
    min_polygon_m2: float = Field(
        1000,
        ge=0,
        description="smaller polygons of cropland, and smaller holes in them, are smoothed away, true square metres",
    )


class Report(Settings):
    """What the report shows of what is licensed or private. Nothing but the report is made anew if this changes."""

    imagery: Literal["full", "overview", "none"] = Field(
        "overview",
        description="full: as sharp as the files, up to 2048 pixels across; overview: pixels at least four times as "
        "wide as the files'; none: no imagery",
    )
    labels: Literal["shown", "hidden"] = Field("shown", description="whether the places of human labels are shown")
    attribution: str | None = Field(None, min_length=1, description="who made the imagery, as its licence asks for it")


class Suggestions(Settings):
    """Where suggest_labels looks for places to label next."""

    count: int = Field(20, ge=1, le=10_000, description="number of places")
    place_m: float = Field(60, ge=5, le=5000, description="width and height of a place, metres")


class SampleDesign(Settings):
    """How many pixels design_sample draws from a map, after Olofsson et al. (2014)."""

    target_error: float = Field(0.02, gt=0, lt=0.5, description="wished standard error of the overall accuracy")
    expected_cropland: Fraction = Field(0.8, description="user's accuracy of cropland that is conjectured")
    expected_noncropland: Fraction = Field(0.9, description="user's accuracy of non-cropland that is conjectured")
    least: int = Field(50, ge=2, description="least pixels of a stratum")
    seed: int = Field(0, ge=0, description="seed of the draw")


class Config(Settings):
    """The whole configuration."""

    default_regions: tuple[str, ...] = Field((), description="regions that `all` builds; default: every region")
    regions: dict[str, Region] = Field(min_length=1, description="regions by name")
    segmentations: dict[str, AnySegmentation] = Field(
        {"kmeans10": KMeans()}, min_length=1, description="segmentations by name; the first is the default"
    )
    models: dict[str, AnyModel] = Field(
        {"unet_resnet50": Network()}, min_length=1, description="models by name; the first is the default"
    )
    experiments: dict[str, Experiment] = Field({}, description="experiments by name")
    sweeps: dict[str, Sweep] = Field({}, description="grids of experiments by name; sweep_NAME is a target")
    transfers: dict[str, Transfer] = Field({}, description="transfers between regions; transfer_NAME is a target")
    training: Training = Field(Training(), description="what concerns all trainings")
    map: Mapping = Field(Mapping(), description="what is made of the map")
    report: Report = Field(Report(), description="what the report shows")
    suggestions: Suggestions = Field(Suggestions(), description="where to label next")
    sampling: SampleDesign = Field(SampleDesign(), description="how a probability sample of the map is designed")
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        (0,), min_length=1, description="runs: each seed is a label draw and a start"
    )

    @property
    def transferred(self) -> list[str]:
        """The regions that have a part in a transfer."""
        ends = [name for transfer in self.transfers.values() for name in (*transfer.sources, *transfer.targets)]
        return list(dict.fromkeys(ends))
