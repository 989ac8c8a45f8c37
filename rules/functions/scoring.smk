def pass_gates(region):
    """Pass every gate of a region before a job behind the last is named.

    Snakemake notices that a gate was passed in an earlier run only for jobs that it knew before it passed another: a
    job that is named behind two gates at once would be left without its inputs.
    """
    pass_shifts(region, list_shifts(plan(region), CONFIG))
    if plan(region).experiments:
        pass_gate("compare_experiments", region)


# Scoring reads the tiles on which labels lie and those that their windows see: no change of another tile reruns it.


def scored_tiles(region):
    pass_gate("check_region", region)
    path = paths.CHECKS.format(region=region)
    scored = read_scored_tiles(path, changed_at(path))
    return [tile for tile in plan(region).tiles if tile in scored]


@cache
def read_scored_tiles(path, changed):
    labelled = read_verdict(path).labelled
    return {tile for own in labelled for tile in (own, *neighbours(path, changed)[own])}


@cache
def neighbours(path, _changed):
    return find_neighbours(read_verdict(path).locations)


def scored_images(wildcards):
    return images_of(wildcards.region, scored_tiles(wildcards.region))


def scored_masks(wildcards):
    return masks_of(wildcards.region, scored_tiles(wildcards.region))


def scored_settings(wildcards):
    """Test labels are for named experiments: the points of a sweep are scored on validation labels alone."""
    region, here = wildcards.region, plan(wildcards.region)
    model = wildcards.get("model", wildcards.get("weak"))
    place = wildcards.get("recipe", ""), model, wildcards.run
    runs = [run for kind in (here.runs, here.human_transfers) for runs in kind.values() for run in runs]
    named = {(run.recipe, run.model, run.name) for run in runs}
    splits = ["validation", "test"] if place in named else ["validation"]
    settings = tiles_settings(region, scored_tiles(region))
    return settings | fold_settings(region, find_run(region, wildcards.run).fold) | {"scored": splits}


# What rules of this phase read.


def score_model_model(wildcards):
    run = find_run(wildcards.region, wildcards.run)
    return plan(wildcards.region).model_path(replace(run, recipe=wildcards.recipe, model=wildcards.model))


def score_model_features(wildcards):
    return features_of(wildcards.region, wildcards.model, scored_tiles(wildcards.region))


def score_model_weak(wildcards):
    return weak_of(wildcards.region, reads_of(wildcards.region, wildcards.model))


def score_model_registrations(wildcards):
    return registrations_of(wildcards.region, reads_of(wildcards.region, wildcards.model))


def score_model_segments(wildcards):
    reads = reads_of(wildcards.region, wildcards.model)
    return segments_of(wildcards.region, reads, scored_tiles(wildcards.region))


def score_model_overlaps(wildcards):
    reads = reads_of(wildcards.region, wildcards.model)
    return overlaps_of(wildcards.region, reads, scored_tiles(wildcards.region))


@canonical
def score_model_settings(wildcards):
    return scored_settings(wildcards) | reads_settings(reads_of(wildcards.region, wildcards.model))


def first_registrations(wildcards):
    """The shifts of a weak map that is scored itself: by the first segmentation."""
    weak = wildcards.get("weak") or next(iter(plan(wildcards.region).region.weak), None)
    return registrations(wildcards.region, weak, next(iter(CONFIG.segmentations))) if weak else []


@canonical
def score_weak_map_settings(wildcards):
    return {"weak": weak_source(wildcards.region, wildcards.weak).unguarded} | scored_settings(wildcards)


def score_map_scores(wildcards):
    """With k-fold, the scores of the selected experiment's folds: the map itself has seen all labels."""
    if not folded(wildcards.region):
        return []
    here = plan(wildcards.region)
    return [here.score_path(run) for run in here.runs[selected(wildcards.region)["experiment"]]]


def folded(region):
    """Whether the map is of models that were trained on every label; one from elsewhere was trained on none."""
    return plan(region).region.split.method == "kfold" and not plan(region).region.model


@canonical
def score_map_settings(wildcards):
    """Labels of a region that a model from elsewhere maps have taught it nothing: all of them test."""
    return {"folded": folded(wildcards.region), "every_label": bool(plan(wildcards.region).region.model)}


def tested_regions(wildcards):
    """The target, whose test labels score a model, and the region whose validation labels do."""
    return [wildcards.target, *filter(None, [find_transfer_run(wildcards).validation])]


def score_transfer_model(wildcards):
    return find_transfer_run(wildcards).model


