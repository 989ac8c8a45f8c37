def training_images(wildcards):
    return images_of(wildcards.region, plan(wildcards.region).training_tiles)


def training_masks(wildcards):
    return masks_of(wildcards.region, plan(wildcards.region).training_tiles)


def pass_shifts(region, shifts):
    pass_gate("check_region", region)
    for segmentation, weak in shifts:
        pass_gate("register_weak", region, segmentation=segmentation, weak=weak)


def registrations(region, weak, segmentation):
    """The measured shifts of a weak map, or of the maps that it is a consensus of; none where it isn't registered."""
    for name in list_registered(plan(region).region, weak):
        pass_gate("register_weak", region, segmentation=segmentation, weak=name)
    return registration_paths(region, weak, segmentation)


def registration_paths(region, weak, segmentation):
    names = list_registered(plan(region).region, weak)
    return collect(paths.REGISTRATION, region=region, segmentation=segmentation, weak=names)


def overlap_registrations(wildcards):
    return registrations(wildcards.region, wildcards.weak, wildcards.segmentation)


def mined_polygons(region):
    """The mined polygons of all training tiles of a region."""
    pass_shifts(region, plan(region).registered)
    return [
        path
        for own in plan(region).mined
        for path in collect(
            paths.MINED,
            region=region,
            segmentation=own.segmentation,
            weak=own.weak,
            thresholds=own.thresholds,
            tile=plan(region).training_tiles,
        )
    ]


# What rules of this phase read.


@canonical
def fit_codebook_settings(wildcards):
    """A codebook depends on no setting of what is made of its clusters."""
    unread = {"smooth_px", "min_area_m2", "max_area_m2"}
    segmentation = CONFIG.segmentations[wildcards.segmentation].model_dump(mode="json", exclude=unread)
    settings = tiles_settings(wildcards.region, plan(wildcards.region).training_tiles)
    return settings | {"segmentation": segmentation}


def segmentation_method(wildcards):
    """The module of a segmentation's method, by a name from its registry."""
    return [CONFIG.segmentations[wildcards.segmentation].module]


def segment_tile_fitted(wildcards):
    """The codebook of a method that is fitted once for the region."""
    fitted = CONFIG.segmentations[wildcards.segmentation].fits_region
    return [paths.CODEBOOK.format(**wildcards)] if fitted else []


@canonical
def segment_tile_settings(wildcards):
    segmentation = CONFIG.segmentations[wildcards.segmentation].model_dump(mode="json")
    settings = imagery_settings(wildcards.region) | zone_settings(wildcards.region)
    return settings | {"tile": wildcards.tile, "segmentation": segmentation}


segment_deep_settings = segment_tile_settings


def segment_deep_fitted(wildcards):
    """The trained network whose features are divided."""
    experiment = CONFIG.segmentations[wildcards.segmentation].network_of
    return [plan(wildcards.region).model_path(plan(wildcards.region).runs[experiment][0])]


def measure_shift_other(wildcards):
    """An image of another tile, whose place alone is read: a weak map from there is one that can't fit."""
    tiles = plan(wildcards.region).registration_tiles
    other = tiles[(tiles.index(wildcards.tile) + 1) % len(tiles)]
    return [ancient(plan(wildcards.region).files[other]["images"][0])] if other != wildcards.tile else []


@canonical
def measure_shift_settings(wildcards):
    return {"weak": weak_source(wildcards.region, wildcards.weak).unmoved}


def register_weak_surfaces(wildcards):
    return collect(paths.SHIFTS, **wildcards, tile=plan(wildcards.region).registration_tiles)


@canonical
def register_weak_settings(wildcards):
    return {"tiles": plan(wildcards.region).registration_tiles}


@canonical
def overlap_tile_settings(wildcards):
    return {"weak": weak_source(wildcards.region, wildcards.weak).settings}


@canonical
def mine_polygons_settings(wildcards):
    place = wildcards.segmentation, wildcards.weak, wildcards.thresholds
    sets = plan(wildcards.region).mined
    return next(own.settings for own in sets if (own.segmentation, own.weak, own.thresholds) == place)


@canonical
def mask_tile_settings(wildcards):
    """A region without labels holds nothing out, other than the ground of a sample."""
    region, settings = plan(wildcards.region).region, imagery_settings(wildcards.region)
    settings |= zone_settings(wildcards.region)
    if region.labels:
        fold = None if wildcards.fold == "whole" else int(wildcards.fold.removeprefix("fold"))
        held_out = region.split.model_dump(mode="json", include={"buffer_m", "block_m"})
        settings |= {"held_out": fold_settings(wildcards.region, fold) | held_out}
    return settings | ({"sample_buffer_m": region.sample.buffer_m} if region.sample else {})


def recipe_of(wildcards):
    return plan(wildcards.region).recipes[wildcards.recipe]


def burn_target_mask(wildcards):
    fold = recipe_of(wildcards).fold
    return paths.MASK.format(**wildcards, fold="whole" if fold is None else f"fold{fold}")


def burn_target_labels(wildcards):
    return split_table(wildcards) if recipe_of(wildcards).human else []


def burn_target_segments(wildcards):
    recipe = recipe_of(wildcards)
    return [paths.SEGMENTS.format(**wildcards, segmentation=recipe.segmentation[0])] if recipe.mined else []


def burn_target_overlap(wildcards):
    recipe = recipe_of(wildcards)
    if not recipe.mined:
        return []
    return [paths.OVERLAP.format(**wildcards, segmentation=recipe.segmentation[0], weak=recipe.weak.name)]


def burn_target_weak(wildcards):
    recipe = recipe_of(wildcards)
    return recipe.weak.files if recipe.weak_classes else []


def burn_target_registrations(wildcards):
    recipe = recipe_of(wildcards)
    if not recipe.registered_by:
        return []
    return registrations(wildcards.region, recipe.weak.name, recipe.registered_by[0])


@canonical
def burn_target_settings(wildcards):
    settings = recipe_of(wildcards).target.model_dump(mode="json", exclude_defaults=True)
    return {"recipe": settings, "tile": wildcards.tile}
