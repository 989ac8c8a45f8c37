import json
import os
import re
import sys
from collections import Counter
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path

# Of this file, not of the main Snakefile: another workflow may use this one as a module.
SCRIPTS = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).resolve().parent / "workflow_scripts"
sys.path.insert(0, str(SCRIPTS))

from cropmine.access import limit_gdal
from cropmine.cluster import find_misfits, read_accounts, read_limits
from cropmine.config import validate_config
from cropmine.errors import CropmineError
from cropmine.forecast import count_missing, read_seconds
from cropmine.neighbours import find_neighbours, read_places
from cropmine.plans import (
    DRAWS,
    describe_experiment,
    describe_weak_map,
    list_marks,
    list_seeds,
    Run,
    list_registered,
    list_shifts,
    list_weak_files,
    plan_region,
)
from cropmine.progress import Progress, ProgressHandler
from cropmine.provenance import digest_code, write_canonical
from cropmine.resources import USUAL_CHANNELS, USUAL_TILE_PX, estimate_mb, estimate_minutes
from cropmine.stamps import DRAWN_WEAK, describe_map, describe_recipe
from cropmine.sweeps import describe_sweep, expand_sweeps
from cropmine.tiles import check_files
from cropmine.transfers import describe_transfer, list_lessons
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger


def refuse(error):
    """A fault of the configuration, told by Snakemake without a traceback."""
    raise WorkflowError(str(error)) from None


def load_config():
    try:
        return expand_sweeps(validate_config(config))
    except CropmineError as error:
        refuse(error)


CONFIG, POINTS = load_config()
os.environ |= limit_gdal(CONFIG.model_dump(mode="json"))  # before GDAL starts, here and in every job
REGIONS = list(CONFIG.default_regions or CONFIG.regions)
SIMULATED = [name for name, region in CONFIG.regions.items() if region.simulate]
DEEP = [name for name, segmentation in CONFIG.segmentations.items() if segmentation.method == "deep"]
SHALLOW = [name for name in CONFIG.segmentations if name not in DEEP]


@cache
def plan(region):
    try:
        here = plan_region(region, CONFIG, POINTS)
        if region not in SIMULATED and workflow.is_main_process:
            check_files(region, here.region, here.files)
        return here
    except CropmineError as error:
        refuse(error)


def code(script, templates=None):
    """The digest of a rule's code, for its params; a function, since the process of one job needs no other rule's."""

    def digest(wildcards):
        return digest_code(SCRIPTS / f"{script}.py", SCRIPTS / templates if templates else None)

    return digest


# Resources: what a job asks of a cluster, from the verdict of check_inputs; before there is one, from a usual tile.


def memory(rule):
    """The memory of a rule's jobs, MB, for its resources; no more than the largest node of the cluster has."""

    def estimate(wildcards, attempt):
        asked = estimate_mb(rule, *size_tiles(wildcards), attempt)
        return min(asked, limits().mb) if on_cluster() else asked

    return estimate


def minutes(rule):
    """The time limit of a rule's jobs, minutes, for its resources; no more than the cluster gives."""

    def estimate(wildcards, attempt):
        asked = estimate_minutes(rule, size_tiles(wildcards)[0], attempt)
        longest = limits().longest(default_resource("slurm_partition")) if on_cluster() else None
        return asked if longest is None else min(asked, longest)

    return estimate


def on_cluster():
    return workflow.executor_plugin is not None and workflow.executor_plugin.name == "slurm"


@cache
def limits():
    try:
        return read_limits()
    except CropmineError as error:
        refuse(error)


def default_resource(name):
    return plain_resources(workflow.resource_settings.default_resources).get(name)


def plain_resources(resources):
    """Resources of a profile as numbers and words; those that are expressions are left out."""
    raw = {name: resource.raw for name, resource in resources.items()}
    return {
        name: int(value) if str(value).isdigit() else value
        for name, value in raw.items()
        if re.fullmatch(r"[\w-]+", str(value))
    }


def check_cluster():
    """Say before the first job what the cluster would refuse, or let wait for ever."""
    if not on_cluster():
        return
    common = plain_resources(workflow.resource_settings.default_resources)
    rules = {rule: plain_resources(asked) for rule, asked in workflow.resource_settings.overwrite_resources.items()}
    try:
        if faults := find_misfits(limits(), common, rules, read_accounts()):
            raise CropmineError.gather("profiles/slurm", faults)
    except CropmineError as error:
        refuse(error)


