"""Conflicts of a configuration: what its models can't see one by one."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from cropmine.config.base import NAME, TILE_NAME, WEAK_MAP_MODEL
from cropmine.config.experiments import Experiment, Transfer
from cropmine.config.regions import Region
from cropmine.config.schema import Config
from cropmine.errors import CropmineError, hint_at

RESERVED_REGIONS = ("transfer", "logs", "benchmarks", "runs", "comparisons")  # folders of results/ that are no region's


def find_conflicts(config: Config) -> Iterator[CropmineError]:
    """Yield a fault for every name that can't be used or isn't known, and for settings that don't go together."""
    yield from _check_names(config)
    for name, region in config.regions.items():
        yield from _check_region(name, region, config)
    yield from _check_references(config)
    yield from _check_simulations(config.regions)


def _check_names(config: Config) -> Iterator[CropmineError]:
    for kind in ("regions", "segmentations", "models", "experiments", "sweeps", "transfers"):
        for name in getattr(config, kind):
            yield from _check_name(name, kind)
    for name in RESERVED_REGIONS:
        if name in config.regions:
            yield CropmineError(f"regions.{name}", "results/ has a folder of this name", "give the region another name")
    if WEAK_MAP_MODEL in config.models:
        yield CropmineError(
            f"models.{WEAK_MAP_MODEL}", "the name is taken by the weak map itself", "give the model another name"
        )


def _check_name(name: str, where: str) -> Iterator[CropmineError]:
    if not NAME.fullmatch(name):
        yield CropmineError(
            where, f"{name!r} isn't a name", "use letters, digits and underscores, at most 64, a letter or digit first"
        )


def _check_references(config: Config) -> Iterator[CropmineError]:
    yield from _check_known(config.default_regions, config.regions, "default_regions", "a region")
    for name, segmentation in config.segmentations.items():
        if segmentation.network_of is not None:
            yield from _check_taught(f"segmentations.{name}.experiment", segmentation.network_of, config)
    for name, experiment in config.experiments.items():
        yield from check_experiment(f"experiments.{name}", experiment, name, config)
    yield from _check_fusions(config)
    for name, sweep in config.sweeps.items():
        yield from _check_known([sweep.base], config.experiments, f"sweeps.{name}.base", "an experiment")
    for name, transfer in config.transfers.items():
        yield from _check_transfer(f"transfers.{name}", transfer, config)


def _check_transfer(where: str, transfer: Transfer, config: Config) -> Iterator[CropmineError]:
    named = {"sources": transfer.sources, "targets": transfer.targets}
    for key, names in named.items():
        yield from _check_known(names, config.regions, f"{where}.{key}", "a region")
    yield from _check_known([transfer.segmentation], config.segmentations, f"{where}.segmentation", "a segmentation")
    yield from _check_known([transfer.model], config.models, f"{where}.model", "a model")
    if not transfer.pairs:
        yield CropmineError(where, "no target has a source other than itself", "name two regions or more")
    model = config.models.get(transfer.model or next(iter(config.models)))
    if model is not None and not model.is_network:
        yield CropmineError(f"{where}.model", "is no network", f"it is a {model.name()}; name a network")
    segmentation = config.segmentations.get(transfer.segmentation or next(iter(config.segmentations)))
    if segmentation is not None and segmentation.network_of is not None:
        hint = "a network's features carry human labels of the target; name another segmentation"
        yield CropmineError(f"{where}.segmentation", f"is {segmentation.name()}", hint)
    regions = {name: config.regions[name] for names in named.values() for name in names if name in config.regions}
    for name, region in regions.items():
        if region.labels is None:
            yield CropmineError(where, f"regions.{name} has no labels", "both ends of a transfer need human labels")
        if region.model:
            what = f"regions.{name} is mapped by a model from elsewhere"
            yield CropmineError(where, what, "name a region that trains; take its `model` away")
        if name in transfer.targets and not region.weak:
            yield CropmineError(where, f"regions.{name} has no weak map", "labels are mined in every target")
    yield from _check_same_imagery(where, regions)


def _check_same_imagery(where: str, regions: "dict[str, Region]") -> Iterator[CropmineError]:
    """A network reads the bands and dates that it was trained on."""
    if not regions:
        return
    first = next(iter(regions))
    for name, region in regions.items():
        for key, same in (
            ("bands", region.bands == regions[first].bands),
            ("dates", _count_dates(region) == _count_dates(regions[first])),
        ):
            if not same:
                what = f"the {key} of regions.{name} aren't those of regions.{first}"
                yield CropmineError(where, what, "transfer between regions of the same kind of imagery")


def _count_dates(region: Region) -> int:
    return len(region.imagery) if isinstance(region.imagery, dict) else 1


def check_experiment(where: str, experiment: Experiment, name: str, config: Config) -> Iterator[CropmineError]:
    """Yield a fault for each segmentation, model, weak map or feature raster that an experiment names in vain.

    name: the experiment itself or the base that it derives from; the regions that run it must have what it names.
    """
    yield from _check_known([experiment.segmentation], config.segmentations, f"{where}.segmentation", "a segmentation")
    yield from _check_known([experiment.model], [*config.models, WEAK_MAP_MODEL], f"{where}.model", "a model")
    features = getattr(config.models.get(experiment.model or next(iter(config.models))), "features", None)
    for region_name, region in config.regions.items():
        if name in (region.experiments or config.experiments):
            here = f"of regions.{region_name}"
            if region.weak:
                yield from _check_known([experiment.weak_map], region.weak, f"{where}.weak_map", f"a weak map {here}")
            yield from _check_known([features], region.features, f"{where}.model", f"a feature raster {here}")


