"""The configuration: its models, its validation, its defaults and their descriptions."""

import math
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)

from cropmine.conflicts import TILE_NAME as TILE_NAME
from cropmine.conflicts import WEAK_MAP_MODEL, find_conflicts
from cropmine.documents import check_size
from cropmine.errors import CropmineError
from cropmine.faults import describe_faults
from cropmine.faults import suggest as suggest
from cropmine.presets import PRESETS, fill_preset

MOST_POINTS = 2000

Fraction = Annotated[float, Field(ge=0, le=1)]
LabelClass = Literal["cropland", "noncropland"]


def _off(value):
    """YAML 1.1 reads a bare `off` as false."""
    return "off" if value is False else value


def _listed(value):
    return value if isinstance(value, list | tuple) or value is None else [value]


def _text_keys(value):
    """YAML reads the key 2021-03-15 as a date and 2021 as a number."""
    return {str(key): entry for key, entry in value.items()} if isinstance(value, dict) else value


Values = Annotated[tuple[int | float | str, ...], BeforeValidator(_listed)]
Patterns = Annotated[str | dict[str, str], BeforeValidator(_text_keys)]


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True)


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
    label_sites: int = Field(90, ge=8, description="places, spread over the region, that hold label polygons")


class Mask(Settings):
    """Mask files of the imagery, such as Planet's UDM2 or a cloud mask."""

    path: Patterns = Field(description="pattern with {tile}, or one pattern a date")
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
    """A global or national cropland map, plentiful and noisy; or what several of them agree on."""

    path: str | None = Field(None, description="raster of class values or probabilities, or a polygon file")
    preset: Literal[tuple(PRESETS)] | None = Field(
        None, description="a well-known map, whose cropland, nodata and year are then known"
    )
    consensus: tuple[str, ...] = Field((), description="in place of a path: other weak maps of the region, by name")
    agreement: Literal["all", "mean"] = Field(
        "all", description="of a consensus: pixels on which all maps agree, or the mean of the maps"
    )
    band: int = Field(1, ge=1, description="band of the raster to read")
    cropland: Values = Field(
        (1,), description="class values that are cropland; of a polygon file with class_field, too"
    )
    class_field: str | None = Field(
        None, description="field of a polygon file that holds the class; without it every polygon is cropland"
    )
    probability: bool = Field(False, description="the raster holds probabilities of cropland, not classes")
    scale: float = Field(
        1.0, gt=0, description="what the values of a probability raster are multiplied by to give 0 to 1"
    )
    nodata: float | None = Field(None, description="value without data, where the file's own tag lacks or is wrong")
    year: int | None = Field(None, ge=1970, le=2100, description="year that the map describes")
    register_: Annotated[Literal["off", "auto"] | tuple[float, float], BeforeValidator(_off)] = Field(
        "off",
        alias="register",
        description="off; auto: moved by the shift that segments fit best, if it is sure; or [east, north], metres",
    )
    guard_m: float = Field(
        0, ge=0, le=10_000, description="weak pixels within so many metres of a class boundary are invalid"
    )
    min_valid: Fraction = Field(
        0.5, description="least share of a segment's pixels with a valid weak pixel to be mined"
    )
    training_labels: str | None = Field(
        None,
        description="public labels that the map was trained on, a vector file; the audit warns if yours are among them",
    )
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, settings):
        return fill_preset(settings)

    @model_validator(mode="after")
    def _check(self):
        if (self.path is None) != bool(self.consensus):
            raise ValueError("give either a path, or a consensus of other weak maps")
        if len(self.consensus) == 1:
            raise ValueError("a consensus is one of two maps or more")
        if self.consensus and self.register_ != "off":
            raise ValueError("the maps of a consensus are registered one by one")
        return self


class LabelFiles(Settings):
    """Human labels as they are read: polygons, or points with a radius."""

    path: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(description="vector file, or a list of files")
    class_field: str = Field(description="field that holds the class")
    cropland: Values = Field(description="class values that are cropland")
    noncropland: Values = Field(description="class values that are not")
    ignore: Values = Field((), description="class values to leave out")
    radius_m: float | None = Field(None, gt=0, le=1000, description="radius around a point label, metres")
    test_path: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        (), description="further files with the same field and classes, whose labels only test"
    )


class Labels(LabelFiles):
    """Human labels, and what they mean."""

    definition: str = Field(min_length=3, description="what counts as cropland; printed on map, card and report")
    year: int | None = Field(None, ge=1970, le=2100, description="year that the labels describe")