def show_progress():
    """Tell the progress of a run by phase, which are the files that rules are in."""
    phases = {rule.name: Path(rule.snakefile).stem for rule in workflow.rules if rule.output}
    slots = workflow.nodes if on_cluster() else workflow.cores
    past = cache(lambda rule: read_seconds(Path("results"), rule))
    logger.addHandler(ProgressHandler(logger, Progress(phases, slots or 1, past), count_left))


def count_left():
    """The jobs left by rule: those that are planned, or, behind a gate that isn't passed, those without an output."""
    left = Counter(job.rule.name for job in workflow.dag.needrun_jobs())
    if any(step.name == "all" for step in workflow.dag.targetrules):
        left |= count_missing([plan(region) for region in REGIONS], CONFIG, Path("results"))
    return left


def size_tiles(wildcards):
    """Pixels of the largest tile of a job's region, of all regions if it has none, and the channels of its imagery."""
    regions = [wildcards.region] if "region" in wildcards.keys() else REGIONS
    sizes = [read_sizes(region, changed_at(f"results/{region}/checks.json")) for region in regions]
    return max(pixels for pixels, _ in sizes), max(channels for _, channels in sizes)


def changed_at(path):
    return Path(path).stat().st_mtime_ns if Path(path).exists() else None


@cache
def read_sizes(region, stamped):
    if stamped is None:
        return USUAL_TILE_PX, USUAL_CHANNELS
    verdict = json.loads(Path(f"results/{region}/checks.json").read_text())
    return max(place["width"] * place["height"] for place in verdict["places"].values()), verdict["channels"]


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
    settings = tiles_settings(region, here.tiles) | split_settings(region, find_run(region, wildcards.run).fold)
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


# Gates. What lies behind a checkpoint is planned when it is done. A job in a process of its own, as on a cluster, was
# planned by the main one: to it checkpoints are plain rules, else each would plan all that lies before it anew.


def settle_process():
    """The main process plans all regions, so that their faults are told at once; a job's own has no checkpoints."""
    if workflow.is_main_process:
        for region in REGIONS:
            plan(region)
    else:
        for step in workflow.rules:
            step.is_checkpoint = False


def pass_gate(gate, region, **further):
    if workflow.is_main_process:
        getattr(checkpoints, gate).get(region=region, **further)


def pass_shifts(region, shifts):
    pass_gate("check_inputs", region)
    for segmentation, weak in shifts:
        pass_gate("register_weak", region, segmentation=segmentation, weak=weak)


def pass_gates(region):
    """Pass every gate of a region before a job behind the last is named.

    Snakemake notices that a gate was passed in an earlier run only for jobs that it knew before it passed another: a job
    that is named behind two gates at once would be left without its inputs.
    """
    pass_shifts(region, list_shifts(plan(region), CONFIG))
    if plan(region).experiments:
        pass_gate("compare_experiments", region)


# Inputs. Users' files are read only by jobs behind the verdict of check_inputs.


def verdict(wildcards):
    pass_gate("check_inputs", wildcards.region)
    return ancient(f"results/{wildcards.region}/checks.json")


def checked(wildcards):
    """Wait for the verdict and name no file: Snakemake compares a file with all inputs of the job that makes it, so
    that thousands of jobs behind one with thousands of inputs would take it the square of the time."""
    pass_gate("check_inputs", wildcards.region)
    return []


def tile_images(wildcards):
    return plan(wildcards.region).files[wildcards.tile]["images"]


def tile_masks(wildcards):
    return plan(wildcards.region).files[wildcards.tile]["masks"]


def images_of(region, tiles):
    return [path for tile in tiles for path in plan(region).files[tile]["images"]]


def masks_of(region, tiles):
    return [path for tile in tiles for path in plan(region).files[tile]["masks"]]


def all_images(wildcards):
    return images_of(wildcards.region, plan(wildcards.region).tiles)


def all_masks(wildcards):
    return masks_of(wildcards.region, plan(wildcards.region).tiles)


def training_images(wildcards):
    return images_of(wildcards.region, plan(wildcards.region).training_tiles)


def training_masks(wildcards):
    return masks_of(wildcards.region, plan(wildcards.region).training_tiles)


def area(wildcards):
    region = plan(wildcards.region).region
    return [region.area] if region.area else []


