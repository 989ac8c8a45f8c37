# Recipes, models and runs.


def recipe_of(wildcards):
    return plan(wildcards.region).recipes[wildcards.recipe]


def recipe_segments(wildcards):
    name = recipe_of(wildcards)["segmentation_name"]
    return [f"results/{wildcards.region}/segments/{name}/{wildcards.tile}.tif"] if name else []


def recipe_overlap(wildcards):
    recipe = recipe_of(wildcards)
    folder = f"results/{wildcards.region}/overlaps/{recipe['segmentation_name']}/{recipe['weak_name']}"
    return [f"{folder}/{wildcards.tile}.parquet"] if recipe["mined"] else []


def recipe_weak(wildcards):
    recipe = recipe_of(wildcards)
    return list_weak_files(plan(wildcards.region).region, recipe["weak_name"]) if recipe["weak_classes"] else []


def recipe_registrations(wildcards):
    recipe = recipe_of(wildcards)
    if "registered_by" not in recipe:
        return []
    return registrations(wildcards.region, recipe["weak_name"], recipe["registered_by"])


def name_fold(fold):
    return "whole" if fold is None else f"fold{fold}"


def mask_settings(wildcards):
    """The split of the run whose fold is named; a region without labels holds nothing out."""
    fold = None if wildcards.fold == "whole" else int(wildcards.fold.removeprefix("fold"))
    sample = plan(wildcards.region).region.sample
    return split_settings(wildcards.region, fold) | ({"sample_buffer_m": sample.buffer_m} if sample else {})


def recipe_mask(wildcards):
    return f"results/{wildcards.region}/masks/{name_fold(recipe_of(wildcards)['fold'])}/{wildcards.tile}.tif"


def recipe_labels(wildcards):
    return split_table(wildcards) if recipe_of(wildcards)["human"] else []


def recipe_settings(wildcards):
    """What a target is burned from; the settings of its segments reach it by their files."""
    recipe = recipe_of(wildcards)
    left_out = {"labels", "segmentation", "segmentation_name", "weak_name", "registration", "registered_by"}
    return {key: value for key, value in recipe.items() if key not in left_out}


def training_targets(wildcards):
    folder = f"results/{wildcards.region}/targets/{wildcards.recipe}"
    return [f"{folder}/{tile}.tif" for tile in plan(wildcards.region).training_tiles]


def training_settings(wildcards):
    region = wildcards.region
    run = find_run(region, wildcards.run)
    settings = tiles_settings(region, plan(region).training_tiles) | plan(region).models[wildcards.model]
    return settings | split_settings(region, run.fold) | {"seed": run.seed}


def features_of(region, model, tiles):
    """The feature rasters that a model reads in place of the bands, one a tile; none of most models."""
    name = plan(region).models[model]["model"].get("features")
    return [plan(region).files[tile]["features"][name] for tile in tiles] if name else []


def training_features(wildcards):
    return features_of(wildcards.region, wildcards.model, plan(wildcards.region).training_tiles)


# Scoring reads the tiles on which labels lie and those that their windows see: no other is scored anew if it changes.


@cache
def read_scored_tiles(path, changed):
    labelled = json.loads(Path(path).read_text())["labelled"]
    return {tile for own in labelled for tile in (own, *neighbours(path, changed)[own])}


def scored_tiles(region):
    pass_gate("check_region", region)
    path = f"results/{region}/checks.json"
    scored = read_scored_tiles(path, changed_at(path))
    return [tile for tile in plan(region).tiles if tile in scored]


def scored_images(wildcards):
    return images_of(wildcards.region, scored_tiles(wildcards.region))


def scored_masks(wildcards):
    return masks_of(wildcards.region, scored_tiles(wildcards.region))


def scored_features(wildcards):
    return features_of(wildcards.region, wildcards.model, scored_tiles(wildcards.region))


def forest_settings(wildcards):
    region = wildcards.region
    settings = tiles_settings(region, plan(region).training_tiles)
    model = plan(region).models[wildcards.model]["model"]
    return settings | {"model": model, "seed": find_run(region, wildcards.run).seed}


def trained_model(wildcards):
    run = find_run(wildcards.region, wildcards.run)
    return model_path(wildcards.region, replace(run, recipe=wildcards.recipe, model=wildcards.model))


def model_path(region, run):
    return f"results/{region}/{plan(region).model_file(run)}"


def score_path(region, run):
    return f"results/{region}/{run.score_file}"


def trained_models(region):
    pass_shifts(region, list_shifts(plan(region), CONFIG))
    runs = [run for name in plan(region).trained for run in plan(region).runs[name]]
    return sorted({model_path(region, run) for run in runs})


def experiment_scores(wildcards):
    runs = [run for runs in plan(wildcards.region).runs.values() for run in runs]
    return list(dict.fromkeys(score_path(wildcards.region, run) for run in runs))


def place_scores(region, rows, paths):
    """Point each run of the rows of a table to the place of its scores among the inputs."""
    places = {path: place for place, path in enumerate(paths)}
    for row in rows:
        for run in row["runs"]:
            model = row["model_digest"]
            run["score_index"] = places[
                score_path(region, Run(run["run"], run["seed"], run["fold"], run["recipe"], model))
            ]
    return rows


def experiment_settings(wildcards):
    region, here = wildcards.region, plan(wildcards.region)
    rows = [describe_experiment(here, CONFIG, name) for name in here.experiments]
    rows = place_scores(region, rows, experiment_scores(wildcards))
    return {"region": region, "experiments": rows, "bootstrap_seed": 0}


def sweep_runs(region, sweep):
    here = plan(region)
    base = here.runs[CONFIG.sweeps[sweep].base]
    return base + [run for _, runs in here.sweeps[sweep] for run in runs]


def sweep_scores(wildcards):
    return list(
        dict.fromkeys(score_path(wildcards.region, run) for run in sweep_runs(wildcards.region, wildcards.sweep))
    )


def sweep_settings(wildcards):
    region = wildcards.region
    rows, base = describe_sweep(plan(region), CONFIG, wildcards.sweep)
    return {"points": place_scores(region, rows, sweep_scores(wildcards)), "base": base, "bootstrap_seed": 0}


def sweep_figures(sweep):
    """The figures of a sweep in the regions that run its base."""
    return [f"results/{region}/figures/sweep_{sweep}.png" for region in REGIONS if sweep in plan(region).sweeps]