class ProbabilitySample(Settings):
    """A labelled probability sample of the map's pixels: it tests, and nothing trains near it."""

    path: str = Field(description="the points that design_sample wrote, with their classes filled in")
    design: str = Field(description="the design.json beside them")
    class_field: str = Field("class", description="field that holds the class of the pixel in truth")
    cropland: Values = Field(("cropland",), description="class values that are cropland")
    noncropland: Values = Field(("noncropland",), description="class values that are not")
    ignore: Values = Field((), description="class values of pixels that can't be told")
    buffer_m: float = Field(50, ge=0, le=10_000, description="nothing this near a sampled pixel trains, metres")


class Split(Settings):
    """Which blocks train, which validate and which test."""

    method: Literal["auto", "holdout", "kfold", "field"] = Field(
        "auto",
        description="holdout: blocks drawn once; kfold: blocks in folds that take turns; field: a field of the labels, "
        "or files that only test; auto: field where there is one, kfold under 200 labels, else holdout",
    )
    block_m: float = Field(2000, ge=10, le=200_000, description="width and height of a block, metres on the ground")
    train: Fraction = Field(0.6, description="share of blocks for training (holdout)")
    validation: Fraction = Field(0.2, description="share of blocks for validation (holdout)")
    test: Fraction = Field(0.2, description="share of blocks for testing (holdout)")
    folds: int = Field(5, ge=3, le=20, description="number of folds (kfold)")
    field: str | None = Field(None, description="field with the values train, validation and test (field)")
    buffer_m: float = Field(
        100, ge=0, le=10_000, description="nothing this near a validation or test block trains, metres"
    )
    seed: int = Field(0, ge=0, description="seed of the draw of blocks")

    @model_validator(mode="after")
    def _check(self):
        drawn = self.method in ("auto", "holdout")
        if drawn and not math.isclose(self.train + self.validation + self.test, 1, abs_tol=1e-6):
            raise ValueError("train, validation and test must add up to 1")
        if drawn and min(self.train, self.validation, self.test) <= 0:
            raise ValueError("train, validation and test must each be above 0")
        if self.field is not None and self.method not in ("auto", "field"):
            raise ValueError("`field` names the split field of the labels and goes with `method: field`")
        return self


class Region(Settings):
    """An area with its imagery, weak maps and human labels."""

    simulate: Simulation | None = Field(None, description="make the inputs up; only for a demo")
    imagery: Patterns = Field(description="pattern with {tile}, or one pattern a date, stacked in order")
    tiles: tuple[str, ...] | None = Field(
        None, description="these tiles only; default: every file that matches the pattern"
    )
    bands: tuple[str, ...] = Field(min_length=1, description="names of the bands of one date, in the files' order")
    mask: Mask | None = Field(None, description="mask files")
    area: str | None = Field(None, description="polygon file; nothing outside is mined or mapped")
    exclude: tuple[Exclusion, ...] = Field((), description="polygons that are kept out of mining")
    units: Units | None = Field(None, description="administrative units for statistics")
    year: int | None = Field(
        None,
        ge=1970,
        le=2100,
        description="year of the map; default: that of the imagery's last date, the labels or a weak map",
    )
    features: dict[str, Annotated[str, Field(min_length=1)]] = Field(
        {}, description="further rasters by name, such as embeddings or seasonal composites: patterns with {tile}"
    )
    weak: dict[str, WeakMap] = Field({}, description="weak maps by name; the first is the default")
    labels: Labels | None = Field(None, description="human labels")
    sample: ProbabilitySample | None = Field(
        None, description="a labelled probability sample, for accuracy and area with intervals"
    )
    prevalence: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None, description="share of cropland in the region, for the purity of mined labels; null: the weak map's own"
    )
    split: Split = Field(Split(), description="how blocks are split")
    model: str | None = Field(
        None,
        pattern=r"\.(ckpt|safetensors|npz)$",
        description="a trained model from elsewhere (.ckpt, .safetensors or .npz) that maps the region: no experiment "
        "is run, and labels, if there are any, only score the map",
    )
    threshold: Fraction | None = Field(
        None, description="probability above which the `model` from elsewhere calls a pixel cropland; default: 0.5"
    )
    experiments: tuple[str, ...] | None = Field(None, description="the experiments to run here; default: every one")
    seeds: tuple[Annotated[int, Field(ge=0)], ...] | None = Field(
        None, min_length=1, description="runs of each experiment here; default: the configuration's seeds"
    )

    @model_validator(mode="after")
    def _check(self):
        tests = self.labels.test_path if self.labels else ()
        if tests and self.split.method in ("holdout", "kfold"):
            raise ValueError(f"labels.test_path goes with split.method field or auto, not {self.split.method}")
        if self.split.method == "field" and self.split.field is None and not tests:
            raise ValueError("split.method field needs split.field, or labels.test_path")
        if self.model and self.experiments:
            raise ValueError("a region that a model from elsewhere maps runs no experiments")
        if self.threshold is not None and not self.model:
            raise ValueError("threshold goes with model; without one it is chosen on validation labels")
        return self