def excludes(wildcards):
    return [exclusion.path for exclusion in plan(wildcards.region).region.exclude]


def source_settings(wildcards):
    """What a file of the region stands for; Snakemake asks for no other."""
    return {"path": plan(wildcards.region).virtual[f"results/{wildcards.region}/virtual/{wildcards.source}.vrt"]}


def weak_paths(wildcards):
    return [weak.path for weak in plan(wildcards.region).region.weak.values() if weak.path is not None]


def weak_path(wildcards):
    return list_weak_files(plan(wildcards.region).region, wildcards.weak)


def registrations(region, weak, segmentation):
    """The measured shifts of a weak map, or of the maps that it is a consensus of; none where it isn't registered."""
    for name in list_registered(plan(region).region, weak):
        pass_gate("register_weak", region, segmentation=segmentation, weak=name)
    return registration_paths(region, weak, segmentation)


def registration_paths(region, weak, segmentation):
    names = list_registered(plan(region).region, weak)
    return [f"results/{region}/registrations/{segmentation}/{name}.json" for name in names]


def overlap_registrations(wildcards):
    return registrations(wildcards.region, wildcards.weak, wildcards.segmentation)


def score_registrations(wildcards):
    """A weak map that is scored itself is moved as the first segmentation has it."""
    return registrations(wildcards.region, wildcards.weak, next(iter(CONFIG.segmentations)))


def other_image(wildcards):
    """An image of another tile, whose place alone is read: a weak map from there is one that can't fit."""
    tiles = plan(wildcards.region).registration_tiles
    other = tiles[(tiles.index(wildcards.tile) + 1) % len(tiles)]
    return [ancient(plan(wildcards.region).files[other]["images"][0])] if other != wildcards.tile else []


def measured_shifts(wildcards):
    folder = f"results/{wildcards.region}/shifts/{wildcards.segmentation}/{wildcards.weak}"
    return [f"{folder}/{tile}.npz" for tile in plan(wildcards.region).registration_tiles]


def shift_settings(wildcards):
    """A shift is measured on the map as it lies, without a guard."""
    weak = weak_settings(wildcards.region, wildcards.weak)
    return weak | {"weak": weak["weak"] | {"register": "off", "guard_m": 0}}


def label_paths(wildcards):
    labels = plan(wildcards.region).region.labels
    return [*labels.path, *labels.test_path] if labels else []


def split_table(wildcards):
    return [f"results/{wildcards.region}/labels/labels.parquet"] if plan(wildcards.region).region.labels else []


def sample_files(wildcards):
    sample = plan(wildcards.region).region.sample
    return [sample.path, sample.design] if sample else []


def sample_design(wildcards):
    sample = plan(wildcards.region).region.sample
    return [sample.design] if sample else []


def codebook(wildcards):
    if CONFIG.segmentations[wildcards.segmentation].scope == "tile":
        return []
    return [f"results/{wildcards.region}/codebooks/{wildcards.segmentation}.json"]


def deep_model(wildcards):
    experiment = CONFIG.segmentations[wildcards.segmentation].experiment
    return model_path(wildcards.region, plan(wildcards.region).runs[experiment][0])


def of_training_tiles(wildcards, folder, suffix):
    return [f"results/{wildcards.region}/{folder}/{tile}{suffix}" for tile in plan(wildcards.region).training_tiles]


def audit_segments(wildcards):
    return of_training_tiles(wildcards, f"segments/{wildcards.segmentation}", ".tif")


def audit_overlaps(wildcards):
    return of_training_tiles(wildcards, f"overlaps/{wildcards.segmentation}/{wildcards.weak}", ".parquet")


def audit_masks(wildcards):
    return of_training_tiles(wildcards, "masks/whole", ".tif")


def weak_training_labels(wildcards):
    path = plan(wildcards.region).region.weak[wildcards.weak].training_labels
    return [path] if path else []


def audit_settings(wildcards):
    here = plan(wildcards.region)
    return {
        "weak": weak_settings(wildcards.region, wildcards.weak),
        "min_valid": here.region.weak[wildcards.weak].min_valid,
        "prevalence": here.region.prevalence,
        "marks": list_marks(here, CONFIG, wildcards.segmentation, wildcards.weak),
    }


