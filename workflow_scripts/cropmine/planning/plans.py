"""The plan of a region: which files, recipes, runs and models its part of the workflow has, in plain builtins.

It is made when the Snakefile is parsed, so it opens no raster and imports nothing heavy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from cropmine.config.experiments import Experiment, Mined
from cropmine.config.models import Fusion, Model
from cropmine.config.regions import Region, Split
from cropmine.config.schema import Config
from cropmine.errors import CropmineError
from cropmine.planning import paths
from cropmine.planning.recipes import (
    Recipe,
    choose_segmentation,
    choose_weak_map,
    find_weak_source,
    list_registered,
    resolve_recipe,
    spell_thresholds,
)
from cropmine.planning.runs import FUSED, NO_VOICES, ModelReads, ModelSettings, Run, Voice, Voices
from cropmine.planning.tiles import (
    TileFiles,
    check_simulated_paths,
    choose_training_tiles,
    count_rows,
    find_tiles,
    imagery_patterns,
    name_virtual_source,
    tile_files,
)

DRAWS = 10
FEW_LABELS = 200
REGISTRATION_TILES = 50


@dataclass(frozen=True)
class MinedPolygons:
    """A set of mined polygons: from which segments and weak map, at which thresholds."""

    segmentation: str
    weak: str
    mined: Mined
    min_valid: float

    @property
    def thresholds(self) -> str:
        """The thresholds as a folder's name."""
        return f"{spell_thresholds(self.mined, '_')}_valid{self.min_valid:g}"

    @property
    def settings(self) -> dict[str, Any]:
        """What mining reads, as plain values."""
        return {"mined": self.mined.model_dump(mode="json"), "min_valid": self.min_valid}


@dataclass(frozen=True)
class GridPoint:
    """A point of a sweep's grid: its name, its values by dotted key, and the experiment that they make."""

    name: str
    values: dict[str, Any]
    experiment: Experiment


@dataclass
class Plan:
    """What the workflow does for one region.

    final_runs: those that make the map, by experiment; virtual: what files that stand for virtual sources stand for;
    human_transfers and mined_transfers: the runs on human and on mined labels that a transfer needs, by its name;
    voices: what fused runs average, by the names of their model and run.
    """

    name: str
    region: Region
    files: dict[str, TileFiles]
    training_tiles: list[str]
    experiments: dict[str, Experiment] = field(default_factory=dict)
    runs: dict[str, list[Run]] = field(default_factory=dict)
    final_runs: dict[str, list[Run]] = field(default_factory=dict)
    recipes: dict[str, Recipe] = field(default_factory=dict)
    models: dict[str, ModelSettings] = field(default_factory=dict)
    mined: list[MinedPolygons] = field(default_factory=list)
    sweeps: dict[str, list[tuple[GridPoint, list[Run]]]] = field(default_factory=dict)
    registration_tiles: list[str] = field(default_factory=list)
    virtual: dict[str, str] = field(default_factory=dict)
    human_transfers: dict[str, list[Run]] = field(default_factory=dict)
    mined_transfers: dict[str, list[Run]] = field(default_factory=dict)
    voices: dict[tuple[str, str], Voices] = field(default_factory=dict)

    @property
    def tiles(self) -> list[str]:
        return list(self.files)

    @property
    def dates(self) -> int:
        return len(imagery_patterns(self.region))

    @property
    def every_run(self) -> list[Run]:
        """The runs of the experiments, of the points of sweeps and of transfers, and those that make the map.

        Runs whose models are only averaged with others are among them.
        """
        points = [runs for sweep in self.sweeps.values() for _, runs in sweep]
        made = [*self.runs.values(), *points, *self.final_runs.values(), *self.human_transfers.values()]
        voices = [voice.run for own in self.voices.values() for voice in own.voices if voice.run]
        return list(dict.fromkeys([*(run for runs in made for run in runs), *voices]))

    def kind_of(self, run: Run) -> type[Model]:
        """The kind of model that a run trains."""
        return type(self.models[run.model].model)

    def model_path(self, run: Run) -> str:
        """The file of a run's trained model."""
        pattern = paths.name_model(self.kind_of(run))
        return pattern.format(region=self.name, recipe=run.recipe, model=run.model, run=run.name)

    def score_path(self, run: Run) -> str:
        """The file of a run's scores."""
        if not run.recipe:
            return paths.WEAK_SCORES.format(region=self.name, weak=run.model, run=run.name)
        return paths.SCORES.format(region=self.name, recipe=run.recipe, model=run.model, run=run.name)

    @property
    def mined_from(self) -> list[tuple[str, str]]:
        """The segmentations and weak maps that mined polygons are made of, the first first."""
        return list(dict.fromkeys((mined.segmentation, mined.weak) for mined in self.mined))

    @property
    def mapped(self) -> bool:
        """Whether the region gets a map: an experiment trains a model, or one from elsewhere is given."""
        return bool(self.trained or self.region.model)

    @property
    def registered(self) -> list[tuple[str, str]]:
        """The segmentations and weak maps of which a shift is measured for mined polygons."""
        pairs = ((place[0], name) for place in self.mined_from for name in list_registered(self.region, place[1]))
        return list(dict.fromkeys(pairs))

    @property
    def trained(self) -> list[str]:
        """The experiments that a model is made for."""
        return [name for name, experiment in self.experiments.items() if experiment.trains]


