"""Label recipes: which labels make a training target, with every setting that changes a pixel of it."""

from dataclasses import dataclass
from typing import Any

from pydantic import Field

from cropmine.config.base import Settings
from cropmine.config.experiments import Experiment, Mined
from cropmine.config.regions import Labels, Region, Split, WeakMap
from cropmine.config.schema import Config
from cropmine.config.segmentations import Segmentation
from cropmine.planning.digests import digest_settings

SIGNS = {"cropland": "pos", "noncropland": "neg"}


@dataclass(frozen=True)
class WeakSource:
    """A weak map by its name in the region, and the maps that it is a consensus of."""

    name: str
    weak: WeakMap
    members: tuple[WeakMap, ...] = ()

    @property
    def settings(self) -> dict[str, Any]:
        """What load_weak reads: every setting that changes how the map is read."""
        return {"weak": _dump_weak_map(self.weak), "members": [_dump_weak_map(member) for member in self.members]}

    @property
    def unguarded(self) -> dict[str, Any]:
        """The settings where a guard, which is for mining, isn't read."""
        return self.settings | {"weak": self.settings["weak"] | {"guard_m": 0}}

    @property
    def unmoved(self) -> dict[str, Any]:
        """The settings of the map as its file has it: without a guard or a shift."""
        return self.settings | {"weak": self.settings["weak"] | {"guard_m": 0, "register": "off"}}

    @property
    def files(self) -> list[str]:
        """The file of the map, or those of the maps that it is a consensus of."""
        return [weak.path for weak in self.members or [self.weak] if weak.path is not None]


def _dump_weak_map(weak: WeakMap) -> dict[str, Any]:
    return weak.model_dump(mode="json", exclude={"year", "min_valid", "training_labels", "preset"})


class TargetSettings(Settings):
    """What burning a target reads of its recipe; the settings of its segments and masks reach it by their files.

    human: fraction of the human labels that `split_of` trains by fold and folds, drawn by `draw`; weak: as load_weak
    takes it; weak_classes and erode_m: raw weak labels; mined, min_valid: mined labels; seed: of random ones.
    """

    human: float = 0
    draw: int = 0
    fold: int | None = None
    folds: int | None = None
    weak: dict[str, Any] = Field(default_factory=dict)
    weak_classes: tuple[str, ...] = ()
    erode_m: float = 0
    mined: Mined | None = None
    min_valid: float = 0
    seed: int = 0