SEGMENTATION_FIELDS = {
    "clusters": ("kmeans", "deep"),
    "scope": ("kmeans",),
    "smooth_px": ("kmeans", "deep"),
    "segment_m2": ("slic", "watershed"),
    "compactness": ("slic",),
    "features": ("kmeans", "slic", "watershed"),
}


class Segmentation(Settings):
    """How a tile is cut into segments."""

    method: Literal["kmeans", "slic", "watershed", "deep"] = Field(
        "kmeans",
        description="kmeans: connected pixels of one K-means cluster; slic: superpixels; watershed: basins of the "
        "gradient; deep: K-means on the features of a trained network",
    )
    clusters: int = Field(10, ge=1, le=250, description="number of clusters, K (kmeans, deep)")
    scope: Literal["tile", "region"] = Field(
        "tile", description="clusters of each tile, or one codebook for the region (kmeans)"
    )
    smooth_px: int = Field(
        1,
        ge=1,
        le=31,
        description="odd side of the majority filter over the clusters; 1: none (kmeans, deep)",
    )
    segment_m2: float = Field(5000, gt=0, description="mean area of a segment, true square metres (slic, watershed)")
    compactness: float = Field(
        1, gt=0, le=100, description="difference in colour, deviations of a band, that counts as one spacing (slic)"
    )
    experiment: str | None = Field(None, description="the trained experiment whose features are clustered (deep)")
    features: tuple[Literal["ndvi", "ndwi", "evi", "savi", "texture"], ...] = Field(
        (), description="indices and texture beside the bands (kmeans, slic, watershed)"
    )
    min_area_m2: float = Field(500, ge=0, description="smaller segments are dropped, true square metres")
    max_area_m2: float | None = Field(None, gt=0, description="larger segments are dropped, true square metres")
    sample_px: int = Field(100_000, ge=100, description="pixels drawn to fit the clusters")
    seed: int = Field(0, ge=0, description="seed of the draw and of K-means")

    @model_validator(mode="after")
    def _check(self):
        if self.smooth_px % 2 == 0:
            raise ValueError("smooth_px must be odd")
        if (self.experiment is None) == (self.method == "deep"):
            raise ValueError("`experiment` names a trained experiment and goes with `method: deep`")
        for name, methods in SEGMENTATION_FIELDS.items():
            if self.method not in methods and getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"{name} goes with method {' or '.join(methods)}, not {self.method}")
        return self


class ClassWeights(Settings):
    """How much a labelled pixel of each class counts in the loss."""

    cropland: float = Field(1, ge=0, description="weight of cropland")
    noncropland: float = Field(1, ge=0, description="weight of non-cropland")


class SourceWeights(Settings):
    """How much a labelled pixel counts in the loss, by where its label is from."""

    human: float = Field(1, ge=0, description="weight of human labels")
    mined: float = Field(1, ge=0, description="weight of mined labels")
    weak: float = Field(1, ge=0, description="weight of raw or eroded weak labels")
    random: float = Field(1, ge=0, description="weight of the random pixels that are a control of mined ones")


Option = bool | int | float | str | tuple[float, ...]


