def selected(region):
    """The choice of compare_experiments; a model from elsewhere leaves none."""
    if plan(region).region.model:
        given = plan(region).region.threshold
        threshold = 0.5 if given is None else given
        return {"experiment": None, "threshold": threshold, "threshold_best": threshold, "threshold_range": None}
    pass_gate("compare_experiments", region)
    path = paths.SELECTED.format(region=region)
    return read_choice(path, changed_at(path))


@cache
def read_choice(path, changed):
    return read_json(path)


def choice(wildcards):
    if plan(wildcards.region).region.model:
        return []
    pass_gate("compare_experiments", wildcards.region)
    return paths.SELECTED.format(**wildcards)


def selected_runs(region):
    """The runs that make the map; none with a model from elsewhere."""
    return plan(region).final_runs.get(selected(region)["experiment"], [])


def map_tiles(wildcards):
    selected(wildcards.region)
    return collect(paths.MAP, region=wildcards.region, tile=plan(wildcards.region).tiles)


def map_stamp(region):
    """What the map of a region is called: it depends on the experiment that was selected."""
    choice = selected(region)
    return stamp_map(plan(region), CONFIG, choice["experiment"], choice["threshold"])


def stamp_settings(region):
    return {"stamp": asdict(map_stamp(region)), "inputs": map_inputs(region)}


def map_inputs(region):
    """The files that a map is made from, as every file of the map names them."""
    here = plan(region)
    labels = [*here.region.labels.path, *here.region.labels.test_path] if here.region.labels else []
    weak = [entry.path for entry in here.region.weak.values() if entry.path is not None]
    zones = [*([here.region.area] if here.region.area else []), *(zone.path for zone in here.region.exclude)]
    return [*images_of(region, here.tiles), *masks_of(region, here.tiles), *weak, *labels, *zones]


def mapped_regions():
    return [region for region in REGIONS if plan(region).mapped]


def wanted_maps(region):
    """What a region's map comes to: mosaic, delivery, QGIS project, model card, units and accuracy."""
    pass_gates(region)
    if not plan(region).mapped:
        return []
    patterns = [paths.MOSAIC, paths.DELIVERY, paths.PROJECT]
    patterns += [paths.CARD] if plan(region).trained else []
    patterns += [paths.UNIT_AREAS] if plan(region).region.units else []
    return collect(patterns, region=region) + assessments(region)


def assessments(region):
    """The tables of accuracy and area of a region: those that its probability sample and its units allow."""
    here = plan(region).region
    patterns = [paths.ACCURACY, *([paths.UNIT_ACCURACY] if here.units else [])] if here.sample else []
    return collect(patterns, region=region)


def unit_path(wildcards):
    return plan(wildcards.region).region.units.path


# What rules of this phase read.


def foreign_model(wildcards):
    return plan(wildcards.region).region.model


@canonical
def check_model_settings(wildcards):
    return tiles_settings(wildcards.region, plan(wildcards.region).tiles)


def choose_model_model(wildcards):
    here = plan(wildcards.region)
    return next(here.model_path(run) for run in selected_runs(wildcards.region) if run.name == wildcards.run)


# A tile is mapped with its neighbours in sight; where tiles lie is known once the inputs are checked.


def seen_tiles(wildcards):
    pass_gate("check_region", wildcards.region)
    path = paths.CHECKS.format(region=wildcards.region)
    return [wildcards.tile, *neighbours(path, changed_at(path))[wildcards.tile]]


def map_tile_verdict(wildcards):
    """A model from elsewhere is checked before it maps; a checkpoint, since jobs behind `ancient` else go unchecked."""
    if not foreign_model(wildcards):
        return []
    pass_gate("check_model", wildcards.region)
    return []


def map_tile_models(wildcards):
    """The copies of the selected models: behind them the trainings, each of thousands of inputs, stand but once."""
    region, here = wildcards.region, plan(wildcards.region)
    copies = [
        paths.CHOSEN_MODEL.format(region=region, run=run.name, kind=Path(here.kind_of(run).file).suffix[1:])
        for run in selected_runs(region)
    ]
    return copies or [foreign_model(wildcards)]


def map_tile_images(wildcards):
    return images_of(wildcards.region, seen_tiles(wildcards))


