"""Kinds of models, losses of networks, and their settings.

To add a loss, write its module in cropmine/training/losses/ (losses/weighting.py says what it must define) and register
the class of its settings here. To add a kind of model, write its module in cropmine/training/models/
(training/predictors.py says what it must define) and register the class of its settings.
"""

from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from cropmine.config.base import Settings
from cropmine.config.registry import Kind, Registry
from cropmine.errors import CropmineError


class Loss(Kind):
    """What a network minimises over the labelled pixels of a batch."""


LOSSES: Registry[Loss] = Registry()
AnyLoss = Annotated[Loss, LOSSES]


@LOSSES.register
class CrossEntropy(Loss):
    """Cross entropy: the weighted mean over pixels."""

    module: ClassVar[str] = "cropmine.training.losses.cross_entropy"
    method: Literal["cross_entropy"] = Field("cross_entropy", description="cross entropy")


@LOSSES.register
class GeneralisedCrossEntropy(Loss):
    """Generalised cross entropy (Zhang and Sabuncu 2018), which is robust to wrong labels."""

    module: ClassVar[str] = "cropmine.training.losses.generalised_cross_entropy"
    method: Literal["generalised_cross_entropy"] = Field(
        "generalised_cross_entropy", description="generalised cross entropy, robust to wrong labels"
    )
    noise_robustness: float = Field(
        0.7, gt=0, le=1, description="q of the loss: near 0 it is cross entropy, at 1 the mean absolute error"
    )


@LOSSES.register
class Dice(Loss):
    """Dice loss: 1 minus the weighted mean over classes of the overlap of probability and label."""

    module: ClassVar[str] = "cropmine.training.losses.dice"
    method: Literal["dice"] = Field("dice", description="Dice loss")


class ClassWeights(Settings):
    """How much a labelled pixel of each class counts in the loss."""

    cropland: float = Field(1, ge=0, description="weight of cropland")
    noncropland: float = Field(1, ge=0, description="weight of non-cropland")


class SourceWeights(Settings):
    """How much a labelled pixel counts in the loss, by the source of its label."""

    human: float = Field(1, ge=0, description="weight of human labels")
    mined: float = Field(1, ge=0, description="weight of mined labels")
    weak: float = Field(1, ge=0, description="weight of raw or eroded weak labels")
    random: float = Field(1, ge=0, description="weight of random pixels, the control of mined labels")


Option = bool | int | float | str | tuple[float, ...]


class Model(Kind):
    """A model that learns cropland from training targets.

    rule: the rule that trains it; file: the name of a trained model's file; suffixes: of files that its module reads;
    is_network: whether it is trained in steps, has a decoder whose features can be clustered, and can be transferred.
    """

    rule: ClassVar[str]
    file: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    is_network: ClassVar[bool] = False

    @property
    def reads_segments(self) -> bool:
        """Whether the model reads the segments of a tile, and the weak map's share in each."""
        return False

    @property
    def reads_weak_map(self) -> bool:
        """Whether the model reads the weak map."""
        return False


MODELS: Registry[Model] = Registry()
AnyModel = Annotated[Model, MODELS]


@MODELS.register
class Network(Model):
    """A segmentation network and how it is trained."""

    module: ClassVar[str] = "cropmine.training.models.network"
    rule: ClassVar[str] = "train_model"
    file: ClassVar[str] = "model.ckpt"
    suffixes: ClassVar[tuple[str, ...]] = (".ckpt", ".safetensors")
    is_network: ClassVar[bool] = True
    method: Literal["network"] = Field("network", description="a segmentation network")
    architecture: str = Field("unet", description="decoder, by its name in segmentation-models-pytorch")
    encoder: str = Field("resnet50", description="encoder, by its name in segmentation-models-pytorch")
    encoder_weights: str | None = Field(
        "imagenet", description="pretrained weights by name, a file of encoder weights (.safetensors or .pt), or null"
    )
    decoder_channels: tuple[int, ...] | None = Field(
        None, description="channels of the decoder's stages; null: the defaults of segmentation-models-pytorch"
    )
    loss: AnyLoss = Field(CrossEntropy(), description="loss over labelled pixels")
    class_weights: Literal["none", "balanced"] | ClassWeights = Field(
        "none",
        description="none: every labelled pixel counts the same; balanced: both classes count the same in a batch; or "
        "weights of cropland and noncropland",
    )
    source_weights: SourceWeights = Field(SourceWeights(), description="weights by source of the label")
    optimizer: str = Field("adam", description="optimiser, by its name in torch.optim")
    optimizer_options: dict[str, Option] = Field(
        {}, description="other options of the optimiser, such as weight_decay: 0.01"
    )
    learning_rate: float = Field(1e-3, gt=0, le=1, description="highest learning rate")
    schedule: str = Field(
        "onecycle",
        description="learning rate over the steps: constant, cosine, onecycle or a name in torch.optim.lr_scheduler",
    )
    schedule_options: dict[str, Option] = Field(
        {}, description="other options of the schedule; its length is the number of steps"
    )
    steps: int = Field(2000, ge=1, description="optimiser steps, the same for every experiment")
    epochs: int = Field(
        10, ge=1, description="number of parts that the steps are divided into; each ends with a validation"
    )
    batch_size: int = Field(8, ge=1, le=1024, description="patches in a step")
    patch_px: int = Field(256, ge=32, le=2048, multiple_of=32, description="width and height of a patch, pixels")