def audits(region):
    """The files of a region's audits by segmentation and weak map: those that mined labels are drawn from."""
    here = plan(region)
    return {
        f"{segmentation}/{weak}": {
            "table": f"results/{region}/audits/{segmentation}/{weak}.parquet",
            "summary": f"results/{region}/audits/{segmentation}/{weak}.json",
            "figure": f"results/{region}/figures/audit_{segmentation}_{weak}.png",
        }
        for segmentation, weak in (here.mined_from if here.region.labels else [])
    }


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


def all_features(wildcards):
    return features_of(wildcards.region, wildcards.model, plan(wildcards.region).tiles)


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
    pass_gate("check_inputs", wildcards.region)
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
    return stamp_settings(wildcards.region) | {"bands": list(region.bands), "weak": weak}


def project_images(wildcards):
    """The last date of every tile."""
    return [files["images"][-1] for files in plan(wildcards.region).files.values()]


def project_targets(wildcards):
    tiles = plan(wildcards.region).training_tiles
    runs = selected_runs(wildcards.region)[:1]
    return [f"results/{wildcards.region}/targets/{run.recipe}/{tile}.tif" for run in runs for tile in tiles]


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


# The report and the demo's own check.


def report_files(region):
    """The files of a region that the report reads, by what they are; None where the region has no such file."""
    here, folder = plan(region), f"results/{region}"
    scored, mapped = bool(here.experiments), here.mapped
    segmentation, weak = next(iter(here.mined_from), (None, None))
    return {
        "experiments": f"{folder}/experiments.csv" if scored else None,
        "differences": f"{folder}/differences.csv" if scored else None,
        "selected": f"{folder}/selected.json" if scored else None,
        "map_scores": f"{folder}/scores/map.json" if mapped and here.region.labels else None,
        "area": f"{folder}/map/area.json" if mapped else None,
        "accuracy": f"{folder}/accuracy.csv" if mapped and here.region.sample else None,
        "labels": f"{folder}/labels/labels.parquet" if here.region.labels else None,
        "splits": f"{folder}/labels/splits.csv" if here.region.labels else None,
        "truth_check": f"{folder}/truth_check.csv" if here.trained and here.region.simulate else None,
        "maps": [f"{folder}/map/{tile}.tif" for tile in here.tiles] if mapped else [],
        "images": {tile: files["images"] for tile, files in here.files.items()},
        "segments": {tile: f"{folder}/segments/{segmentation}/{tile}.tif" for tile in here.training_tiles if weak},
        "overlaps": {
            tile: f"{folder}/overlaps/{segmentation}/{weak}/{tile}.parquet" for tile in here.training_tiles if weak
        },
        "mined": here.mined[next(iter(here.mined))] if here.mined else None,
        "weak": (
            {
                "name": weak,
                "paths": list_weak_files(here.region, weak),
                "settings": weak_settings(region, weak),
                "registrations": registration_paths(region, weak, segmentation),
            }
            if weak
            else None
        ),
        "checks": f"{folder}/checks.json",
        "audits": audits(region),
        "registrations": {
            f"{place[0]}/{place[1]}": f"{folder}/registrations/{place[0]}/{place[1]}.surfaces.json"
            for place in here.registered
        },
        "distances": f"{folder}/distances.json" if here.trained else None,
        "sweeps": finished_sweeps(region),
    }


def run_inputs(wildcards):
    """What the run leaves when it is done: tables of experiments and maps."""
    tables = [f"results/{region}/experiments.csv" for region in REGIONS if plan(region).experiments]
    return tables + [path for region in REGIONS for path in maps_wanted(region)]


def finished(files):
    """Those of some tables and figures, by name, that were made: a report shows them, but doesn't make them.

    They are no inputs, so that `all` trains nothing for them; the digest in the settings tells that one was made anew.
    """
    return {
        name: own | {"digest": sha256(Path(own["table"]).read_bytes()).hexdigest()[:16]}
        for name, own in files.items()
        if Path(own["table"]).exists() and Path(own["figure"]).exists()
    }


def finished_sweeps(region):
    return finished(
        {
            sweep: {
                "table": f"results/{region}/sweeps/{sweep}.csv",
                "figure": f"results/{region}/figures/sweep_{sweep}.png",
            }
            for sweep in plan(region).sweeps
        }
    )


def finished_transfers():
    return finished(
        {
            name: {"table": f"results/transfer/{name}.csv", "figure": f"results/transfer/figures/{name}.png"}
            for name in CONFIG.transfers
        }
    )


