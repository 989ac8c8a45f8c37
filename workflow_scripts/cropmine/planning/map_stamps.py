"""What a map is called, and the settings that its name depends on."""

import re
from dataclasses import dataclass
from typing import Any

from cropmine.config.base import Settings
from cropmine.config.regions import Region
from cropmine.config.schema import Config
from cropmine.planning.digests import digest_settings
from cropmine.planning.plans import Plan, list_seeds
from cropmine.planning.recipes import choose_segmentation
from cropmine.planning.runs import Run

MAP_FREE = {"units", "experiments", "seeds", "prevalence", "year"}  # region settings that don't affect the map's pixels
DRAWN_WEAK = {"band", "cropland", "probability", "scale"}  # keys of a weak map that say how to draw it


@dataclass(frozen=True)
class MapStamp:
    """What a map is called, as all its files say.

    config_digest: of the settings that the map's pixels depend on, so that other edits leave its name and files as they
    are; version: the name of the run and this digest; year: that of the map, None where nothing states it.
    """

    config_digest: str
    definition: str | None
    experiment: str
    region: str
    run: str
    threshold: float
    version: str
    year: int | None


def stamp_map(plan: Plan, config: Config, name: str | None, threshold: float) -> MapStamp:
    """Stamp the map that an experiment makes; without an experiment it is the map of a model from elsewhere."""
    region = plan.region
    settings = {"region": region.model_dump(mode="json", exclude=MAP_FREE)}
    digest = digest_settings(settings | (_list_settings(plan, config, name) if name else {}))
    return MapStamp(
        config_digest=digest,
        definition=region.labels.definition if region.labels else None,
        experiment=name or f"none: a model from elsewhere, {region.model}",
        region=plan.name,
        run=config.map.run,
        threshold=threshold,
        version=f"{config.map.run}-{digest}",
        year=find_year(region),
    )


def _list_settings(plan: Plan, config: Config, name: str) -> dict[str, Any]:
    """The settings of an experiment that its map depends on."""
    experiment = plan.experiments[name]
    cut = config.segmentations[choose_segmentation(config, experiment)] if experiment.mined else None
    made = plan.models[plan.final_runs[name][0].model]
    return {
        "experiment": experiment.model_dump(mode="json"),
        "segmentation": cut.model_dump(mode="json") if cut else None,
        "model": made.model.model_dump(mode="json"),
        "reads": made.reads.settings if made.reads else None,
        "fused": made.fused,
        "training": config.training.model_dump(mode="json"),
        "seeds": list_seeds(plan.region, config),
    }


def find_year(region: Region) -> int | None:
    """The year that a region's map describes: as told, of the imagery's last date, of the labels or of a weak map."""
    dates = list(region.imagery) if isinstance(region.imagery, dict) else []
    told = re.match(r"(?:19|20)\d\d(?=\D|\d{4}$|$)", dates[-1]) if dates else None
    known = [region.year, int(told[0]) if told else None, region.labels.year if region.labels else None]
    return next((year for year in [*known, *(weak.year for weak in region.weak.values())] if year), None)


@dataclass(frozen=True)
class MapContents:
    """What a map was made of, as its model card says: weak maps and settings are lines of text."""

    runs: int
    simulated: bool
    tiles: int
    bands: list[str]
    dates: list[str]
    weak: list[str]
    label_year: int | None
    label_files: list[str]
    settings: list[str]


def describe_contents(plan: Plan, config: Config, name: str, runs: list[Run]) -> MapContents:
    """Describe what the map of an experiment was made of."""
    experiment, region = plan.experiments[name], plan.region
    settings: dict[str, Settings] = {
        "model": plan.models[runs[0].model].model,
        "training": config.training,
    }
    if experiment.mined:
        settings["segmentation"] = config.segmentations[choose_segmentation(config, experiment)]
    lines = [f"{kind}: {_spell_settings(entry)}" for kind, entry in (*settings.items(), ("split", region.split))]
    return MapContents(
        runs=len(runs),
        simulated=region.simulate is not None,
        tiles=len(plan.tiles),
        bands=list(region.bands),
        dates=list(region.imagery) if isinstance(region.imagery, dict) else [],
        weak=[
            f"{key}, {weak.path or 'consensus of ' + ', '.join(weak.consensus)}" + _spell_year(weak.year)
            for key, weak in region.weak.items()
        ],
        label_year=region.labels.year if region.labels else None,
        label_files=[*region.labels.path, *region.labels.test_path] if region.labels else [],
        settings=lines,
    )


def _spell_settings(settings: Settings) -> str:
    values = settings.model_dump(mode="json")
    return ", ".join(f"{key} {value}" for key, value in values.items() if value is not None)


def _spell_year(year: int | None) -> str:
    return f", of {year}" if year else ""