@MODELS.register
class RandomForest(Model):
    """A random forest over single pixels and their neighbourhoods, the baseline for networks."""

    module: ClassVar[str] = "cropmine.training.models.random_forest"
    rule: ClassVar[str] = "train_forest"
    file: ClassVar[str] = "forest.npz"
    suffixes: ClassVar[tuple[str, ...]] = (".npz",)
    method: Literal["random_forest"] = Field("random_forest", description="a random forest")
    trees: int = Field(200, ge=1, le=2000, description="number of trees")
    max_depth: int | None = Field(None, ge=1, description="greatest depth of a tree; null: grow until leaves are pure")
    min_leaf: int = Field(5, ge=1, description="smallest number of samples in a leaf")
    sample_px: int = Field(20_000, ge=10, description="number of labelled pixels drawn from each class")
    neighbourhood_px: tuple[Annotated[int, Field(ge=3, le=101)], ...] = Field(
        (3, 9),
        description="widths of windows, odd, pixels; the mean and standard deviation of each band in a window are "
        "features",
    )
    features: str | None = Field(None, description="name of one of the region's `features` to use instead of the bands")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if any(size % 2 == 0 for size in self.neighbourhood_px):
            raise ValueError("neighbourhood_px must be odd")
        return self


@MODELS.register
class ExtraTrees(Model):
    """Extremely randomised trees over pixels; each class has the share that it has among the labels."""

    module: ClassVar[str] = "cropmine.training.models.extra_trees"
    rule: ClassVar[str] = "train_trees"
    file: ClassVar[str] = "model.trees"
    suffixes: ClassVar[tuple[str, ...]] = (".trees",)
    method: Literal["extra_trees"] = Field("extra_trees", description="extremely randomised trees")
    trees: int = Field(50, ge=1, le=2000, description="number of trees")
    min_leaf: int = Field(5, ge=1, description="smallest number of samples in a leaf")
    sample_px: int = Field(
        25_000, ge=10, description="number of labelled pixels drawn, at the classes' shares among the labels"
    )
    weigh: Literal["pixels", "labels"] = Field(
        "pixels",
        description="pixels: every labelled pixel counts the same; labels: every label counts the same, whatever its "
        "size (a label is connected labelled pixels of a class)",
    )
    indices: tuple[Literal["ndvi", "ndwi", "evi", "savi"], ...] = Field(
        (), description="spectral indices to use in addition to the bands"
    )
    neighbourhood_px: tuple[Annotated[int, Field(ge=3, le=101)], ...] = Field(
        (3, 9),
        description="widths of windows, odd, pixels; the mean and standard deviation of each band in a window are "
        "features",
    )
    segments: bool = Field(False, description="whether the means of the pixel's segment are features")
    weak_map: bool = Field(False, description="whether the weak map around the pixel is a feature")

    @property
    def reads_segments(self) -> bool:
        return self.segments or self.weak_map

    @property
    def reads_weak_map(self) -> bool:
        return self.weak_map

    @model_validator(mode="after")
    def _check(self) -> Self:
        if any(size % 2 == 0 for size in self.neighbourhood_px):
            raise ValueError("neighbourhood_px must be odd")
        return self


class Fusion(Model):
    """The mean of the probabilities of other experiments' models. It isn't registered: experiments with `fuse` make it.

    voices: names of experiments, and brackets of names that are averaged first.
    """

    module: ClassVar[str] = "cropmine.training.models.fusion"
    rule: ClassVar[str] = "fuse_models"
    file: ClassVar[str] = "model.fusion"
    suffixes: ClassVar[tuple[str, ...]] = (".fusion",)
    method: Literal["fusion"] = "fusion"

    @property
    def reads_segments(self) -> bool:
        return True

    @property
    def reads_weak_map(self) -> bool:
        return True


def list_kinds() -> list[type[Model]]:
    """All kinds of trained models: those that the configuration may name, and fusions of them."""
    return [*MODELS.kinds.values(), Fusion]


def list_suffixes() -> list[str]:
    """The suffixes of the files of trained models."""
    return [suffix for kind in list_kinds() for suffix in kind.suffixes]


def find_kind_of_file(path: str | Path) -> type[Model]:
    """Find the kind of a trained model by its file's suffix. Raises CropmineError if no kind has it."""
    for kind in list_kinds():
        if Path(path).suffix in kind.suffixes:
            return kind
    raise CropmineError(path, "isn't named like a trained model", f"its name ends in {' or '.join(list_suffixes())}")
