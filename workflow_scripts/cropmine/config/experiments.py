"""Settings of learning: segmentations, models, trainings, experiments, sweeps and transfers."""

import math
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from cropmine.config.base import WEAK_MAP_MODEL, Fraction, LabelClass, Settings

MOST_POINTS = 2000
SEGMENTATION_FIELDS = {
    "clusters": ("kmeans", "deep"),
    "scope": ("kmeans",),
    "smooth_px": ("kmeans", "deep"),
    "segment_m2": ("slic", "watershed"),
    "compactness": ("slic",),
    "features": ("kmeans", "slic", "watershed"),
}


class Segmentation(Settings):
    """How a tile is cut into segments."""

    method: Literal["kmeans", "slic", "watershed", "deep"] = Field(
        "kmeans",
        description="kmeans: connected pixels of one K-means cluster; slic: superpixels; watershed: basins of the "
        "gradient; deep: K-means on the features of a trained network",
    )
    clusters: int = Field(10, ge=1, le=250, description="number of clusters, K (kmeans, deep)")
    scope: Literal["tile", "region"] = Field(
        "tile", description="clusters of each tile, or one codebook for the region (kmeans)"
    )
    smooth_px: int = Field(
        1,
        ge=1,
        le=31,
        description="odd side of the majority filter over the clusters; 1: none (kmeans, deep)",
    )
    segment_m2: float = Field(5000, gt=0, description="mean area of a segment, true square metres (slic, watershed)")
    compactness: float = Field(
        1, gt=0, le=100, description="difference in colour, deviations of a band, that counts as one spacing (slic)"
    )
    experiment: str | None = Field(None, description="the trained experiment whose features are clustered (deep)")
    features: tuple[Literal["ndvi", "ndwi", "evi", "savi", "texture"], ...] = Field(
        (), description="indices and texture beside the bands (kmeans, slic, watershed)"
    )
    min_area_m2: float = Field(500, ge=0, description="smaller segments are dropped, true square metres")
    max_area_m2: float | None = Field(None, gt=0, description="larger segments are dropped, true square metres")
    sample_px: int = Field(100_000, ge=100, description="pixels drawn to fit the clusters")
    seed: int = Field(0, ge=0, description="seed of the draw and of K-means")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.smooth_px % 2 == 0:
            raise ValueError("smooth_px must be odd")
        if (self.experiment is None) == (self.method == "deep"):
            raise ValueError("`experiment` names a trained experiment and goes with `method: deep`")
        for name, methods in SEGMENTATION_FIELDS.items():
            if self.method not in methods and getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"{name} goes with method {' or '.join(methods)}, not {self.method}")
        return self


class ClassWeights(Settings):
    """How much a labelled pixel of each class counts in the loss."""

    cropland: float = Field(1, ge=0, description="weight of cropland")
    noncropland: float = Field(1, ge=0, description="weight of non-cropland")


class SourceWeights(Settings):
    """How much a labelled pixel counts in the loss, by where its label is from."""

    human: float = Field(1, ge=0, description="weight of human labels")
    mined: float = Field(1, ge=0, description="weight of mined labels")
    weak: float = Field(1, ge=0, description="weight of raw or eroded weak labels")
    random: float = Field(1, ge=0, description="weight of the random pixels that are a control of mined ones")


Option = bool | int | float | str | tuple[float, ...]


class Model(Settings):
    """A segmentation network and how it is trained."""

    architecture: str = Field("unet", description="decoder, by its name in segmentation-models-pytorch")
    encoder: str = Field("resnet50", description="encoder, by its name in segmentation-models-pytorch")
    encoder_weights: str | None = Field(
        "imagenet", description="pretrained weights by name, a file of encoder weights (.safetensors or .pt), or null"
    )
    decoder_channels: tuple[int, ...] | None = Field(
        None, description="channels of the decoder's stages; null: the library's"
    )
    loss: Literal["cross_entropy", "generalised_cross_entropy", "dice"] = Field(
        "cross_entropy", description="loss over labelled pixels; the generalised one forgives wrong labels"
    )
    noise_robustness: float = Field(
        0.7, gt=0, le=1, description="q of generalised_cross_entropy: near 0 cross entropy, 1 the mean absolute error"
    )
    class_weights: Literal["none", "balanced"] | ClassWeights = Field(
        "none",
        description="none: every labelled pixel counts alike; balanced: both classes weigh the same in a batch; or "
        "weights of cropland and noncropland",
    )
    source_weights: SourceWeights = Field(SourceWeights(), description="weights by source of the label")
    optimizer: str = Field("adam", description="optimiser, by its name in torch.optim")
    optimizer_options: dict[str, Option] = Field({}, description="its further options, such as weight_decay: 0.01")
    learning_rate: float = Field(1e-3, gt=0, le=1, description="highest learning rate")
    schedule: str = Field(
        "onecycle",
        description="learning rate over the steps: constant, cosine, onecycle or a name in torch.optim.lr_scheduler",
    )
    schedule_options: dict[str, Option] = Field({}, description="its further options; its length is that of training")
    steps: int = Field(2000, ge=1, description="optimiser steps, the same for every experiment")
    epochs: int = Field(10, ge=1, description="parts that the steps are divided into; each ends with a validation")
    batch_size: int = Field(8, ge=1, le=1024, description="patches a step")
    patch_px: int = Field(256, ge=32, le=2048, multiple_of=32, description="width and height of a patch, pixels")


