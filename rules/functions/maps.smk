# What lies behind the choice of an experiment.


def selected(region):
    """The choice of compare_experiments; a model from elsewhere leaves none."""
    if plan(region).region.model:
        told = plan(region).region.threshold
        threshold = 0.5 if told is None else told
        return {"experiment": None, "threshold": threshold, "threshold_best": threshold, "threshold_range": None}
    pass_gate("compare_experiments", region)
    return read_choice(region, changed_at(f"results/{region}/selected.json"))


@cache
def read_choice(region, stamped):
    return json.loads(Path(f"results/{region}/selected.json").read_text())


def selected_model(wildcards):
    return next(
        model_path(wildcards.region, run) for run in selected_runs(wildcards.region) if run.name == wildcards.run
    )


def choice(wildcards):
    if plan(wildcards.region).region.model:
        return []
    pass_gate("compare_experiments", wildcards.region)
    return f"results/{wildcards.region}/selected.json"


def selected_runs(region):
    """The runs that make the map; none with a model from elsewhere."""
    return plan(region).final_runs.get(selected(region)["experiment"], [])


def foreign_model(wildcards):
    return plan(wildcards.region).region.model


def selected_models(wildcards):
    """The copies of the selected models: behind them the trainings, each of thousands of inputs, stand but once."""
    region = wildcards.region
    copies = [
        f"results/{region}/map/models/{run.name}{Path(model_path(region, run)).suffix}" for run in selected_runs(region)
    ]
    return copies or [foreign_model(wildcards)]


def model_verdict(wildcards):
    """A model from elsewhere is checked before it maps; a checkpoint, since jobs behind `ancient` else go unchecked."""
    if not foreign_model(wildcards):
        return []
    pass_gate("check_model", wildcards.region)
    return []


def selected_features(wildcards):
    runs = selected_runs(wildcards.region)
    return features_of(wildcards.region, runs[0].model, seen_tiles(wildcards)) if runs else []


# A tile is mapped with its neighbours in sight; where tiles lie is known once the inputs are checked.


@cache
def neighbours(path, _changed):
    return find_neighbours(read_places(path))


def seen_tiles(wildcards):
    pass_gate("check_region", wildcards.region)
    path = f"results/{wildcards.region}/checks.json"
    return [wildcards.tile, *neighbours(path, changed_at(path))[wildcards.tile]]


def seen_images(wildcards):
    return images_of(wildcards.region, seen_tiles(wildcards))


def seen_masks(wildcards):
    return masks_of(wildcards.region, seen_tiles(wildcards))


def folded_scores(wildcards):
    """With k-fold, the scores of the selected experiment's folds: the map itself has seen all labels."""
    here = plan(wildcards.region)
    if here.region.split.method != "kfold" or here.region.model:
        return []
    return [score_path(wildcards.region, run) for run in here.runs[selected(wildcards.region)["experiment"]]]


def map_stamp(region):
    """What the map of a region is called: it hangs on the experiment that was selected."""
    choice = selected(region)
    return describe_map(plan(region), CONFIG, choice["experiment"]) | {"threshold": choice["threshold"]}


def map_inputs(region):
    """The files that a map is made from, as every file of the map tells them."""
    here = plan(region)
    labels = [*here.region.labels.path, *here.region.labels.test_path] if here.region.labels else []
    weak = [entry.path for entry in here.region.weak.values() if entry.path is not None]
    zones = [*([here.region.area] if here.region.area else []), *(zone.path for zone in here.region.exclude)]
    return [*images_of(region, here.tiles), *masks_of(region, here.tiles), *weak, *labels, *zones]


def stamp_settings(region):
    return {"stamp": map_stamp(region), "inputs": map_inputs(region)}


def map_settings(wildcards):
    settings = tiles_settings(wildcards.region, seen_tiles(wildcards)) | zone_settings(wildcards.region)
    return settings | {"stamp": map_stamp(wildcards.region)}


def area_settings(wildcards):
    """Area is measured at the threshold of the map, at 0.5 and at the ends of the range of the chosen one."""
    choice = selected(wildcards.region)
    others = sorted({0.5, choice["threshold_best"], *(choice["threshold_range"] or ())})
    return stamp_settings(wildcards.region) | {"others": others}


def map_tiles(wildcards):
    selected(wildcards.region)
    return [f"results/{wildcards.region}/map/{tile}.tif" for tile in plan(wildcards.region).tiles]


def map_score_settings(wildcards):
    """Labels of a region that a model from elsewhere maps have taught it nothing: all of them test."""
    here = plan(wildcards.region)
    return split_settings(wildcards.region, None) | {"every_label": bool(here.region.model)}


