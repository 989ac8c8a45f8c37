# Transfers between regions.


def ends(transfer):
    """The plans of the regions of a transfer."""
    settings = CONFIG.transfers[transfer]
    return {region: plan(region) for region in (*settings.sources, *settings.targets)}


@cache
def lessons(transfer):
    """The lessons of a transfer by the folders of their files."""
    try:
        return {lesson.place: lesson for lesson in list_lessons(transfer, CONFIG, ends(transfer))}
    except CropmineError as error:
        refuse(error)


def find_lesson(wildcards):
    return lessons(wildcards.transfer)[wildcards.target, wildcards.lesson, wildcards.run]


def part_settings(region, tiles):
    """What group_parts reads of one of the regions of a job."""
    masked = plan(region).region.mask is not None
    return tiles_settings(region, tiles) | {"region": region, "masked": masked}


def lesson_images(wildcards):
    regions = [region for region, _ in find_lesson(wildcards).parts]
    return [path for region in regions for path in images_of(region, plan(region).training_tiles)]


def lesson_masks(wildcards):
    regions = [region for region, _ in find_lesson(wildcards).parts]
    return [path for region in regions for path in masks_of(region, plan(region).training_tiles)]


def lesson_targets(wildcards):
    return [
        f"results/{region}/targets/{recipe}/{tile}.tif"
        for region, recipe in find_lesson(wildcards).parts
        for tile in plan(region).training_tiles
    ]


def lesson_labels(wildcards):
    region = find_lesson(wildcards).validation
    return [f"results/{region}/labels/labels.parquet"] if region else []


def lesson_statistics(wildcards):
    return find_lesson(wildcards).statistics


def lesson_settings(wildcards):
    lesson = find_lesson(wildcards)
    labelled = lesson.validation or wildcards.target
    settings = {"parts": [part_settings(region, plan(region).training_tiles) for region, _ in lesson.parts]}
    return (
        settings
        | plan(wildcards.target).models[lesson.run.model]
        | split_settings(labelled, None)
        | {"seed": lesson.run.seed}
    )


def lesson_model(wildcards):
    return find_lesson(wildcards).model


def tested_regions(wildcards):
    """The target, whose test labels score a model, and the region whose validation labels do."""
    return [wildcards.target, *filter(None, [find_lesson(wildcards).validation])]


def tested_images(wildcards):
    return [path for region in tested_regions(wildcards) for path in images_of(region, scored_tiles(region))]


def tested_masks(wildcards):
    return [path for region in tested_regions(wildcards) for path in masks_of(region, scored_tiles(region))]


def tested_labels(wildcards):
    return [f"results/{region}/labels/labels.parquet" for region in tested_regions(wildcards)]


def tested_statistics(wildcards):
    return find_lesson(wildcards).statistics[1:]


def tested_settings(wildcards):
    parts = [
        part_settings(region, scored_tiles(region)) | split_settings(region, None)
        for region in tested_regions(wildcards)
    ]
    return {"parts": parts}


def transfer_scores(wildcards):
    return describe_transfer(wildcards.transfer, CONFIG, ends(wildcards.transfer))[1]