class Model(Settings):
    """A segmentation network and how it is trained."""

    architecture: str = Field("unet", description="decoder, by its name in segmentation-models-pytorch")
    encoder: str = Field("resnet50", description="encoder, by its name in segmentation-models-pytorch")
    encoder_weights: str | None = Field(
        "imagenet", description="pretrained weights by name, a file of encoder weights (.safetensors or .pt), or null"
    )
    decoder_channels: tuple[int, ...] | None = Field(
        None, description="channels of the decoder's stages; null: the library's"
    )
    loss: Literal["cross_entropy", "generalised_cross_entropy", "dice"] = Field(
        "cross_entropy", description="loss over labelled pixels; the generalised one forgives wrong labels"
    )
    noise_robustness: float = Field(
        0.7, gt=0, le=1, description="q of generalised_cross_entropy: near 0 cross entropy, 1 the mean absolute error"
    )
    class_weights: Literal["none", "balanced"] | ClassWeights = Field(
        "none",
        description="none: every labelled pixel counts alike; balanced: both classes weigh the same in a batch; or "
        "weights of cropland and noncropland",
    )
    source_weights: SourceWeights = Field(SourceWeights(), description="weights by source of the label")
    optimizer: str = Field("adam", description="optimiser, by its name in torch.optim")
    optimizer_options: dict[str, Option] = Field({}, description="its further options, such as weight_decay: 0.01")
    learning_rate: float = Field(1e-3, gt=0, le=1, description="highest learning rate")
    schedule: str = Field(
        "onecycle",
        description="learning rate over the steps: constant, cosine, onecycle or a name in torch.optim.lr_scheduler",
    )
    schedule_options: dict[str, Option] = Field({}, description="its further options; its length is that of training")
    steps: int = Field(2000, ge=1, description="optimiser steps, the same for every experiment")
    epochs: int = Field(10, ge=1, description="parts that the steps are divided into; each ends with a validation")
    batch_size: int = Field(8, ge=1, le=1024, description="patches a step")
    patch_px: int = Field(256, ge=32, le=2048, multiple_of=32, description="width and height of a patch, pixels")


class Forest(Settings):
    """A random forest over single pixels and their neighbourhoods: the baseline that networks have to beat."""

    method: Literal["random_forest"] = Field("random_forest", description="told from a network by this key")
    trees: int = Field(200, ge=1, le=2000, description="number of trees")
    max_depth: int | None = Field(None, ge=1, description="greatest depth of a tree; null: until leaves are pure")
    min_leaf: int = Field(5, ge=1, description="least samples of a leaf")
    sample_px: int = Field(20_000, ge=10, description="labelled pixels drawn of each class")
    neighbourhood_px: tuple[Annotated[int, Field(ge=3, le=101)], ...] = Field(
        (3, 9), description="odd sides of windows whose mean and deviation of each band are features"
    )
    features: str | None = Field(None, description="one of the region's `features`, used in place of the bands")

    @model_validator(mode="after")
    def _check(self):
        if any(size % 2 == 0 for size in self.neighbourhood_px):
            raise ValueError("neighbourhood_px must be odd")
        return self


def _tell_model(value: Any) -> str:
    if isinstance(value, Forest):
        return "forest"
    return "forest" if isinstance(value, dict) and "method" in value else "network"


AnyModel = Annotated[Annotated[Model, Tag("network")] | Annotated[Forest, Tag("forest")], Discriminator(_tell_model)]


class Training(Settings):
    """What concerns all trainings."""

    tiles: Literal["all"] | Annotated[int, Field(ge=1)] | tuple[str, ...] = Field(
        "all", description="tiles that are segmented and train: all, a count drawn by the seed, or names"
    )
    cpu_threads: int = Field(
        2, ge=1, le=256, description="CPU threads of a training; a setting, since it changes the last digits"
    )
    precision: Literal["auto", "32", "bf16"] = Field(
        "auto", description="auto: bfloat16 where the hardware is fast at it"
    )
    gpus: int = Field(
        1, ge=1, le=64, description="GPUs of a training, where there are any; each takes its part of every batch"
    )


class Mapping(Settings):
    """What is made of the map."""

    run: str = Field(
        "run",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$",
        description="name of this run of the workflow: in the names of the map's files, and what it is kept under",
    )
    min_patch_m2: float = Field(
        1000,
        ge=0,
        description="smaller patches of cropland, and smaller holes in them, are smoothed away, true square metres",
    )


class Report(Settings):
    """What the report shows of what is licensed or private. Nothing but the report is made anew if this changes."""

    imagery: Literal["full", "overview", "none"] = Field(
        "overview",
        description="full: as sharp as the files, up to 2048 pixels across; overview: pixels at least four times as "
        "wide as the files'; none: no imagery",
    )
    labels: Literal["shown", "hidden"] = Field("shown", description="whether the places of human labels are shown")
    attribution: str | None = Field(None, min_length=1, description="who made the imagery, as its licence asks for it")


class Suggestions(Settings):
    """Where suggest_labels looks for places to label next."""

    count: int = Field(20, ge=1, le=10_000, description="number of places")
    place_m: float = Field(60, ge=5, le=5000, description="width and height of a place, metres")