def plan_region(name: str, config: Config, points: Mapping[str, Sequence[GridPoint]] = MappingProxyType({})) -> Plan:
    """Plan one region, with the points of sweeps that expand_sweeps gives beside its experiments.

    Experiments that need what the region lacks (labels, a weak map) are left out: a region without labels is mined,
    one without a weak map is trained on its human labels, one with a model from elsewhere is only mapped. Raises
    CropmineError as find_tiles does, and for a simulated region whose inputs lie elsewhere than in its inputs folder.
    """
    region = config.regions[name]
    region = region.model_copy(update={"split": resolve_split(region)})
    if region.simulate:
        check_simulated_paths(name, region)
    tiles = find_tiles(name, region)
    plan = Plan(
        name,
        region,
        {tile: tile_files(region, tile) for tile in tiles},
        choose_training_tiles(name, tiles, config.training, list_seeds(region, config)[0]),
    )
    _replace_virtual_sources(plan)
    if region.model:
        return plan
    few = config.training.model_copy(update={"tiles": REGISTRATION_TILES})
    plan.registration_tiles = choose_training_tiles(name, plan.training_tiles, few, list_seeds(region, config)[0])
    for experiment_name in region.experiments or config.experiments:
        experiment = config.experiments[experiment_name]
        if region.labels and has_inputs(region, config, experiment):
            plan.experiments[experiment_name] = experiment
            plan.runs[experiment_name] = _plan_runs(plan, config, experiment)
            plan.final_runs[experiment_name] = _plan_final_runs(plan, config, experiment)
    for sweep, grid in points.items():
        if config.sweeps[sweep].base in plan.experiments:
            plan.sweeps[sweep] = [(point, _plan_runs(plan, config, point.experiment)) for point in grid]
    for key, transfer in config.transfers.items():
        if name in (*transfer.sources, *transfer.targets):
            _check_transferable(f"transfers.{key}", plan)
            plan.human_transfers[key] = _plan_runs(plan, config, transfer.human_experiment)
        if name in transfer.targets:
            plan.mined_transfers[key] = _plan_runs(plan, config, transfer.mined_experiment)
    _plan_mined(plan, config)
    return plan


def _check_transferable(where: str, plan: Plan) -> None:
    """One model teaches and the same blocks test it, whatever taught it."""
    if plan.region.split.method == "kfold":
        what = f"regions.{plan.name} is split by kfold, which has no test blocks that stay the same"
        raise CropmineError(where, what, "set its split.method to holdout or field")


def _replace_virtual_sources(plan: Plan) -> None:
    """Put a file in the place of every path of GDAL's virtual file systems, and keep what it stands for."""

    def replace(path: str) -> str:
        file = name_virtual_source(plan.name, path)
        if file != path:
            plan.virtual[file] = path
        return file

    for files in plan.files.values():
        files["images"] = [replace(path) for path in files["images"]]
        files["masks"] = [replace(path) for path in files["masks"]]
        files["features"] = {name: replace(path) for name, path in files["features"].items()}
    weak = {
        name: map_ if map_.path is None else map_.model_copy(update={"path": replace(map_.path)})
        for name, map_ in plan.region.weak.items()
    }
    plan.region = plan.region.model_copy(update={"weak": weak})


