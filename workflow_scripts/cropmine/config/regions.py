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
    """A simulated landscape, for the demo and the tests. The workflow simulates the inputs of regions that set this."""

    seed: int = Field(7, ge=0, description="seed of the landscape")
    rows: int = Field(2, ge=1, le=16, description="tiles from north to south")
    columns: int = Field(2, ge=1, le=16, description="tiles from west to east")
    tile_px: int = Field(1024, ge=64, le=4096, description="width and height of a tile, pixels of 4.777 m")
    weak_shift_px: tuple[float, float] = Field(
        (3.0, -2.0), description="shift of the weak map to the east and to the south, pixels of the imagery"
    )
    omission: Fraction = Field(0.12, description="share of the cropland that the weak map omits, in blobs")
    commission: Fraction = Field(0.06, description="share of other land that the weak map calls cropland, in blobs")
    label_sites: int = Field(90, ge=8, description="sites with label polygons, spread over the region")


class Mask(Settings):
    """Mask files of the imagery, such as Planet's UDM2 or a cloud mask."""

    path: Patterns = Field(description="pattern with {tile}, or one pattern for each date")
    bad: Values = Field((1,), description="mask values that make a pixel nodata")
    band: int = Field(1, ge=1, description="band of the mask files to read")


class Exclusion(Settings):
    """Polygons that are known not to be cropland, or that are left out of the map."""

    path: str = Field(description="vector file")
    as_: Literal["nodata", "noncropland"] = Field(
        "noncropland", alias="as", description="class of the map there; nothing is mined there either way"
    )
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)


class Units(Settings):
    """Administrative units for statistics."""

    path: str = Field(description="polygon file")
    id_field: str = Field(description="field with the name of a unit")