def report_inputs(wildcards):
    paths = []
    for region in REGIONS:
        pass_gates(region)
        files = report_files(region)
        for value in files.values():
            if isinstance(value, str):
                paths.append(value)
            elif isinstance(value, list):
                paths += value
        paths += [path for audit in files["audits"].values() for path in audit.values()]
        paths += files["registrations"].values()
        for segmentation, weak in plan(region).registered:
            paths += registration_paths(region, weak, segmentation)
        for key in ("images", "segments", "overlaps"):
            for value in files[key].values():
                paths += value if isinstance(value, list) else [value]
        paths += (files["weak"]["paths"] if files["weak"] else []) + mined_polygons(region)
    return list(dict.fromkeys(["results/run.json", *paths]))


def report_settings(wildcards):
    regions = []
    for region in REGIONS:
        here = plan(region)
        labels = here.region.labels
        regions.append(
            {
                "name": region,
                "definition": labels.definition if labels else None,
                "tiles": here.tiles,
                "files": report_files(region),
                "simulated": bool(here.region.simulate),
            }
            | imagery_settings(region)
        )
    shown = CONFIG.report.model_dump(mode="json")
    return {"regions": regions, "transfers": finished_transfers(), "run": "results/run.json", "report": shown}


def simulation_settings(wildcards):
    return {"simulation": plan(wildcards.region).region.simulate.model_dump(mode="json")}


def first_weak(wildcards):
    region = plan(wildcards.region).region
    return list_weak_files(region, next(iter(region.weak))) if region.weak else []


def first_registrations(wildcards):
    weak = next(iter(plan(wildcards.region).region.weak), None)
    return registrations(wildcards.region, weak, next(iter(CONFIG.segmentations))) if weak else []


def first_models(wildcards):
    here = plan(wildcards.region)
    return list(dict.fromkeys(model_path(wildcards.region, here.runs[name][0]) for name in here.trained))


def truth_settings(wildcards):
    region, here = wildcards.region, plan(wildcards.region)
    places = {path: place for place, path in enumerate(first_models(wildcards))}
    experiments = [{"name": name, "models": [places[model_path(region, here.runs[name][0])]]} for name in here.trained]
    weak = next(iter(here.region.weak), None)
    weak_only = [name for name in here.experiments if name not in here.trained]
    return tiles_settings(region, here.tiles) | {
        "experiments": experiments,
        "weak": weak_settings(region, weak) if weak else None,
        "weak_experiment": weak_only[0] if weak_only else None,
    }


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
    return [path for region in tested_regions(wildcards) for path in images_of(region, plan(region).tiles)]


def tested_masks(wildcards):
    return [path for region in tested_regions(wildcards) for path in masks_of(region, plan(region).tiles)]


def tested_labels(wildcards):
    return [f"results/{region}/labels/labels.parquet" for region in tested_regions(wildcards)]


def tested_statistics(wildcards):
    return find_lesson(wildcards).statistics[1:]


def tested_settings(wildcards):
    parts = [
        part_settings(region, plan(region).tiles) | split_settings(region, None) for region in tested_regions(wildcards)
    ]
    return {"parts": parts}


def transfer_scores(wildcards):
    return describe_transfer(wildcards.transfer, CONFIG, ends(wildcards.transfer))[1]


# Targets that stop at a stage.


def stages():
    """The files of each target beside `all`, by its name; functions, since the process of one job needs none of them."""
    return {
        "check": [f"results/{region}/checks.json" for region in REGIONS],
        "mine": lambda wildcards: [path for region in REGIONS for path in mined_polygons(region)],
        "train": lambda wildcards: [path for region in REGIONS for path in trained_models(region)],
        "map": lambda wildcards: [path for region in REGIONS for path in maps_wanted(region)],
        "report": ["results/report.html"],
        "sample": lambda wildcards: [f"results/{region}/sample.json" for region in REGIONS if plan(region).mapped],
        "suggest": lambda wildcards: [
            f"results/{region}/suggestions.gpkg" for region in REGIONS if plan(region).mapped
        ],
        **{f"sweep_{sweep}": lambda wildcards, sweep=sweep: sweep_figures(sweep) for sweep in CONFIG.sweeps},
        **{f"transfer_{name}": [f"results/transfer/figures/{name}.png"] for name in CONFIG.transfers},
    }