def resolve_split(region: Region) -> Split:
    """The split of a region with its method told: k-fold under 200 labels, where every label counts."""
    split, labels = region.split, region.labels
    if split.method != "auto" or labels is None:
        return split
    if split.field is not None or labels.test_path:
        method = "field"
    else:
        counts = [] if region.simulate else [count_rows(path) for path in labels.path]
        known = [count for count in counts if count is not None]
        few = bool(counts) and len(known) == len(counts) and sum(known) < FEW_LABELS
        method = "kfold" if few else "holdout"
    return split.model_copy(update={"method": method})


def _plan_final_runs(plan: Plan, config: Config, experiment: Experiment) -> list[Run]:
    """The runs that make the map: with k-fold they train on all labels."""
    return [_plan_run(plan, config, experiment, seed, None) for seed in list_seeds(plan.region, config)]


def _plan_runs(plan: Plan, config: Config, experiment: Experiment) -> list[Run]:
    return [_plan_run(plan, config, experiment, *run) for run in _list_runs(plan.region, config)]


def _list_runs(region: Region, config: Config) -> list[tuple[int, int | None]]:
    folds = range(region.split.folds) if region.split.method == "kfold" else [None]
    return [(seed, fold) for seed in list_seeds(region, config) for fold in folds]


def list_seeds(region: Region, config: Config) -> tuple[int, ...]:
    """The seeds of a region's runs."""
    return region.seeds or config.seeds


def _plan_run(plan: Plan, config: Config, experiment: Experiment, seed: int, fold: int | None) -> Run:
    name = f"seed{seed}" if fold is None else f"seed{seed}_fold{fold}"
    if experiment.averages:
        return _plan_fusion(plan, config, experiment, name, seed, fold)
    if not experiment.trains:
        return Run(name, seed, fold, "", choose_weak_map(plan.region, experiment))
    recipe, key = resolve_recipe(plan.region, config, experiment, seed, fold), choose_model(config, experiment)
    model = config.models[key]
    setup = ModelSettings(model, config.training, _find_reads(plan, config, experiment, model))
    run = Run(name, seed, fold, recipe.name, setup.spell(key))
    plan.recipes[run.recipe], plan.models[run.model] = recipe, setup
    return run


def _plan_fusion(plan: Plan, config: Config, experiment: Experiment, name: str, seed: int, fold: int | None) -> Run:
    """The run that averages the runs of other experiments, or the weak map's neighbourhood.

    Voices that lack their inputs in the region are left out.
    """
    voices: list[Voice] = []
    first = list_seeds(plan.region, config)[0]

    def place(voice: Experiment, key: str) -> int:
        if voice.averages:
            voices.append(Voice(None, voice.smooth_m))
        else:
            run = _plan_run(plan, config, voice, seed, fold)
            voices.append(Voice(run))
            made.append((key, resolve_recipe(plan.region, config, voice, first, None).name, run.model))
        return len(voices) - 1

    made: list[Any] = []
    tree: list[Any] = []
    for part in experiment.fuse or ("",):
        names = [part] if isinstance(part, str) else part
        known = {key: config.experiments[key] if key else experiment for key in names}
        placed = [place(own, key) for key, own in known.items() if has_inputs(plan.region, config, own)]
        tree += [placed] if len(placed) > 1 else placed
    fused = (tree, made, [voice.smooth_m for voice in voices])
    setup = ModelSettings(Fusion(), config.training, _find_reads(plan, config, experiment, Fusion()), fused)
    run = Run(name, seed, fold, FUSED, setup.spell("fusion"))
    plan.models[run.model], plan.voices[run.model, name] = setup, Voices(tuple(voices), tree)
    return run


def _find_reads(plan: Plan, config: Config, experiment: Experiment, model: Model) -> ModelReads | None:
    """What an experiment's model reads besides imagery; None if it reads nothing else."""
    if not model.reads_segments:
        return None
    weak = find_weak_source(plan.region, choose_weak_map(plan.region, experiment)) if plan.region.weak else None
    name = choose_segmentation(config, experiment)
    return ModelReads(weak, (name, config.segmentations[name]))


