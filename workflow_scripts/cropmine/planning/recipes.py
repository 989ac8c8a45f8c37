"""Label recipes: which labels make a training target, with every setting that changes a pixel of it."""

from cropmine.config.experiments import Experiment
from cropmine.config.regions import Region, WeakMap
from cropmine.config.schema import Config
from cropmine.planning.digests import digest_settings


def choose_weak_map(region: Region, experiment: Experiment) -> str:
    """The name of the weak map that an experiment uses in a region."""
    return experiment.weak_map or next(iter(region.weak))


def describe_weak_map(region: Region, name: str) -> dict:
    """The settings of a weak map, and those of the maps that it is a consensus of."""
    weak = region.weak[name]
    members = [region.weak[member] for member in weak.consensus]
    return {
        "weak": _dump_weak_map(weak),
        "members": [_dump_weak_map(member) for member in members],
    }


def _dump_weak_map(weak: WeakMap) -> dict:
    return weak.model_dump(mode="json", exclude={"year", "min_valid", "training_labels", "preset"})


def list_weak_files(region: Region, name: str) -> list[str]:
    """The files of a weak map: its own, or those of the maps that it is a consensus of."""
    maps = [region.weak[member] for member in region.weak[name].consensus] or [region.weak[name]]
    return [weak.path for weak in maps if weak.path is not None]


def list_registered(region: Region, name: str) -> list[str]:
    """Those maps that are moved by a measured shift: the weak map itself, or members of a consensus."""
    return [part for part in region.weak[name].consensus or [name] if region.weak[part].register_ == "auto"]


def choose_segmentation(config: Config, experiment: Experiment) -> str:
    """The name of the segmentation that an experiment uses."""
    return experiment.segmentation or next(iter(config.segmentations))


def resolve_recipe(region: Region, config: Config, experiment: Experiment, seed: int, fold: int | None) -> dict:
    """A label recipe in canonical form: every setting that changes a pixel of its targets and no other."""
    labels = experiment.mined or experiment.weak_classes
    weak = choose_weak_map(region, experiment) if labels else None
    registered = weak is not None and experiment.weak_classes and list_registered(region, weak)
    segmentation = choose_segmentation(config, experiment) if experiment.mined else None
    random = bool(experiment.mined and experiment.mined.random)
    return {
        "human": experiment.human,
        "draw": seed if 0 < experiment.human < 1 else 0,
        "fold": fold,
        "seed": seed if random else 0,
        "mined": experiment.mined.model_dump(mode="json") if experiment.mined else None,
        "min_valid": region.weak[weak].min_valid if weak and experiment.mined else None,
        "weak": describe_weak_map(region, weak) if weak else None,
        "weak_classes": sorted(experiment.weak_classes),
        "erode_m": experiment.erode_m,
        "split": region.split.model_dump(mode="json"),
        "labels": region.labels.model_dump(mode="json", exclude={"definition", "year"}) if region.labels else None,
        "weak_name": weak,
        "segmentation_name": segmentation,
        "segmentation": config.segmentations[segmentation].model_dump(mode="json") if segmentation else None,
    } | (describe_registration(config, experiment) if registered else {})


def describe_registration(config: Config, experiment: Experiment) -> dict:
    """The segmentation whose segments tell how an experiment's raw weak map is moved."""
    name = choose_segmentation(config, experiment)
    return {"registered_by": name, "registration": config.segmentations[name].model_dump(mode="json")}


def name_recipe(recipe: dict) -> str:
    """A folder name that spells a recipe and ends in 8 hex digits of its canonical form."""
    parts = []
    if recipe["human"]:
        parts.append(f"human{recipe['human']:g}")
        parts += [f"draw{recipe['draw']}"] if recipe["human"] < 1 else []
    if recipe["fold"] is not None:
        parts.append(f"fold{recipe['fold']}")
    if recipe["mined"]:
        parts += [("random-" if recipe["mined"]["random"] else "mined-") + spell_thresholds(recipe["mined"], "-")]
        parts.append(recipe["segmentation_name"])
    if recipe["weak_classes"]:
        classes = [{"cropland": "pos", "noncropland": "neg"}[name] for name in recipe["weak_classes"]]
        parts.append("weak-" + "-".join(classes) + (f"-eroded{recipe['erode_m']:g}" if recipe["erode_m"] else ""))
    if recipe["weak_name"]:
        parts.append(recipe["weak_name"])
    return "_".join([*parts, digest_settings(recipe)])


def spell_thresholds(mined: dict, joint: str) -> str:
    """Spell the thresholds of mining for a name, such as pos0.8-neg0.2."""
    parts = [
        f"{sign}{mined[key]:g}" for sign, key in (("pos", "cropland"), ("neg", "noncropland")) if mined[key] is not None
    ]
    return joint.join(parts)
