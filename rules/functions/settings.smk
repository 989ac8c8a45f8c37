# Settings: the keys of the configuration that a rule reads, as canonical JSON.


def imagery_settings(region):
    mask = plan(region).region.mask
    return {
        "bands": list(plan(region).region.bands),
        "mask_bad": list(mask.bad) if mask else [],
        "mask_band": mask.band if mask else 1,
    }


def zone_settings(region):
    return {"exclude_as": [exclusion.as_ for exclusion in plan(region).region.exclude]}


def tile_settings(wildcards):
    settings = imagery_settings(wildcards.region) | zone_settings(wildcards.region)
    return settings | {"tile": wildcards.tile}


def tiles_settings(region, tiles):
    return imagery_settings(region) | {"dates": plan(region).dates, "tiles": tiles}


def split_settings(region, fold):
    return {"split": plan(region).region.split.model_dump(mode="json"), "fold": fold}


def check_settings(wildcards):
    here = plan(wildcards.region)
    return {"region": here.region.model_dump(mode="json"), "tiles": here.files}


def label_settings(wildcards):
    region = plan(wildcards.region).region
    return {
        "labels": region.labels.model_dump(mode="json", exclude={"definition", "year"}),
        "split": region.split.model_dump(mode="json"),
        "draws": sorted({*range(DRAWS), *list_seeds(region, CONFIG)}),
    }


def score_settings(wildcards):
    """Test labels are for named experiments: the points of a sweep are scored on validation labels alone."""
    region, here = wildcards.region, plan(wildcards.region)
    model = wildcards.get("model", wildcards.get("weak"))
    place = wildcards.get("recipe", ""), model, wildcards.run
    runs = [run for kind in (here.runs, here.human_lessons) for runs in kind.values() for run in runs]
    named = {(run.recipe, run.model, run.name) for run in runs}
    splits = ["validation", "test"] if place in named else ["validation"]
    settings = tiles_settings(region, scored_tiles(region))
    settings |= split_settings(region, find_run(region, wildcards.run).fold)
    return settings | {"scored": splits}


def distance_settings(wildcards):
    region = wildcards.region
    settings = tiles_settings(region, plan(region).tiles) | zone_settings(region)
    return settings | {"split": plan(region).region.split.model_dump(mode="json")}


def segmentation_settings(name):
    return CONFIG.segmentations[name].model_dump(mode="json")


def weak_settings(region, name):
    return describe_weak_map(plan(region).region, name)


def find_run(region, run):
    return next(made for made in plan(region).every_run if made.name == run)