def score_transfer_images(wildcards):
    return [path for region in tested_regions(wildcards) for path in images_of(region, scored_tiles(region))]


def score_transfer_masks(wildcards):
    return [path for region in tested_regions(wildcards) for path in masks_of(region, scored_tiles(region))]


def score_transfer_labels(wildcards):
    return collect(paths.LABELS, region=tested_regions(wildcards))


def score_transfer_statistics(wildcards):
    return find_transfer_run(wildcards).statistics[1:]


@canonical
def score_transfer_settings(wildcards):
    """Where two regions are scored, none of the source's labels may train in held-out blocks of the target."""
    regions = tested_regions(wildcards)
    settings = {"parts": [part_settings(region, scored_tiles(region)) for region in regions]}
    split = plan(wildcards.target).region.split.model_dump(mode="json", include={"buffer_m", "block_m"})
    return settings | (split if len(regions) > 1 else {})


@canonical
def measure_distances_settings(wildcards):
    region = wildcards.region
    settings = tiles_settings(region, plan(region).tiles) | zone_settings(region)
    read = {"method", "folds", "buffer_m", "block_m"}
    return settings | {"split": plan(region).region.split.model_dump(mode="json", include=read)}


def audit_labels_segments(wildcards):
    return collect(paths.SEGMENTS, **wildcards, tile=plan(wildcards.region).training_tiles)


def audit_labels_overlaps(wildcards):
    return collect(paths.OVERLAP, **wildcards, tile=plan(wildcards.region).training_tiles)


def audit_labels_masks(wildcards):
    return collect(paths.MASK, region=wildcards.region, fold="whole", tile=plan(wildcards.region).training_tiles)


def audit_labels_training_labels(wildcards):
    path = plan(wildcards.region).region.weak[wildcards.weak].training_labels
    return [path] if path else []


@canonical
def audit_labels_settings(wildcards):
    here = plan(wildcards.region)
    return {
        "weak": weak_source(wildcards.region, wildcards.weak).unguarded,
        "min_valid": here.region.weak[wildcards.weak].min_valid,
        "prevalence": here.region.prevalence,
        "marks": list_marks(here, CONFIG, wildcards.segmentation, wildcards.weak),
    }


def compare_experiments_scores(wildcards):
    return describe_experiments(plan(wildcards.region), CONFIG).scores


@canonical
def compare_experiments_settings(wildcards):
    return {"experiments": describe_experiments(plan(wildcards.region), CONFIG).settings}


def compare_sweep_scores(wildcards):
    return describe_sweep(plan(wildcards.region), CONFIG, wildcards.sweep).scores


@canonical
def compare_sweep_settings(wildcards):
    compared = describe_sweep(plan(wildcards.region), CONFIG, wildcards.sweep)
    return {"points": compared.settings, "base": compared.base}


def compare_transfer_scores(wildcards):
    return describe_transfer(wildcards.transfer, CONFIG, transfer_plans(wildcards.transfer)).scores


@canonical
def compare_transfer_settings(wildcards):
    compared = describe_transfer(wildcards.transfer, CONFIG, transfer_plans(wildcards.transfer))
    return {"rows": compared.settings}


def check_simulation_models(wildcards):
    here = plan(wildcards.region)
    return list(dict.fromkeys(here.model_path(here.runs[name][0]) for name in here.trained))


def truth_reads(region):
    """What the models that are held against the truth read besides imagery: all the same, or nothing."""
    here = plan(region)
    found = [here.models[here.runs[name][0].model].reads for name in here.trained]
    return next(filter(None, found), None)


def check_simulation_segments(wildcards):
    return segments_of(wildcards.region, truth_reads(wildcards.region), plan(wildcards.region).tiles)


def check_simulation_overlaps(wildcards):
    return overlaps_of(wildcards.region, truth_reads(wildcards.region), plan(wildcards.region).tiles)


def first_weak(wildcards):
    weak = weak_source(wildcards.region)
    return weak.files if weak else []


@canonical
def check_simulation_settings(wildcards):
    region, here = wildcards.region, plan(wildcards.region)
    places = {path: place for place, path in enumerate(check_simulation_models(wildcards))}
    experiments = {name: places[here.model_path(here.runs[name][0])] for name in here.trained}
    weak = weak_source(region)
    weak_only = [name for name in here.experiments if name not in here.trained]
    return tiles_settings(region, here.tiles) | {
        **reads_settings(truth_reads(region)),
        "experiments": experiments,
        "weak": weak.unguarded if weak else None,
        "weak_experiment": weak_only[0] if weak_only else None,
    }
