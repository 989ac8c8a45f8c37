"""Settings of a region: its imagery, weak maps, labels and split."""

import math
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from cropmine.config.base import Fraction, Patterns, Settings, Values, listed
from cropmine.config.known_maps import PresetName, fill_preset
from cropmine.config.models import list_suffixes


def _check_suffix(path: str) -> str:
    if not path.endswith(suffixes := tuple(list_suffixes())):
        raise ValueError(f"must end in {' or '.join(suffixes)}, not {path!r}")
    return path


def _off(value: object) -> object:
    """YAML 1.1 reads a bare `off` as false."""
    return "off" if value is False else value


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
    preset: PresetName | None = Field(
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
    def _fill(cls, settings: Any) -> Any:
        return fill_preset(settings)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.path is None) != bool(self.consensus):
            raise ValueError("give either a path, or a consensus of other weak maps")
        if len(self.consensus) == 1:
            raise ValueError("a consensus is one of two maps or more")
        if self.consensus and self.register_ != "off":
            raise ValueError("the maps of a consensus are registered one by one")
        return self

    @property
    def file(self) -> str:
        """The path of a map that is no consensus. Raises ValueError for one that is."""
        if self.path is None:
            raise ValueError("a consensus has no file of its own")
        return self.path


class LabelFiles(Settings):
    """Human labels as they are read: polygons, or points with a radius."""

    path: Annotated[tuple[str, ...], BeforeValidator(listed)] = Field(description="vector file, or a list of files")
    class_field: str = Field(description="field that holds the class")
    cropland: Values = Field(description="class values that are cropland")
    noncropland: Values = Field(description="class values that are not")
    ignore: Values = Field((), description="class values to leave out")
    radius_m: float | None = Field(None, gt=0, le=1000, description="radius around a point label, metres")
    test_path: Annotated[tuple[str, ...], BeforeValidator(listed)] = Field(
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
    def _check(self) -> Self:
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
    model: Annotated[str, AfterValidator(_check_suffix)] | None = Field(
        None,
        description="a trained model from elsewhere, such as model.ckpt, that maps the region: no experiment is run, "
        "and labels, if there are any, only score the map",
    )
    threshold: Fraction | None = Field(
        None, description="probability above which the `model` from elsewhere calls a pixel cropland; default: 0.5"
    )
    experiments: tuple[str, ...] | None = Field(None, description="the experiments to run here; default: every one")
    seeds: tuple[Annotated[int, Field(ge=0)], ...] | None = Field(
        None, min_length=1, description="runs of each experiment here; default: the configuration's seeds"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
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
