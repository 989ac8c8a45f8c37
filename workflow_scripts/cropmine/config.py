"""The configuration: its models, its validation, its defaults and their descriptions."""

import difflib
import math
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from cropmine.errors import CropmineError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")
TILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
WEAK_MAP_MODEL = "weak_map"

Fraction = Annotated[float, Field(ge=0, le=1)]
LabelClass = Literal["cropland", "noncropland"]


def _off(value):
    """YAML 1.1 reads a bare `off` as false."""
    return "off" if value is False else value


def _listed(value):
    return value if isinstance(value, list | tuple) or value is None else [value]


Values = Annotated[tuple[int | float | str, ...], BeforeValidator(_listed)]


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Simulation(Settings):
    """A made-up landscape, for the demo and the tests. Only regions that have this get the rule that makes inputs."""

    seed: int = Field(7, ge=0, description="seed of the landscape")
    rows: int = Field(2, ge=1, le=16, description="tiles from north to south")
    columns: int = Field(2, ge=1, le=16, description="tiles from west to east")
    tile_px: int = Field(1024, ge=64, le=4096, description="width and height of a tile, pixels of 4.777 m")
    weak_shift_px: tuple[float, float] = Field(
        (3.0, -2.0), description="shift of the weak map to the east and to the south, pixels of the imagery"
    )
    omission: Fraction = Field(0.12, description="share of the cropland that the weak map omits in blobs")
    commission: Fraction = Field(0.06, description="share of other land that the weak map takes for cropland in blobs")
    training_labels: int = Field(66, ge=4, description="about how many label polygons fall into training blocks")
    label_sites: int = Field(90, ge=8, description="places, spread over the region, that hold label polygons")


class Mask(Settings):
    """Mask files of the imagery, such as Planet's UDM2 or a cloud mask."""

    path: str | dict[str, str] = Field(description="pattern with {tile}, or one pattern a date")
    bad: Values = Field((1,), description="values that make a pixel nodata")
    band: int = Field(1, ge=1, description="band of the mask files to read")


class Exclusion(Settings):
    """Polygons that are known not to be cropland, or not to be mapped."""

    path: str = Field(description="vector file")
    as_: Literal["nodata", "noncropland"] = Field(
        "noncropland", alias="as", description="what the map says there; kept out of mining either way"
    )
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)


class Units(Settings):
    """Administrative units for statistics."""

    path: str = Field(description="polygon file")
    id_field: str = Field(description="field that names a unit")


class WeakMap(Settings):
    """A global or national cropland map: plentiful, noisy."""

    path: str = Field(description="raster of class values or probabilities, or a polygon file")
    band: int = Field(1, ge=1, description="band of the raster to read")
    cropland: Values = Field((1,), description="class values that are cropland; of a polygon file with class_field, too")
    class_field: str | None = Field(
        None, description="field of a polygon file that holds the class; without it every polygon is cropland"
    )
    probability: bool = Field(False, description="the raster holds probabilities of cropland, not classes")
    scale: float = Field(1.0, gt=0, description="what the values of a probability raster are multiplied by to give 0 to 1")
    nodata: float | None = Field(None, description="value without data, where the file's own tag lacks or is wrong")
    year: int | None = Field(None, ge=1970, le=2100, description="year that the map describes")
    register_: Annotated[Literal["off"] | tuple[float, float], BeforeValidator(_off)] = Field(
        "off", alias="register", description="off, or [east, north]: metres by which the map is moved before use"
    )
    guard_m: float = Field(0, ge=0, le=10_000, description="weak pixels within so many metres of a class boundary are invalid")
    min_valid: Fraction = Field(0.5, description="least share of a segment's pixels with a valid weak pixel to be mined")
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)


class Labels(Settings):
    """Human labels: polygons, or points with a radius."""

    path: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(description="vector file, or a list of files")
    class_field: str = Field(description="field that holds the class")
    cropland: Values = Field(description="class values that are cropland")
    noncropland: Values = Field(description="class values that are not")
    ignore: Values = Field((), description="class values to leave out")
    definition: str = Field(min_length=3, description="what counts as cropland; printed on map, card and report")
    year: int | None = Field(None, ge=1970, le=2100, description="year that the labels describe")
    radius_m: float | None = Field(None, gt=0, le=1000, description="radius around a point label, metres")