@dataclass(frozen=True)
class Recipe:
    """Which labels make a training target, and from what.

    draw: of human labels; seed: of random pixels; weak: the map that labels are mined or taken from; segmentation: that
    of mined labels; registered_by: the segmentation by which the map of raw weak labels is moved. Segmentations are
    given by their names and settings.
    """

    human: float
    draw: int
    fold: int | None
    seed: int
    mined: Mined | None
    weak: WeakSource | None
    weak_classes: tuple[str, ...]
    erode_m: float
    split: Split
    labels: Labels | None
    segmentation: tuple[str, Segmentation] | None
    registered_by: tuple[str, Segmentation] | None

    @property
    def min_valid(self) -> float | None:
        """The least share of valid weak pixels of a mined segment; None if nothing is mined."""
        return self.weak.weak.min_valid if self.weak and self.mined else None

    @property
    def target(self) -> TargetSettings:
        """What burning a target reads."""
        raw, folded = bool(self.weak_classes), self.human and self.fold is not None
        return TargetSettings(
            human=self.human,
            draw=self.draw,
            fold=self.fold if folded else None,
            folds=self.split.folds if folded else None,
            weak=self.weak.unguarded if self.weak and raw else {},
            weak_classes=self.weak_classes,
            erode_m=self.erode_m,
            mined=self.mined,
            min_valid=self.min_valid or 0,
            seed=self.seed,
        )

    @property
    def settings(self) -> dict[str, Any]:
        """Every setting that changes a pixel of a target, and no other, as plain values."""
        named = {
            "human": self.human,
            "draw": self.draw,
            "fold": self.fold,
            "seed": self.seed,
            "mined": self.mined.model_dump(mode="json") if self.mined else None,
            "min_valid": self.min_valid,
            "weak": self.weak.settings if self.weak else None,
            "weak_classes": list(self.weak_classes),
            "erode_m": self.erode_m,
            "split": self.split.model_dump(mode="json"),
            "labels": dump_labels(self.labels) if self.labels else None,
            "weak_name": self.weak.name if self.weak else None,
            "segmentation_name": self.segmentation[0] if self.segmentation else None,
            "segmentation": self.segmentation[1].model_dump(mode="json") if self.segmentation else None,
        }
        if self.registered_by:
            name, segmentation = self.registered_by
            named |= {"registered_by": name, "registration": segmentation.model_dump(mode="json")}
        return named

    @property
    def name(self) -> str:
        """A folder name that spells the recipe and ends in 8 hex digits of its settings in canonical form."""
        parts = []
        if self.human:
            parts.append(f"human{self.human:g}")
            parts += [f"draw{self.draw}"] if self.human < 1 else []
        if self.fold is not None:
            parts.append(f"fold{self.fold}")
        if self.mined and self.segmentation:
            parts.append(("random-" if self.mined.random else "mined-") + spell_thresholds(self.mined, "-"))
            parts.append(self.segmentation[0])
        if self.weak_classes:
            eroded = f"-eroded{self.erode_m:g}" if self.erode_m else ""
            parts.append("weak-" + "-".join(SIGNS[name] for name in self.weak_classes) + eroded)
        parts += [self.weak.name] if self.weak else []
        return "_".join([*parts, digest_settings(self.settings)])


def dump_labels(labels: Labels) -> dict[str, Any]:
    """The settings by which human labels are read."""
    return labels.model_dump(mode="json", exclude={"definition", "year"})


def spell_thresholds(mined: Mined, joint: str) -> str:
    """Spell the thresholds of mining for a name, such as pos0.8-neg0.2."""
    thresholds = {"pos": mined.cropland, "neg": mined.noncropland}
    return joint.join(f"{sign}{threshold:g}" for sign, threshold in thresholds.items() if threshold is not None)


def choose_weak_map(region: Region, experiment: Experiment) -> str:
    """The name of the weak map that an experiment uses in a region."""
    return experiment.weak_map or next(iter(region.weak))


def find_weak_source(region: Region, name: str) -> WeakSource:
    """A weak map of a region with the maps that it is a consensus of."""
    weak = region.weak[name]
    return WeakSource(name, weak, tuple(region.weak[member] for member in weak.consensus))


def list_registered(region: Region, name: str) -> list[str]:
    """Those maps that are moved by a measured shift: the weak map itself, or members of a consensus."""
    return [part for part in region.weak[name].consensus or [name] if region.weak[part].register_ == "auto"]


def choose_segmentation(config: Config, experiment: Experiment) -> str:
    """The name of the segmentation that an experiment uses."""
    return experiment.segmentation or next(iter(config.segmentations))


def resolve_recipe(region: Region, config: Config, experiment: Experiment, seed: int, fold: int | None) -> Recipe:
    """The label recipe of an experiment's run in a region: every setting that changes a pixel of its targets."""
    used = choose_weak_map(region, experiment) if experiment.mined or experiment.weak_classes else None
    moved = used is not None and experiment.weak_classes and list_registered(region, used)
    name = choose_segmentation(config, experiment)
    segmentation = name, config.segmentations[name]
    random = bool(experiment.mined and experiment.mined.random)
    return Recipe(
        human=experiment.human,
        draw=seed if 0 < experiment.human < 1 else 0,
        fold=fold,
        seed=seed if random else 0,
        mined=experiment.mined,
        weak=find_weak_source(region, used) if used else None,
        weak_classes=tuple(sorted(experiment.weak_classes)),
        erode_m=experiment.erode_m,
        split=region.split,
        labels=region.labels,
        segmentation=segmentation if experiment.mined else None,
        registered_by=segmentation if moved else None,
    )
