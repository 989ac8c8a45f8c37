"""Settings of training runs, experiments, sweeps and transfers."""

import math
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from cropmine.config.base import WEAK_MAP_MODEL, Fraction, LabelClass, Settings

MOST_POINTS = 2000
Voice = str | Annotated[tuple[str, ...], Field(min_length=1)]


class Training(Settings):
    """Settings of all training runs."""

    tiles: Literal["all"] | Annotated[int, Field(ge=1)] | tuple[str, ...] = Field(
        "all", description="tiles to segment and train on: all, a number of tiles drawn by the seed, or names"
    )
    cpu_threads: int = Field(
        2, ge=1, le=256, description="CPU threads of a training run; the number changes the last digits of results"
    )
    precision: Literal["auto", "32", "bf16"] = Field(
        "auto", description="number format; auto: bfloat16 on hardware that is fast at it, else 32"
    )
    gpus: int = Field(
        1, ge=1, le=64, description="GPUs of a training run, if there are any; each processes its part of every batch"
    )


class Mined(Settings):
    """Segments on which the weak map is nearly unanimous."""

    cropland: Fraction | None = Field(None, description="a segment with a higher weak fraction is cropland")
    noncropland: Fraction | None = Field(None, description="a segment with a lower weak fraction is non-cropland")
    random: bool = Field(False, description="control: label the same number of random pixels instead of the mined ones")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.cropland is None and self.noncropland is None:
            raise ValueError("names neither cropland nor noncropland")
        if self.cropland is not None and self.noncropland is not None and self.cropland <= self.noncropland:
            raise ValueError("the cropland threshold must be above the noncropland threshold")
        return self


class Experiment(Settings):
    """A label recipe and a model."""

    human: Fraction = Field(0, description="fraction of the human training labels of each class")
    mined: Mined | None = Field(None, description="thresholds of mined labels; null: no mined labels")
    weak_classes: tuple[LabelClass, ...] = Field((), description="classes of raw weak labels to train on")
    erode_m: float = Field(
        0, ge=0, le=10_000, description="drop weak labels nearer than this to the edge of their class, metres"
    )
    weak_map: str | None = Field(None, description="weak map by name; default: the region's first")
    segmentation: str | None = Field(None, description="segmentation by name; default: the first")
    model: str | None = Field(
        None, description="model by name; default: the first; weak_map: score the weak map itself, without training"
    )
    smooth_m: float | None = Field(
        None,
        gt=0,
        le=10_000,
        description="with model weak_map: make a probability of the map, the average of its mean over a square of this "
        "side, metres, and its share in the pixel's segment; such as 70",
    )
    fuse: tuple[Voice, ...] = Field(
        (),
        description="experiments whose probabilities are averaged; experiments in an inner list are averaged first",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.smooth_m is not None and self.model != WEAK_MAP_MODEL:
            raise ValueError("smooth_m goes with model weak_map")
        if self.fuse:
            if self.human or self.mined or self.weak_classes or self.model:
                raise ValueError("a fusion averages other experiments and has neither labels nor a model of its own")
        elif self.model == WEAK_MAP_MODEL:
            if self.human or self.mined or self.weak_classes:
                raise ValueError("model weak_map is the weak map itself and takes no labels")
        elif not (self.human or self.mined or self.weak_classes):
            raise ValueError("names no labels to train on: human, mined or weak_classes")
        if self.erode_m and not self.weak_classes:
            raise ValueError("erode_m goes with weak_classes")
        return self

    @property
    def uses_weak_map(self) -> bool:
        return bool(self.mined or self.weak_classes or self.model == WEAK_MAP_MODEL)

    @property
    def voices(self) -> list[str]:
        """The experiments that a fusion averages, brackets opened."""
        return [name for voice in self.fuse for name in ([voice] if isinstance(voice, str) else voice)]

    @property
    def averages(self) -> bool:
        """Whether its map is an average of other maps: of several models, or of the weak map's neighbourhood."""
        return bool(self.fuse) or self.smooth_m is not None

    @property
    def trains(self) -> bool:
        """Whether a model file is made for it; the weak map as it is has none."""
        return self.model != WEAK_MAP_MODEL or self.averages


class Sweep(Settings):
    """A grid of experiments around a base one."""

    base: str = Field(description="experiment that the grid changes")
    grid: dict[str, Annotated[tuple[Any, ...], Field(min_length=1)]] = Field(
        min_length=1,
        description="values by key of the experiment; a dot reaches a nested key, as in mined.cropland and "
        "segmentation.clusters",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (points := math.prod(map(len, self.grid.values()))) > MOST_POINTS:
            raise ValueError(f"a grid of {points} points, and at most {MOST_POINTS} are tried")
        return self


class Transfer(Settings):
    """Train on human labels of some regions, test in others, and measure what mined labels add there."""

    sources: Annotated[tuple[str, ...], Field(min_length=1)] = Field(description="regions whose human labels train")
    targets: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        description="regions whose labels test; each is paired with every source but itself"
    )
    human: Annotated[float, Field(gt=0, le=1)] = Field(1.0, description="fraction of the human labels of each class")
    mined: Mined = Field(
        Mined(cropland=0.8, noncropland=0.2),
        description="thresholds of labels mined in the target; both classes are required",
    )
    segmentation: str | None = Field(None, description="segmentation by name; default: the first")
    model: str | None = Field(None, description="network by name; default: the first model")
    normalise: Literal["target", "source"] = Field(
        "target", description="statistics that normalise the target's imagery: its own, or the source's"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.mined.cropland is None or self.mined.noncropland is None or self.mined.random:
            raise ValueError(
                "a transfer also trains on mined labels alone, so mined needs both cropland and noncropland, not random"
            )
        return self

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The pairs of a source and a target."""
        return [(source, target) for target in self.targets for source in self.sources if source != target]

    @property
    def human_experiment(self) -> Experiment:
        """The human labels of a region alone."""
        return Experiment(human=self.human, model=self.model)

    @property
    def mined_experiment(self) -> Experiment:
        """The mined labels of a region alone."""
        return Experiment(mined=self.mined, segmentation=self.segmentation, model=self.model)