class Split(Settings):
    """Which blocks train, which validate and which test."""

    method: Literal["holdout", "kfold", "field"] = Field(
        "holdout", description="blocks drawn once, blocks in folds that take turns, or a field of the labels"
    )
    block_m: float = Field(2000, ge=10, le=200_000, description="width and height of a block, metres on the ground")
    train: Fraction = Field(0.6, description="share of blocks for training (holdout)")
    validation: Fraction = Field(0.2, description="share of blocks for validation (holdout)")
    test: Fraction = Field(0.2, description="share of blocks for testing (holdout)")
    folds: int = Field(5, ge=3, le=20, description="number of folds (kfold)")
    field: str | None = Field(None, description="field with the values train, validation and test (field)")
    buffer_m: float = Field(100, ge=0, le=10_000, description="nothing this near a validation or test block trains, metres")
    seed: int = Field(0, ge=0, description="seed of the draw of blocks")

    @model_validator(mode="after")
    def _check(self):
        if self.method == "holdout" and not math.isclose(self.train + self.validation + self.test, 1, abs_tol=1e-6):
            raise ValueError("train, validation and test must add up to 1")
        if self.method == "holdout" and min(self.train, self.validation, self.test) <= 0:
            raise ValueError("train, validation and test must each be above 0")
        if (self.method == "field") != (self.field is not None):
            raise ValueError("`field` names the split field of the labels and goes with `method: field`")
        return self


class Region(Settings):
    """An area with its imagery, weak maps and human labels."""

    simulate: Simulation | None = Field(None, description="make the inputs up; only for a demo")
    imagery: str | dict[str, str] = Field(description="pattern with {tile}, or one pattern a date, stacked in order")
    tiles: tuple[str, ...] | None = Field(None, description="these tiles only; default: every file that matches the pattern")
    bands: tuple[str, ...] = Field(min_length=1, description="names of the bands of one date, in the files' order")
    mask: Mask | None = Field(None, description="mask files")
    area: str | None = Field(None, description="polygon file; nothing outside is mined or mapped")
    exclude: tuple[Exclusion, ...] = Field((), description="polygons that are kept out of mining")
    units: Units | None = Field(None, description="administrative units for statistics")
    weak: dict[str, WeakMap] = Field({}, description="weak maps by name; the first is the default")
    labels: Labels | None = Field(None, description="human labels")
    split: Split = Field(Split(), description="how blocks are split")
    experiments: tuple[str, ...] | None = Field(None, description="the experiments to run here; default: every one")
    seeds: tuple[Annotated[int, Field(ge=0)], ...] | None = Field(
        None, min_length=1, description="runs of each experiment here; default: the configuration's seeds"
    )


class Segmentation(Settings):
    """How a tile is cut into segments."""

    method: Literal["kmeans"] = Field("kmeans", description="K-means clusters, then connected pixels of one cluster")
    clusters: int = Field(10, ge=1, le=250, description="number of clusters, K")
    scope: Literal["tile", "region"] = Field("tile", description="clusters of each tile, or one codebook for the region")
    min_area_m2: float = Field(500, ge=0, description="smaller segments are dropped, true square metres")
    max_area_m2: float | None = Field(None, gt=0, description="larger segments are dropped, true square metres")
    sample_px: int = Field(100_000, ge=100, description="pixels drawn to fit the clusters")
    seed: int = Field(0, ge=0, description="seed of the draw and of K-means")


class Model(Settings):
    """A segmentation network and how it is trained."""

    architecture: str = Field("unet", description="decoder, by its name in segmentation-models-pytorch")
    encoder: str = Field("resnet50", description="encoder, by its name in segmentation-models-pytorch")
    encoder_weights: str | None = Field(
        "imagenet", description="pretrained weights by name, a file of encoder weights (.safetensors or .pt), or null"
    )
    decoder_channels: tuple[int, ...] | None = Field(None, description="channels of the decoder's stages; null: the library's")
    loss: Literal["cross_entropy"] = Field("cross_entropy", description="loss over labelled pixels")
    class_weights: Literal["none", "balanced"] = Field(
        "none", description="none: every labelled pixel counts alike; balanced: both classes weigh the same in a batch"
    )
    optimizer: Literal["adam", "adamw", "sgd"] = Field("adam", description="optimiser")
    learning_rate: float = Field(1e-3, gt=0, le=1, description="highest learning rate")
    schedule: Literal["constant", "cosine", "onecycle"] = Field("onecycle", description="learning rate over the steps")
    steps: int = Field(2000, ge=1, description="optimiser steps, the same for every experiment")
    epochs: int = Field(10, ge=1, description="parts that the steps are divided into; each ends with a validation")
    batch_size: int = Field(8, ge=1, le=1024, description="patches a step")
    patch_px: int = Field(256, ge=32, le=2048, multiple_of=32, description="width and height of a patch, pixels")


