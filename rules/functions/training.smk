def trained_models(region):
    """The models of a region's experiments."""
    pass_shifts(region, list_shifts(plan(region), CONFIG))
    runs = [run for name in plan(region).trained for run in plan(region).runs[name]]
    return sorted({plan(region).model_path(run) for run in runs})


def training_targets(wildcards):
    return targets_of(wildcards.region, wildcards.recipe)


def targets_of(region, recipe):
    """The targets of a recipe; a fusion has none of its own."""
    if recipe == FUSED:
        return []
    return collect(paths.TARGET, region=region, recipe=recipe, tile=plan(region).training_tiles)


# What rules of this phase read.


@canonical
def train_model_settings(wildcards):
    region = wildcards.region
    run = find_run(region, wildcards.run)
    settings = tiles_settings(region, plan(region).training_tiles) | plan(region).models[wildcards.model].settings
    return settings | fold_settings(region, run.fold) | {"seed": run.seed}


def loss_of(region, model):
    """The module of a network's loss, by a name from its registry."""
    return plan(region).models[model].model.loss.module


def train_model_loss(wildcards):
    return [loss_of(wildcards.region, wildcards.model)]


def train_classifier_kind(wildcards):
    """The module of a kind of model, by a name from its registry."""
    return [plan(wildcards.region).models[wildcards.model].model.module]


def train_classifier_features(wildcards):
    return features_of(wildcards.region, wildcards.model, plan(wildcards.region).training_tiles)


def train_classifier_weak(wildcards):
    return weak_of(wildcards.region, reads_of(wildcards.region, wildcards.model))


def train_classifier_registrations(wildcards):
    return registrations_of(wildcards.region, reads_of(wildcards.region, wildcards.model))


def train_classifier_segments(wildcards):
    tiles = plan(wildcards.region).training_tiles
    return segments_of(wildcards.region, reads_of(wildcards.region, wildcards.model), tiles)


def train_classifier_overlaps(wildcards):
    tiles = plan(wildcards.region).training_tiles
    return overlaps_of(wildcards.region, reads_of(wildcards.region, wildcards.model), tiles)


@canonical
def train_classifier_settings(wildcards):
    region = wildcards.region
    settings = tiles_settings(region, plan(region).training_tiles)
    model = plan(region).models[wildcards.model].settings["model"]
    settings |= reads_settings(reads_of(region, wildcards.model))
    return settings | {"model": model, "seed": find_run(region, wildcards.run).seed}


def fused_voices(wildcards):
    return plan(wildcards.region).voices[wildcards.model, wildcards.run]


def fuse_models_models(wildcards):
    here = plan(wildcards.region)
    return [here.model_path(voice.run) for voice in fused_voices(wildcards).voices if voice.run]


@canonical
def fuse_models_settings(wildcards):
    own, here = fused_voices(wildcards), plan(wildcards.region)
    smoothed = [voice.smooth_m for voice in own.voices]
    return {"smooth_m": smoothed, "tree": own.tree, "bands": list(here.region.bands), "dates": here.dates}


def transfer_plans(transfer):
    """The plans of the regions of a transfer."""
    settings = CONFIG.transfers[transfer]
    return {region: plan(region) for region in (*settings.sources, *settings.targets)}


@cache
def transfer_runs(transfer):
    """The runs of a transfer by the folders of their files."""
    try:
        runs = list_transfer_runs(transfer, CONFIG, transfer_plans(transfer))
        return {(run.target, run.labels, run.run.name): run for run in runs}
    except CropmineError as error:
        refuse(error)


def find_transfer_run(wildcards):
    return transfer_runs(wildcards.transfer)[wildcards.target, wildcards.labels, wildcards.run]


def part_settings(region, tiles):
    """What group_parts reads of one of the regions of a job."""
    return tiles_settings(region, tiles) | {"masked": plan(region).region.mask is not None}


def train_transfer_images(wildcards):
    regions = [region for region, _ in find_transfer_run(wildcards).parts]
    return [path for region in regions for path in images_of(region, plan(region).training_tiles)]


def train_transfer_masks(wildcards):
    regions = [region for region, _ in find_transfer_run(wildcards).parts]
    return [path for region in regions for path in masks_of(region, plan(region).training_tiles)]


def train_transfer_targets(wildcards):
    return [path for part in find_transfer_run(wildcards).parts for path in targets_of(*part)]


def train_transfer_labels(wildcards):
    region = find_transfer_run(wildcards).validation
    return [paths.LABELS.format(region=region)] if region else []


def train_transfer_statistics(wildcards):
    return find_transfer_run(wildcards).statistics


def train_transfer_loss(wildcards):
    return [loss_of(wildcards.target, find_transfer_run(wildcards).run.model)]


@canonical
def train_transfer_settings(wildcards):
    run = find_transfer_run(wildcards)
    regions = [region for region, _ in run.parts]
    parts = [part_settings(region, plan(region).training_tiles) | {"region": region} for region in regions]
    settings = {"parts": parts, "bands": parts[0]["bands"], "dates": parts[0]["dates"], "seed": run.run.seed}
    return settings | plan(wildcards.target).models[run.run.model].settings | fold_settings(regions[0], None)