def _check_fusions(config: Config) -> Iterator[CropmineError]:
    """A fusion averages experiments that are there and make a map, and not itself."""
    for name, experiment in config.experiments.items():
        where = f"experiments.{name}.fuse"
        for voice in experiment.voices:
            yield from _check_known([voice], config.experiments, where, "an experiment")
            other = config.experiments.get(voice)
            if other is None:
                continue
            if voice == name or other.fuse:
                hint = "name experiments that train, and brackets of them: [[a, b], c]"
                what = "a fusion can't average itself" if voice == name else f"{voice} is a fusion itself"
                yield CropmineError(where, what, hint)
            elif not other.trains:
                hint = "smooth it: {model: weak_map, smooth_m: 70}"
                yield CropmineError(where, f"{voice} is the weak map's classes, which are no probabilities", hint)
            elif _reads_weak_map(other, config) and (other.weak_map, other.segmentation) != (
                experiment.weak_map,
                experiment.segmentation,
            ):
                hint = "give the fusion the same `weak_map` and `segmentation`"
                yield CropmineError(where, f"{voice} reads another weak map or other segments", hint)


def _reads_weak_map(experiment: Experiment, config: Config) -> bool:
    model = config.models.get(experiment.model or next(iter(config.models)))
    return experiment.averages or (model is not None and model.reads_segments)


def _check_taught(where: str, base: str, config: Config) -> Iterator[CropmineError]:
    """The experiment whose features are clustered must be trained without them, and once for all folds."""
    yield from _check_known([base], config.experiments, where, "an experiment")
    experiment = config.experiments.get(base)
    if experiment is None:
        return
    model = config.models.get(experiment.model or next(iter(config.models)))
    if model is None or not model.is_network:
        yield CropmineError(where, f"{base} trains no network", "name an experiment whose model is one")
    segmentation = experiment.segmentation or next(iter(config.segmentations))
    if experiment.mined and config.segmentations[segmentation].network_of is not None:
        yield CropmineError(where, f"{base} is itself mined from deep features", "name one of another segmentation")
    for name, region in config.regions.items():
        if region.split.method == "kfold":
            hint = "features would carry the test labels of one fold into another; use holdout or field"
            yield CropmineError(where, f"regions.{name} is split by kfold", hint)


def _check_known(names: Iterable[str | None], known: Collection[str], where: str, what: str) -> Iterator[CropmineError]:
    for name in names:
        if name is not None and name not in known:
            yield CropmineError(where, f"{name!r} isn't {what}", hint_at(name, list(known)))


def _check_region(name: str, region: Region, config: Config) -> Iterator[CropmineError]:
    here = f"regions.{name}"
    for weak in region.weak:
        yield from _check_name(weak, f"{here}.weak")
    yield from _check_patterns(here, region)
    yield from _check_dates(here, region)
    for band in sorted(band for band, count in Counter(region.bands).items() if count > 1):
        yield CropmineError(f"{here}.bands", f"{band!r} stands twice", "each band of a date has a name of its own")
    for tile in region.tiles or ():
        if not TILE_NAME.fullmatch(tile):
            hint = "use letters, digits, dots, dashes and underscores, at most 128, a letter or digit first"
            yield CropmineError(f"{here}.tiles", f"{tile!r} can't be a tile's name", hint)
    yield from _check_known(region.experiments or (), config.experiments, f"{here}.experiments", "an experiment")
    for key, pattern in region.features.items():
        yield from _check_name(key, f"{here}.features")
        yield from _check_pattern(f"{here}.features.{key}", pattern)
    for key, weak_map in region.weak.items():
        plain = [other for other, map_ in region.weak.items() if map_.path is not None]
        yield from _check_known(
            weak_map.consensus, plain, f"{here}.weak.{key}.consensus", "another weak map with a path"
        )


def _check_patterns(here: str, region: Region) -> Iterator[CropmineError]:
    patterns = {"imagery": region.imagery} | ({"mask.path": region.mask.path} if region.mask else {})
    for key, value in patterns.items():
        for pattern in value.values() if isinstance(value, dict) else [value]:
            yield from _check_pattern(f"{here}.{key}", pattern)


def _check_pattern(where: str, pattern: str) -> Iterator[CropmineError]:
    if pattern.count("{tile}") != 1:
        hint = "write it in the place of the tile's name, such as imagery/{tile}.tif"
        yield CropmineError(where, f"{pattern!r} must hold {{tile}} once", hint)


def _check_dates(here: str, region: Region) -> Iterator[CropmineError]:
    masks = region.mask.path if region.mask else None
    if not isinstance(region.imagery, dict):
        if isinstance(masks, dict):
            hint = "give mask.path one pattern, or imagery one a date"
            yield CropmineError(f"{here}.mask.path", "it has dates, but imagery has none", hint)
        return
    if not region.imagery:
        yield CropmineError(
            f"{here}.imagery", "it has no date", "write one pattern a date, such as 2021-03: imagery/2021-03/{tile}.tif"
        )
    for date in region.imagery:
        if not re.fullmatch(r"[0-9A-Za-z_-]+", date):
            yield CropmineError(f"{here}.imagery", f"{date!r} isn't a date", "write it such as 2021-03")
    if isinstance(masks, dict) and set(masks) != set(region.imagery):
        yield CropmineError(
            f"{here}.mask.path", "its dates aren't those of imagery", f"these are {', '.join(region.imagery)}"
        )


def _check_simulations(regions: "dict[str, Region]") -> Iterator[CropmineError]:
    grids = {(r.simulate.rows, r.simulate.columns) for r in regions.values() if r.simulate}
    if len(grids) > 1:
        yield CropmineError("regions", "simulated regions must have the same rows and columns of tiles")