def has_inputs(region: Region, config: Config, experiment: Experiment) -> bool:
    """Whether a region has the weak map that an experiment needs; of a fusion, whether any of its voices has."""
    if experiment.fuse:
        return any(has_inputs(region, config, config.experiments[name]) for name in experiment.voices)
    model = config.models.get(choose_model(config, experiment))
    needed = experiment.uses_weak_map or (model is not None and model.reads_weak_map)
    return bool(region.weak) or not needed


def list_shifts(plan: Plan, config: Config) -> list[tuple[str, str]]:
    """List the measured shifts that the experiments of a region wait for: a segmentation and a weak map each.

    Those of deep segmentations, which wait for the training of an experiment, come last.
    """
    runs = [run for runs in [*plan.runs.values(), *plan.final_runs.values()] for run in runs]
    fused = [voice.run for run in runs for voice in plan.voices.get((run.model, run.name), NO_VOICES).voices]
    runs += [run for run in fused if run]
    recipes = [plan.recipes[run.recipe] for run in runs if run.recipe in plan.recipes]
    used = [
        (segmentation[0], recipe.weak.name)
        for recipe in recipes
        for segmentation in (recipe.segmentation, recipe.registered_by)
        if recipe.weak and segmentation
    ]
    used += [(next(iter(config.segmentations)), run.model) for run in runs if not run.recipe]
    reads = [plan.models[run.model].reads for run in runs if run.recipe]
    used += [(read.segmentation[0], read.weak.name) for read in reads if read and read.weak]
    shifts = {(segmentation, name): None for segmentation, weak in used for name in list_registered(plan.region, weak)}
    return sorted(shifts, key=lambda shift: config.segmentations[shift[0]].network_of is not None)


def choose_model(config: Config, experiment: Experiment) -> str:
    """The name of the model that an experiment trains; "fusion" if it averages others."""
    return "fusion" if experiment.fuse else experiment.model or next(iter(config.models))


def list_marks(plan: Plan, config: Config, segmentation: str, weak: str) -> dict[str, list[float]]:
    """The thresholds and erosions at which a region's experiments take labels from a segmentation and a weak map."""
    marks: dict[str, set[float]] = {"cropland": set(), "noncropland": set(), "erode_m": set()}
    for experiment in plan.experiments.values():
        if not experiment.uses_weak_map or choose_weak_map(plan.region, experiment) != weak:
            continue
        mined = experiment.mined
        if mined and choose_segmentation(config, experiment) == segmentation:
            for key, threshold in (("cropland", mined.cropland), ("noncropland", mined.noncropland)):
                if threshold is not None:
                    marks[key].add(threshold)
        marks["erode_m"] |= {experiment.erode_m} - {0}
    return {key: sorted(values) for key, values in marks.items()}


def _plan_mined(plan: Plan, config: Config) -> None:
    """Collect the mined polygons to make: those of the experiments, and not twice where one holds another."""
    if not plan.region.weak:
        return
    wanted: dict[tuple[str, str], list[Mined]] = {}
    for name in plan.region.experiments or config.experiments:
        experiment = config.experiments[name]
        if experiment.mined and not experiment.mined.random:
            place = (choose_segmentation(config, experiment), choose_weak_map(plan.region, experiment))
            wanted.setdefault(place, []).append(experiment.mined)
    if not wanted:
        wanted = {
            (next(iter(config.segmentations)), next(iter(plan.region.weak))): [Mined(cropland=0.8, noncropland=0.2)]
        }
    for (segmentation, weak), thresholds in wanted.items():
        for mined in thresholds:
            if not any(_holds(other, mined) for other in thresholds if other != mined):
                found = MinedPolygons(segmentation, weak, mined, plan.region.weak[weak].min_valid)
                plan.mined += [found] if found not in plan.mined else []


def _holds(other: Mined, mined: Mined) -> bool:
    return all(
        theirs == ours or ours is None
        for theirs, ours in ((other.cropland, mined.cropland), (other.noncropland, mined.noncropland))
    )


def choose_mined(plan: Plan, chosen: str | None) -> str | None:
    """The experiment whose mined labels people are shown: the chosen one, or that of the first mined polygons.

    None if no experiment mines.
    """
    mining = {name: own.mined for name, own in plan.experiments.items() if own.mined and not own.mined.random}
    if chosen in mining:
        return chosen
    first = next((polygons.mined for polygons in plan.mined), None)
    return next((name for name, mined in mining.items() if mined == first), None)
