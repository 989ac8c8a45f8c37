"""The configuration: its models, defaults and descriptions."""

from typing import Annotated, Literal

from pydantic import Field

from cropmine.config.base import Fraction, Settings
from cropmine.config.experiments import Experiment, Sweep, Training, Transfer
from cropmine.config.models import AnyModel, Network
from cropmine.config.regions import Region
from cropmine.config.segmentations import AnySegmentation, KMeans


class Mapping(Settings):
    """The map's name and its polygons."""

    run: str = Field(
        "run",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$",
        description="name of this run of the workflow, for the map's files and the folder that keeps the run",
    )
    min_polygon_m2: float = Field(
        1000,
        ge=0,
        description="smaller cropland polygons are removed and smaller holes filled, true square metres",
    )


class Report(Settings):
    """What the report shows of licensed imagery and private labels. A change rebuilds only the report."""

    imagery: Literal["full", "overview", "none"] = Field(
        "overview",
        description="full: resolution of the files, up to 2048 pixels across; overview: pixels at least four times as "
        "wide as those of the files; none: no imagery",
    )
    labels: Literal["shown", "hidden"] = Field("shown", description="whether the locations of human labels are shown")
    attribution: str | None = Field(None, min_length=1, description="credit for the imagery, as its licence requires")


class Suggestions(Settings):
    """Places to label next, from `snakemake suggest`."""

    count: int = Field(20, ge=1, le=10_000, description="number of places")
    place_m: float = Field(60, ge=5, le=5000, description="width and height of a place, metres")


class SampleDesign(Settings):
    """How many pixels `snakemake sample` draws from a map, after Olofsson et al. (2014)."""

    target_error: float = Field(0.02, gt=0, lt=0.5, description="target standard error of the overall accuracy")
    expected_cropland: Fraction = Field(0.8, description="expected user's accuracy of cropland")
    expected_noncropland: Fraction = Field(0.9, description="expected user's accuracy of non-cropland")
    least: int = Field(50, ge=2, description="smallest number of pixels in a stratum")
    seed: int = Field(0, ge=0, description="seed for drawing pixels")


class Config(Settings):
    """The whole configuration."""

    default_regions: tuple[str, ...] = Field(
        (), description="regions that `snakemake` builds by default; if empty, every region"
    )
    regions: dict[str, Region] = Field(min_length=1, description="regions by name")
    segmentations: dict[str, AnySegmentation] = Field(
        {"kmeans10": KMeans()}, min_length=1, description="segmentations by name; the first is the default"
    )
    models: dict[str, AnyModel] = Field(
        {"unet_resnet50": Network()}, min_length=1, description="models by name; the first is the default"
    )
    experiments: dict[str, Experiment] = Field({}, description="experiments by name")
    sweeps: dict[str, Sweep] = Field({}, description="grids of experiments by name; `snakemake sweep_NAME` runs one")
    transfers: dict[str, Transfer] = Field(
        {}, description="transfers between regions by name; `snakemake transfer_NAME` runs one"
    )
    training: Training = Field(Training(), description="settings of all training runs")
    map: Mapping = Field(Mapping(), description="the map's name and its polygons")
    report: Report = Field(Report(), description="what the report shows")
    suggestions: Suggestions = Field(Suggestions(), description="places to label next")
    sampling: SampleDesign = Field(SampleDesign(), description="design of a probability sample of the map")
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        (0,), min_length=1, description="seeds of the training runs: each seed draws labels and starts a run"
    )

    @property
    def transferred(self) -> list[str]:
        """The regions that are a source or a target of a transfer."""
        ends = [name for transfer in self.transfers.values() for name in (*transfer.sources, *transfer.targets)]
        return list(dict.fromkeys(ends))