class WeakMap(Settings):
    """A global or national cropland map, which is noisy, or the consensus of several."""

    path: str | None = Field(None, description="raster of class values or probabilities, or a polygon file")
    preset: PresetName | None = Field(None, description="name of a well-known map; sets cropland, nodata and year")
    consensus: tuple[str, ...] = Field(
        (), description="names of other weak maps of the region to combine, instead of a path"
    )
    agreement: Literal["all", "mean"] = Field(
        "all", description="how a consensus combines maps: the pixels on which all agree, or the mean of all"
    )
    band: int = Field(1, ge=1, description="band of the raster to read")
    cropland: Values = Field((1,), description="class values that are cropland, of a raster or of a class_field")
    class_field: str | None = Field(
        None, description="field of a polygon file with the class; if null, every polygon is cropland"
    )
    probability: bool = Field(False, description="the raster holds probabilities of cropland, not classes")
    scale: float = Field(1.0, gt=0, description="factor that converts the values of a probability raster to 0 to 1")
    nodata: float | None = Field(None, description="nodata value, if the file's tag is missing or wrong")
    year: int | None = Field(None, ge=1970, le=2100, description="year that the map describes")
    register_: Annotated[Literal["off", "auto"] | tuple[float, float], BeforeValidator(_off)] = Field(
        "off",
        alias="register",
        description="off; auto: shift the map to where it fits the segments best, if that is reliable; or the shift "
        "itself, [east, north] in metres",
    )
    guard_m: float = Field(
        0, ge=0, le=10_000, description="weak pixels within this distance of a class boundary are invalid, metres"
    )
    min_valid: Fraction = Field(
        0.5, description="a segment is mined only if at least this share of its pixels has a valid weak pixel"
    )
    training_labels: str | None = Field(
        None,
        description="vector file of public labels that the map was trained on; the audit warns if yours are among them",
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
    """Files of human labels: polygons, or points with a radius."""

    path: Annotated[tuple[str, ...], BeforeValidator(listed)] = Field(description="vector file, or a list of files")
    class_field: str = Field(description="field with the class")
    cropland: Values = Field(description="class values that are cropland")
    noncropland: Values = Field(description="class values that are not cropland")
    ignore: Values = Field((), description="class values to leave out")
    radius_m: float | None = Field(None, gt=0, le=1000, description="radius around a point label, metres")
    test_path: Annotated[tuple[str, ...], BeforeValidator(listed)] = Field(
        (), description="more files with the same field and classes; their labels are used for testing only"
    )


class Labels(LabelFiles):
    """Human labels, and what they mean."""

    definition: str = Field(
        min_length=3, description="what counts as cropland; stated in the map, the model card and the report"
    )
    year: int | None = Field(None, ge=1970, le=2100, description="year that the labels describe")


class ProbabilitySample(Settings):
    """A labelled probability sample of the map's pixels. It is used for testing only, and nothing near it trains."""

    path: str = Field(description="the points that `snakemake sample` wrote, with their classes filled in")
    design: str = Field(description="the design.json in the folder of the points")
    class_field: str = Field("class", description="field with the true class of the pixel")
    cropland: Values = Field(("cropland",), description="class values that are cropland")
    noncropland: Values = Field(("noncropland",), description="class values that are not cropland")
    ignore: Values = Field((), description="class values of pixels whose class can't be determined")
    buffer_m: float = Field(
        50, ge=0, le=10_000, description="distance to a sampled pixel within which nothing trains, metres"
    )


class Split(Settings):
    """How blocks are assigned to training, validation and test."""

    method: Literal["auto", "holdout", "kfold", "field"] = Field(
        "auto",
        description="holdout: draw blocks once; kfold: draw folds of blocks, each of which is tested once; field: take "
        "the split from a field of the labels, or from files used for testing only; auto: field if there is one, kfold "
        "under 200 labels, else holdout",
    )
    block_m: float = Field(2000, ge=10, le=200_000, description="width and height of a block, metres on the ground")
    train: Fraction = Field(0.6, description="share of blocks for training (holdout)")
    validation: Fraction = Field(0.2, description="share of blocks for validation (holdout)")
    test: Fraction = Field(0.2, description="share of blocks for testing (holdout)")
    folds: int = Field(5, ge=3, le=20, description="number of folds (kfold)")
    field: str | None = Field(None, description="field with the values train, validation and test (field)")
    buffer_m: float = Field(
        100, ge=0, le=10_000, description="distance to a validation or test block within which nothing trains, metres"
    )
    seed: int = Field(0, ge=0, description="seed for drawing blocks")

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

    simulate: Simulation | None = Field(None, description="simulate the inputs; for a demo only")
    imagery: Patterns = Field(
        description="pattern with {tile}, or one pattern for each date; dates are stacked in this order"
    )
    tiles: tuple[str, ...] | None = Field(
        None, description="use only these tiles; default: every file that matches the pattern"
    )
    bands: tuple[str, ...] = Field(
        min_length=1, description="names of the bands of one date, in the order of the files"
    )
    mask: Mask | None = Field(None, description="mask files")
    area: str | None = Field(None, description="polygon file; nothing outside it is mined or mapped")
    exclude: tuple[Exclusion, ...] = Field((), description="polygons where nothing is mined")
    units: Units | None = Field(None, description="administrative units for statistics")
    year: int | None = Field(
        None,
        ge=1970,
        le=2100,
        description="year of the map; default: the year of the imagery's last date, of the labels or of a weak map",
    )
    features: dict[str, Annotated[str, Field(min_length=1)]] = Field(
        {}, description="more rasters by name, such as embeddings or seasonal composites: patterns with {tile}"
    )
    weak: dict[str, WeakMap] = Field({}, description="weak maps by name; the first is the default")
    labels: Labels | None = Field(None, description="human labels")
    sample: ProbabilitySample | None = Field(
        None, description="a labelled probability sample, for accuracy and area with intervals"
    )
    prevalence: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None,
        description="share of cropland in the region, for the purity of mined labels; null: the weak map's share",
    )
    split: Split = Field(Split(), description="how blocks are assigned to training, validation and test")
    model: Annotated[str, AfterValidator(_check_suffix)] | None = Field(
        None,
        description="file of a trained model from elsewhere, such as model.ckpt, that maps the region; no experiment "
        "runs, and labels, if there are any, are used for testing only",
    )
    threshold: Fraction | None = Field(
        None, description="probability above which the `model` from elsewhere calls a pixel cropland; default: 0.5"
    )
    experiments: tuple[str, ...] | None = Field(None, description="experiments to run in this region; default: all")
    seeds: tuple[Annotated[int, Field(ge=0)], ...] | None = Field(
        None, min_length=1, description="seeds of the training runs in this region; default: the configuration's seeds"
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