def maps_wanted(region):
    pass_gates(region)
    if not plan(region).mapped:
        return []
    folder = f"results/{region}"
    units = [f"{folder}/map/area_by_unit.csv"] if plan(region).region.units else []
    card = [f"{folder}/model_card.md"] if plan(region).trained else []
    delivered = [f"{folder}/delivery/collection.json", f"{folder}/qgis/{region}.qgz"]
    products = [f"{folder}/map/cropland.vrt", *delivered, *card]
    return products + units + assessments(region)


def sampling_settings(wildcards):
    return stamp_settings(wildcards.region) | {"sampling": CONFIG.sampling.model_dump(mode="json")}


def assessment_settings(wildcards):
    return {"stamp": map_stamp(wildcards.region)} | sample_settings(wildcards)


def sample_settings(wildcards):
    return {"sample": plan(wildcards.region).region.sample.model_dump(mode="json")}


def sample_file(wildcards):
    return plan(wildcards.region).region.sample.path


def unit_settings(wildcards):
    return sample_settings(wildcards) | {"id_field": plan(wildcards.region).region.units.id_field}


def split_blocks(wildcards):
    return [f"results/{wildcards.region}/labels/splits.csv"] if plan(wildcards.region).region.labels else []


def suggestion_settings(wildcards):
    region = plan(wildcards.region).region
    weak = describe_weak_map(region, next(iter(region.weak))) if region.weak else None
    split = {"split": region.split.model_dump(mode="json"), "weak": weak}
    return stamp_settings(wildcards.region) | CONFIG.suggestions.model_dump(mode="json") | split


def assessments(region):
    """The tables of accuracy and area of a region: those that its probability sample and its units allow."""
    here = plan(region).region
    units = [f"results/{region}/accuracy_by_unit.csv"] if here.units else []
    return [f"results/{region}/accuracy.csv", *units] if here.sample else []


def delivery_settings(wildcards):
    return stamp_settings(wildcards.region) | {"min_patch_m2": CONFIG.map.min_patch_m2}


def project_settings(wildcards):
    region = plan(wildcards.region).region
    weak = [
        {"name": name, "path": entry.path, "settings": entry.model_dump(mode="json", include=DRAWN_WEAK)}
        for name, entry in region.weak.items()
        if entry.path is not None
    ]
    told = {"bands": list(region.bands), "weak": weak, "mined": shown_mined(wildcards.region)}
    return stamp_settings(wildcards.region) | told


def shown_mined(region):
    """The experiment whose mined labels the project shows."""
    return choose_mined(plan(region), selected(region)["experiment"])


def project_images(wildcards):
    """The last date of every tile."""
    return [files["images"][-1] for files in plan(wildcards.region).files.values()]


def project_targets(wildcards):
    return targets_of(wildcards.region, selected_runs(wildcards.region)[:1])


def project_mined(wildcards):
    """Targets with mined labels: those of the map's first run, or of the first run that was compared."""
    here, name = plan(wildcards.region), shown_mined(wildcards.region)
    chosen = name == selected(wildcards.region)["experiment"]
    return targets_of(wildcards.region, (here.final_runs if chosen else here.runs).get(name, [])[:1])


def targets_of(region, runs):
    tiles = plan(region).training_tiles
    return [f"results/{region}/targets/{run.recipe}/{tile}.tif" for run in runs for tile in tiles]


def project_units(wildcards):
    return [f"results/{wildcards.region}/map/area_by_unit.gpkg"] if plan(wildcards.region).region.units else []


def card_weights(wildcards):
    """The exported weights of the networks that make the map; a forest's file holds no pickle anyway."""
    here = plan(wildcards.region)
    runs = here.final_runs[selected(wildcards.region)["experiment"]]
    networks = [run for run in runs if not here.trains_forest(run)]
    return [model_path(wildcards.region, run).replace("model.ckpt", "model.safetensors") for run in networks]


def card_accuracy(wildcards):
    return assessments(wildcards.region)[:1]


def card_settings(wildcards):
    here = plan(wildcards.region)
    runs = here.final_runs[selected(wildcards.region)["experiment"]]
    recipe = describe_recipe(here, CONFIG, selected(wildcards.region)["experiment"], runs)
    return stamp_settings(wildcards.region) | {"recipe": recipe}


def unit_path(wildcards):
    return plan(wildcards.region).region.units.path


def mined_polygons(region):
    pass_shifts(region, plan(region).registered)
    return [
        f"results/{region}/mined/{folder}/{tile}.parquet"
        for folder in plan(region).mined
        for tile in plan(region).training_tiles
    ]


def mined_settings(wildcards):
    return plan(wildcards.region).mined[f"{wildcards.segmentation}/{wildcards.weak}/{wildcards.thresholds}"]