class Forest(Settings):
    """A random forest over single pixels and their neighbourhoods: the baseline that networks have to beat."""

    method: Literal["random_forest"] = Field("random_forest", description="told from a network by this key")
    trees: int = Field(200, ge=1, le=2000, description="number of trees")
    max_depth: int | None = Field(None, ge=1, description="greatest depth of a tree; null: until leaves are pure")
    min_leaf: int = Field(5, ge=1, description="least samples of a leaf")
    sample_px: int = Field(20_000, ge=10, description="labelled pixels drawn of each class")
    neighbourhood_px: tuple[Annotated[int, Field(ge=3, le=101)], ...] = Field(
        (3, 9), description="odd sides of windows whose mean and deviation of each band are features"
    )
    features: str | None = Field(None, description="one of the region's `features`, used in place of the bands")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if any(size % 2 == 0 for size in self.neighbourhood_px):
            raise ValueError("neighbourhood_px must be odd")
        return self


def _tell_model(value: Any) -> str:
    if isinstance(value, Forest):
        return "forest"
    return "forest" if isinstance(value, dict) and "method" in value else "network"


AnyModel = Annotated[Annotated[Model, Tag("network")] | Annotated[Forest, Tag("forest")], Discriminator(_tell_model)]


class Training(Settings):
    """What concerns all trainings."""

    tiles: Literal["all"] | Annotated[int, Field(ge=1)] | tuple[str, ...] = Field(
        "all", description="tiles that are segmented and train: all, a count drawn by the seed, or names"
    )
    cpu_threads: int = Field(
        2, ge=1, le=256, description="CPU threads of a training; a setting, since it changes the last digits"
    )
    precision: Literal["auto", "32", "bf16"] = Field(
        "auto", description="auto: bfloat16 where the hardware is fast at it"
    )
    gpus: int = Field(
        1, ge=1, le=64, description="GPUs of a training, where there are any; each takes its part of every batch"
    )


class Mined(Settings):
    """Segments on which the weak map is nearly unanimous."""

    cropland: Fraction | None = Field(None, description="a segment with a higher weak fraction is cropland")
    noncropland: Fraction | None = Field(None, description="a segment with a lower weak fraction is non-cropland")
    random: bool = Field(False, description="control: as many random pixels instead of those mined")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.cropland is None and self.noncropland is None:
            raise ValueError("names neither cropland nor noncropland")
        if self.cropland is not None and self.noncropland is not None and self.cropland <= self.noncropland:
            raise ValueError("the cropland threshold must be above the noncropland threshold")
        return self


class Experiment(Settings):
    """A label recipe, a model and the settings of training."""

    human: Fraction = Field(0, description="fraction of the human training labels of each class")
    mined: Mined | None = Field(None, description="mined labels, by threshold")
    weak_classes: tuple[LabelClass, ...] = Field((), description="classes of raw weak labels")
    erode_m: float = Field(0, ge=0, le=10_000, description="only weak labels this far inside their class, metres")
    weak_map: str | None = Field(None, description="weak map by name; default: the region's first")
    segmentation: str | None = Field(None, description="segmentation by name; default: the first")
    model: str | None = Field(
        None, description="model by name; default: the first; weak_map: the weak map itself, untrained"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.model == WEAK_MAP_MODEL:
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


class Sweep(Settings):
    """A grid of experiments around a base one."""

    base: str = Field(description="the experiment that the grid changes")
    grid: dict[str, Annotated[tuple[Any, ...], Field(min_length=1)]] = Field(
        min_length=1,
        description="values by dotted key of an experiment, such as mined.cropland, human or segmentation.clusters",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (points := math.prod(map(len, self.grid.values()))) > MOST_POINTS:
            raise ValueError(f"a grid of {points} points, and at most {MOST_POINTS} are tried")
        return self


class Transfer(Settings):
    """What the human labels of some regions are worth in others, and what mined labels add there."""

    sources: Annotated[tuple[str, ...], Field(min_length=1)] = Field(description="regions whose human labels teach")
    targets: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        description="regions that are tested, each by every source but itself"
    )
    human: Annotated[float, Field(gt=0, le=1)] = Field(1.0, description="fraction of the human labels of each class")
    mined: Mined = Field(
        Mined(cropland=0.8, noncropland=0.2), description="labels mined in the target, by threshold; both classes"
    )
    segmentation: str | None = Field(None, description="segmentation by name; default: the first")
    model: str | None = Field(None, description="network by name; default: the first model")
    normalise: Literal["target", "source"] = Field(
        "target", description="whose statistics normalise the target's imagery: its own, or the source's"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.mined.cropland is None or self.mined.noncropland is None or self.mined.random:
            raise ValueError("mined labels teach alone here, so mined needs both cropland and noncropland, not random")
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