class Training(Settings):
    """What concerns all trainings."""

    tiles: Literal["all"] | Annotated[int, Field(ge=1)] | tuple[str, ...] = Field(
        "all", description="tiles that are segmented and train: all, a count drawn by the seed, or names"
    )
    cpu_threads: int = Field(2, ge=1, le=256, description="CPU threads of a training; a setting, since it changes the last digits")
    precision: Literal["auto", "32", "bf16"] = Field("auto", description="auto: bfloat16 where the hardware is fast at it")


class Mined(Settings):
    """Segments on which the weak map is nearly unanimous."""

    cropland: Fraction | None = Field(None, description="a segment with a higher weak fraction is cropland")
    noncropland: Fraction | None = Field(None, description="a segment with a lower weak fraction is non-cropland")
    random: bool = Field(False, description="control: as many random pixels instead of those mined")

    @model_validator(mode="after")
    def _check(self):
        if self.cropland is None and self.noncropland is None:
            raise ValueError("names neither cropland nor noncropland")
        if self.cropland is not None and self.noncropland is not None and self.cropland <= self.noncropland:
            raise ValueError("the cropland threshold must be above the noncropland threshold")
        return self


class Experiment(Settings):
    """A label recipe, a model and the settings of training."""

    human: Fraction = Field(0, description="fraction of the human training labels of each class")
    mined: Mined | None = Field(None, description="mined labels, by threshold")
    weak_classes: tuple[LabelClass, ...] = Field((), description="classes of raw weak labels")
    erode_m: float = Field(0, ge=0, le=10_000, description="only weak labels this far inside their class, metres")
    weak_map: str | None = Field(None, description="weak map by name; default: the region's first")
    segmentation: str | None = Field(None, description="segmentation by name; default: the first")
    model: str | None = Field(None, description="model by name; default: the first; weak_map: the weak map itself, untrained")

    @model_validator(mode="after")
    def _check(self):
        if self.model == WEAK_MAP_MODEL:
            if self.human or self.mined or self.weak_classes:
                raise ValueError("model weak_map is the weak map itself and takes no labels")
        elif not (self.human or self.mined or self.weak_classes):
            raise ValueError("names no labels to train on: human, mined or weak_classes")
        if self.erode_m and not self.weak_classes:
            raise ValueError("erode_m goes with weak_classes")
        return self

    @property
    def uses_weak_map(self) -> bool:
        return bool(self.mined or self.weak_classes or self.model == WEAK_MAP_MODEL)


class Config(Settings):
    """The whole configuration."""

    default_regions: tuple[str, ...] = Field((), description="regions that `all` builds; default: every region")
    regions: dict[str, Region] = Field(min_length=1, description="regions by name")
    segmentations: dict[str, Segmentation] = Field(
        {"kmeans10": Segmentation()}, min_length=1, description="segmentations by name; the first is the default"
    )
    models: dict[str, Model] = Field(
        {"unet_resnet50": Model()}, min_length=1, description="models by name; the first is the default"
    )
    experiments: dict[str, Experiment] = Field({}, description="experiments by name")
    training: Training = Field(Training(), description="what concerns all trainings")
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field((0,), min_length=1, description="runs: each seed is a label draw and a start")

    @model_validator(mode="after")
    def _check(self):
        for kind in ("regions", "segmentations", "models", "experiments"):
            for name in getattr(self, kind):
                _check_name(name, kind)
        if WEAK_MAP_MODEL in self.models:
            raise ValueError(f"models: the name {WEAK_MAP_MODEL} is taken by the weak map itself")
        _check_known(self.default_regions, self.regions, "default_regions")
        for name, region in self.regions.items():
            _check_region(name, region, self.experiments)
            _check_known(region.experiments or (), self.experiments, f"regions.{name}.experiments")
        for name, experiment in self.experiments.items():
            here = f"experiments.{name}"
            _check_known([experiment.segmentation], self.segmentations, f"{here}.segmentation")
            _check_known([experiment.model], [*self.models, WEAK_MAP_MODEL], f"{here}.model")
        _check_simulations(self.regions)
        return self


