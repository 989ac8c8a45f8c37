"""What a map is called, and the settings that it hangs on."""

import re

from cropmine.config.base import Settings
from cropmine.config.regions import Region
from cropmine.config.schema import Config
from cropmine.planning.digests import digest_settings
from cropmine.planning.plans import Plan, Run, choose_model, list_seeds
from cropmine.planning.recipes import choose_segmentation

MAP_FREE = {"units", "experiments", "seeds", "prevalence", "year"}  # keys of a region that its pixels don't hang on
DRAWN_WEAK = {"band", "cropland", "probability", "scale"}  # keys of a weak map that say how to draw it


def describe_map(plan: Plan, config: Config, name: str | None) -> dict:
    """What the map that an experiment makes is called: region, run, year, definition, experiment, digest and version.

    config_digest is of the settings that the map hangs on, so that other edits leave its name and files as they are.
    Without an experiment it is the map of a model from elsewhere.
    """
    region = plan.region
    settings = {"region": region.model_dump(mode="json", exclude=MAP_FREE)}
    digest = digest_settings(settings | (_list_settings(plan, config, name) if name else {}))
    return {
        "region": plan.name,
        "run": config.map.run,
        "year": find_year(region),
        "experiment": name or f"none: a model from elsewhere, {region.model}",
        "definition": region.labels.definition if region.labels else None,
        "config_digest": digest,
        "version": f"{config.map.run}-{digest}",
    }


def _list_settings(plan: Plan, config: Config, name: str) -> dict:
    """The settings that an experiment hangs on."""
    experiment = plan.experiments[name]
    cut = config.segmentations[choose_segmentation(config, experiment)] if experiment.mined else None
    return {
        "experiment": experiment.model_dump(mode="json"),
        "segmentation": cut.model_dump(mode="json") if cut else None,
        "model": config.models[choose_model(config, experiment)].model_dump(mode="json"),
        "training": config.training.model_dump(mode="json"),
        "seeds": list_seeds(plan.region, config),
    }


def find_year(region: Region) -> int | None:
    """The year that a region's map describes: as told, of the imagery's last date, of the labels or of a weak map."""
    dates = list(region.imagery) if isinstance(region.imagery, dict) else []
    told = re.match(r"(?:19|20)\d\d(?=\D|\d{4}$|$)", dates[-1]) if dates else None
    known = [region.year, int(told[0]) if told else None, region.labels.year if region.labels else None]
    return next((year for year in [*known, *(weak.year for weak in region.weak.values())] if year), None)


def describe_recipe(plan: Plan, config: Config, name: str, runs: list[Run]) -> dict:
    """What a map was made of, for its model card, in plain builtins."""
    experiment, region = plan.experiments[name], plan.region
    settings: dict[str, Settings] = {
        "model": config.models[choose_model(config, experiment)],
        "training": config.training,
    }
    if experiment.mined:
        settings["segmentation"] = config.segmentations[choose_segmentation(config, experiment)]
    lines = [f"{kind}: {_spell_settings(entry.model_dump(mode='json'))}" for kind, entry in settings.items()]
    return {
        "runs": len(runs),
        "simulated": region.simulate is not None,
        "tiles": len(plan.tiles),
        "bands": list(region.bands),
        "dates": list(region.imagery) if isinstance(region.imagery, dict) else [],
        "weak": [
            f"{key}, {entry.path or 'consensus of ' + ', '.join(entry.consensus)}" + _spell_year(entry.year)
            for key, entry in region.weak.items()
        ],
        "label_year": region.labels.year if region.labels else None,
        "label_files": [*region.labels.path, *region.labels.test_path] if region.labels else [],
        "settings": [*lines, f"split: {_spell_settings(region.split.model_dump(mode='json'))}"],
    }


def _spell_settings(settings: dict) -> str:
    return ", ".join(f"{key} {value}" for key, value in settings.items() if value is not None)


def _spell_year(year: int | None) -> str:
    return f", of {year}" if year else ""
