"""Runs of experiments: one training each, and what their models are, read besides imagery, or average."""

from dataclasses import dataclass
from typing import Any

from cropmine.config.experiments import Training
from cropmine.config.models import Model
from cropmine.config.segmentations import Segmentation
from cropmine.planning.digests import digest_settings
from cropmine.planning.recipes import WeakSource

FUSED = "fused"  # in the place of a recipe, for models that are trained on no labels of their own


@dataclass(frozen=True)
class Run:
    """One training of an experiment: the folders of its labels and its model. A run of the weak map has no recipe."""

    name: str
    seed: int
    fold: int | None
    recipe: str
    model: str


@dataclass(frozen=True)
class ModelReads:
    """What a model reads of a tile besides imagery: a weak map, and segments by name and settings."""

    weak: WeakSource | None
    segmentation: tuple[str, Segmentation]

    @property
    def settings(self) -> dict[str, Any]:
        """What changes the features of a pixel, as plain values."""
        name, segmentation = self.segmentation
        return {
            "weak": self.weak.settings if self.weak else None,
            "segmentation_name": name,
            "segmentation": segmentation.model_dump(mode="json"),
        }


@dataclass(frozen=True)
class Voice:
    """What a fusion averages: a trained model, by its run, or the weak map smoothed over a square, metres."""

    run: Run | None
    smooth_m: float | None = None


@dataclass(frozen=True)
class Voices:
    """The voices of a fused run, and the tree of their places: those in a bracket are averaged first."""

    voices: tuple[Voice, ...]
    tree: list[Any]


@dataclass(frozen=True)
class ModelSettings:
    """What a model is and how it is trained; which tiles train is the region's affair.

    fused: what names the models that a fusion averages; None of other models.
    """

    model: Model
    training: Training
    reads: ModelReads | None = None
    fused: tuple[Any, ...] | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """What a training reads, as plain values."""
        training = self.training.model_dump(mode="json", exclude={"tiles"})
        return {"model": self.model.model_dump(mode="json"), "training": training}

    def spell(self, name: str) -> str:
        """A folder name: that of the model and 8 hex digits of all settings."""
        further: dict[str, Any] = {"reads": self.reads.settings} if self.reads else {}
        further |= {"fused": self.fused} if self.fused else {"tiles": self.training.tiles}
        return f"{name}_{digest_settings(self.settings | further)}"


NO_VOICES = Voices((), [])