def _check_name(name: str, where: str) -> None:
    if not NAME.fullmatch(name):
        raise ValueError(f"{where}: {name!r} isn't a name of letters, digits and underscores")


def _check_known(names, known, where: str) -> None:
    for name in names:
        if name is not None and name not in known:
            raise ValueError(f"{where}: {name!r} isn't known{suggest(name, list(known))}")


def _check_region(name: str, region: Region, experiments: dict[str, Experiment]) -> None:
    here = f"regions.{name}"
    for weak in region.weak:
        _check_name(weak, f"{here}.weak")
    patterns = {"imagery": region.imagery} | ({"mask.path": region.mask.path} if region.mask else {})
    for key, value in patterns.items():
        for pattern in value.values() if isinstance(value, dict) else [value]:
            if pattern.count("{tile}") != 1:
                raise ValueError(f"{here}.{key}: {pattern!r} must hold {{tile}} once, such as imagery/{{tile}}.tif")
    if isinstance(region.imagery, dict):
        for date in region.imagery:
            if not re.fullmatch(r"[0-9A-Za-z_-]+", date):
                raise ValueError(f"{here}.imagery: {date!r} isn't a date such as 2021-03")
        if region.mask and isinstance(region.mask.path, dict) and set(region.mask.path) != set(region.imagery):
            raise ValueError(f"{here}.mask.path: its dates aren't those of imagery")
    elif region.mask and isinstance(region.mask.path, dict):
        raise ValueError(f"{here}.mask.path: imagery has no dates, so the mask has none either")
    if len(set(region.bands)) < len(region.bands):
        raise ValueError(f"{here}.bands: a name stands twice")
    for tile in region.tiles or ():
        if not TILE_NAME.fullmatch(tile):
            raise ValueError(f"{here}.tiles: {tile!r} isn't a name of letters, digits, dots, dashes and underscores")
    for experiment in experiments.values() if region.weak else ():
        _check_known([experiment.weak_map], region.weak, f"{here}.weak (named by an experiment)")


def _check_simulations(regions: dict[str, Region]) -> None:
    grids = {(r.simulate.rows, r.simulate.columns) for r in regions.values() if r.simulate}
    if len(grids) > 1:
        raise ValueError("regions: simulated regions must have the same rows and columns of tiles")


def suggest(word: str, known: list[str]) -> str:
    """A did-you-mean for a misspelt word, as the tail of a sentence; empty if nothing is near."""
    near = difflib.get_close_matches(str(word), [str(k) for k in known], n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(map(str, known))}" if known else ""


def _fields_at(path: tuple) -> list[str]:
    """The keys that the model at a path of the configuration knows."""
    model: Any = Config
    for part in path:
        model = _step(model, part)
        if model is None:
            return []
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _step(model, part):
    """The type one key further, the keys of dicts and the indices of tuples skipped."""
    if isinstance(model, type) and issubclass(model, BaseModel):
        for name, field in model.model_fields.items():
            if part in (name, field.alias):
                return field.annotation
        return None
    for argument in getattr(model, "__args__", ()):
        for candidate in (argument, *getattr(argument, "__args__", ())):
            if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                return candidate if not isinstance(part, str) or not _step(candidate, part) else _step(candidate, part)
    return None


def validate_config(raw: dict) -> Config:
    """Check a configuration as read from YAML.

    Raises CropmineError, with every fault found, each with its place and a hint.
    """
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        faults = [_describe_fault(fault) for fault in error.errors()]
    if len(faults) == 1:
        raise CropmineError(*faults[0])
    lines = "".join(f"\n  {CropmineError(*fault)}" for fault in faults)
    raise CropmineError("config", f"{len(faults)} faults:{lines}\n ")


def _describe_fault(fault: dict) -> tuple[str, str, str | None]:
    path = tuple(p for p in fault["loc"] if not (isinstance(p, str) and ("[" in p or p in ("str", "int", "tuple"))))
    where = ".".join(str(p) for p in path) or "config"
    if fault["type"] == "extra_forbidden":
        return where, f"unknown key {path[-1]!r}", suggest(path[-1], _fields_at(path[:-1])).lstrip("; ")
    if fault["type"] == "missing":
        return where, "this key is required", "docs/configuration.md describes every key"
    if fault["type"] == "value_error":
        return where, fault["msg"].removeprefix("Value error, "), None
    return where, f"{fault['msg']} (got {fault['input']!r})", "docs/configuration.md describes every key"