def map_tile_masks(wildcards):
    return masks_of(wildcards.region, seen_tiles(wildcards))


def map_tile_features(wildcards):
    runs = selected_runs(wildcards.region)
    return features_of(wildcards.region, runs[0].model, seen_tiles(wildcards)) if runs else []


def map_reads(region):
    """What the models of the map read besides imagery."""
    runs = selected_runs(region)
    return reads_of(region, runs[0].model) if runs else None


def map_tile_weak(wildcards):
    return weak_of(wildcards.region, map_reads(wildcards.region))


def map_tile_registrations(wildcards):
    return registrations_of(wildcards.region, map_reads(wildcards.region))


def map_tile_segments(wildcards):
    return segments_of(wildcards.region, map_reads(wildcards.region), [wildcards.tile])


def map_tile_overlaps(wildcards):
    return overlaps_of(wildcards.region, map_reads(wildcards.region), [wildcards.tile])


@canonical
def map_tile_settings(wildcards):
    settings = tiles_settings(wildcards.region, seen_tiles(wildcards)) | zone_settings(wildcards.region)
    settings |= reads_settings(map_reads(wildcards.region))
    return settings | {"stamp": asdict(map_stamp(wildcards.region))}


@canonical
def build_mosaic_settings(wildcards):
    """Area is measured at the threshold of the map, at 0.5 and at the ends of the range of the chosen one."""
    choice = selected(wildcards.region)
    others = sorted({0.5, choice["threshold_best"], *(choice["threshold_range"] or ())})
    return stamp_settings(wildcards.region) | {"others": others}


@canonical
def measure_units_settings(wildcards):
    return stamp_settings(wildcards.region) | {"id_field": plan(wildcards.region).region.units.id_field}


@canonical
def deliver_map_settings(wildcards):
    return stamp_settings(wildcards.region) | {"min_polygon_m2": CONFIG.map.min_polygon_m2}


def draw_project_images(wildcards):
    """The last date of every tile."""
    return [files["images"][-1] for files in plan(wildcards.region).files.values()]


def shown_mined(region):
    """The experiment whose mined labels the project shows."""
    return choose_mined(plan(region), selected(region)["experiment"])


def draw_project_targets(wildcards):
    return [path for run in selected_runs(wildcards.region)[:1] for path in targets_of(wildcards.region, run.recipe)]


def draw_project_mined(wildcards):
    """Targets with mined labels: those of the map's first run, or of the first run that was compared."""
    here, name = plan(wildcards.region), shown_mined(wildcards.region)
    chosen = name == selected(wildcards.region)["experiment"]
    runs = (here.final_runs if chosen else here.runs).get(name, [])[:1]
    return [path for run in runs for path in targets_of(wildcards.region, run.recipe)]


def draw_project_units(wildcards):
    return [paths.UNIT_LAYER.format(**wildcards)] if plan(wildcards.region).region.units else []


@canonical
def draw_project_settings(wildcards):
    region = plan(wildcards.region).region
    weak = [
        {"name": name, "path": entry.path, "settings": entry.model_dump(mode="json", include=DRAWN_WEAK)}
        for name, entry in region.weak.items()
        if entry.path is not None
    ]
    shown = {"bands": list(region.bands), "weak": weak, "mined": shown_mined(wildcards.region)}
    return stamp_settings(wildcards.region) | shown


@canonical
def design_sample_settings(wildcards):
    return stamp_settings(wildcards.region) | {"sampling": CONFIG.sampling.model_dump(mode="json")}


@canonical
def assess_map_settings(wildcards):
    return {"version": map_stamp(wildcards.region).version} | sample_settings(wildcards)


@canonical
def assess_units_settings(wildcards):
    return sample_settings(wildcards) | {"id_field": plan(wildcards.region).region.units.id_field}


def suggest_labels_splits(wildcards):
    return [paths.SPLITS.format(**wildcards)] if plan(wildcards.region).region.labels else []


@canonical
def suggest_labels_settings(wildcards):
    weak = weak_source(wildcards.region)
    split = plan(wildcards.region).region.split.model_dump(mode="json", exclude={"buffer_m", "folds"})
    settings = CONFIG.suggestions.model_dump(mode="json") | {"split": split, "weak": weak.unguarded if weak else None}
    return stamp_settings(wildcards.region) | settings