class SampleDesign(Settings):
    """How many pixels design_sample draws from a map, after Olofsson et al. (2014)."""

    target_error: float = Field(0.02, gt=0, lt=0.5, description="wished standard error of the overall accuracy")
    expected_cropland: Fraction = Field(0.8, description="user's accuracy of cropland that is conjectured")
    expected_noncropland: Fraction = Field(0.9, description="user's accuracy of non-cropland that is conjectured")
    least: int = Field(50, ge=2, description="least pixels of a stratum")
    seed: int = Field(0, ge=0, description="seed of the draw")


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
    model: str | None = Field(
        None, description="model by name; default: the first; weak_map: the weak map itself, untrained"
    )

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


class Sweep(Settings):
    """A grid of experiments around a base one."""

    base: str = Field(description="the experiment that the grid changes")
    grid: dict[str, Annotated[tuple[Any, ...], Field(min_length=1)]] = Field(
        min_length=1,
        description="values by dotted key of an experiment, such as mined.cropland, human or segmentation.clusters",
    )

    @model_validator(mode="after")
    def _check(self):
        if (points := math.prod(map(len, self.grid.values()))) > MOST_POINTS:
            raise ValueError(f"a grid of {points} points, and at most {MOST_POINTS} are tried")
        return self


class Transfer(Settings):
    """What the human labels of some regions are worth in others, and what mined labels add there."""

    sources: Annotated[tuple[str, ...], Field(min_length=1)] = Field(description="regions whose human labels teach")
    targets: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        description="regions that are tested, each by every source but itself"
    )
    human: Annotated[float, Field(gt=0, le=1)] = Field(1.0, description="fraction of the human labels of each class")
    mined: Mined = Field(
        Mined(cropland=0.8, noncropland=0.2), description="labels mined in the target, by threshold; both classes"
    )
    segmentation: str | None = Field(None, description="segmentation by name; default: the first")
    model: str | None = Field(None, description="network by name; default: the first model")
    normalise: Literal["target", "source"] = Field(
        "target", description="whose statistics normalise the target's imagery: its own, or the source's"
    )

    @model_validator(mode="after")
    def _check(self):
        if self.mined.cropland is None or self.mined.noncropland is None or self.mined.random:
            raise ValueError("mined labels teach alone here, so mined needs both cropland and noncropland, not random")
        return self

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The pairs of a source and a target."""
        return [(source, target) for target in self.targets for source in self.sources if source != target]

    @property
    def human_experiment(self) -> Experiment:
        """The human labels of a region alone."""
        return Experiment(human=self.human, model=self.model)

    @property
    def mined_experiment(self) -> Experiment:
        """The mined labels of a region alone."""
        return Experiment(mined=self.mined, segmentation=self.segmentation, model=self.model)


class Config(Settings):
    """The whole configuration."""

    default_regions: tuple[str, ...] = Field((), description="regions that `all` builds; default: every region")
    regions: dict[str, Region] = Field(min_length=1, description="regions by name")
    segmentations: dict[str, Segmentation] = Field(
        {"kmeans10": Segmentation()}, min_length=1, description="segmentations by name; the first is the default"
    )
    models: dict[str, AnyModel] = Field(
        {"unet_resnet50": Model()}, min_length=1, description="models by name; the first is the default"
    )
    experiments: dict[str, Experiment] = Field({}, description="experiments by name")
    sweeps: dict[str, Sweep] = Field({}, description="grids of experiments by name; sweep_NAME is a target")
    transfers: dict[str, Transfer] = Field({}, description="transfers between regions; transfer_NAME is a target")
    training: Training = Field(Training(), description="what concerns all trainings")
    map: Mapping = Field(Mapping(), description="what is made of the map")
    report: Report = Field(Report(), description="what the report shows")
    suggestions: Suggestions = Field(Suggestions(), description="where to label next")
    sampling: SampleDesign = Field(SampleDesign(), description="how a probability sample of the map is designed")
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        (0,), min_length=1, description="runs: each seed is a label draw and a start"
    )

    @property
    def transferred(self) -> list[str]:
        """The regions that have a part in a transfer."""
        ends = [name for transfer in self.transfers.values() for name in (*transfer.sources, *transfer.targets)]
        return list(dict.fromkeys(ends))

    @model_validator(mode="after")
    def _check(self):
        if faults := list(find_conflicts(self)):
            raise CropmineError.gather("config", faults)
        return self


def validate_config(raw: Any) -> Config:
    """Check a configuration as read from YAML.

    Raises CropmineError, with every fault found, each with its place and a hint.
    """
    check_size(raw)
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        raise CropmineError.gather("config", describe_faults(error, Config, raw)) from None
