"""A new method of segmentation, loss or kind of model is a class in a registry and a module: here, this one."""

import json
from typing import ClassVar, Literal

import numpy as np
import pytest
from pydantic import Field

from cropmine.classes import NODATA
from cropmine.config.models import LOSSES, MODELS, Loss, Model
from cropmine.config.reference import render_reference
from cropmine.config.segmentations import SEGMENTATIONS, Segmentation
from cropmine.config.validation import validate_config
from cropmine.geo.rasters import read_raster
from cropmine.inputs.imagery import read_tile
from cropmine.inputs.tile_views import surround_tile
from cropmine.mining.segmentation import divide_tile as divide_by_method
from cropmine.mining.segmentation import number_segments
from cropmine.planning.forecast import list_work
from cropmine.planning.plans import plan_region
from cropmine.planning.sweeps import expand_sweeps
from cropmine.training.checkpoints import load_checkpoint
from cropmine.training.losses.weighting import average_losses
from cropmine.training.predictors import load_kind, load_predictor, predict_tile
from cropmine.training.trainer import train_model
from factories.configs import LABELS, read, refuse
from factories.held_tiles import hold_tile
from factories.tiles import label_boxes, make_grid, write_tile
from factories.trainings import MODEL, train_arguments


class Chessboard(Segmentation):
    """Squares of a chessboard."""

    module: ClassVar[str] = __name__
    method: Literal["chessboard"] = Field("chessboard", description="squares")
    side_px: int = Field(8, ge=1, description="width and height of a square, pixels")


def divide_tile(tile, segmentation):
    _, valid = tile.read_rows(0, tile.grid.height)
    rows, columns = (np.arange(size) // segmentation.side_px for size in valid.shape)
    return np.where(valid, rows[:, None] * (columns.max() + 1) + columns + 1, 0).astype(np.int32)


class AbsoluteError(Loss):
    """A power of the absolute error."""

    module: ClassVar[str] = __name__
    method: Literal["absolute_error"] = Field("absolute_error", description="absolute error")
    power: float = Field(1, gt=0, description="power that the error is raised to")


def compute(logits, target, weights, classes, power):
    probability = logits.softmax(1).gather(1, target[:, None])[:, 0]
    return average_losses((1 - probability) ** power, weights * classes[target])


class Brightness(Model):
    """Cropland is what is brighter than halfway between the classes."""

    module: ClassVar[str] = __name__
    rule: ClassVar[str] = "train_brightness"
    file: ClassVar[str] = "brightness.json"
    suffixes: ClassVar[tuple[str, ...]] = (".json",)
    method: Literal["brightness"] = Field("brightness", description="a threshold of brightness")


def train_classifier(sources, targets, model, *, contexts, seed, bands, dates, threads, out_model):
    seen = [[], []]
    for name, source in sources.items():
        pixels, target = read_tile(source)[0], read_raster(targets[name])[0]
        for cls in (0, 1):
            seen[cls].append(pixels[:, target == cls].mean())
    meta = {"bands": bands, "dates": dates, "threshold": np.mean(seen)}
    out_model.write_text(json.dumps(meta))


class BrightnessPredictor:
    def __init__(self, meta):
        self.meta = meta

    def predict_strips(self, view, wanted=None):
        pixels, valid, _ = view.read((0, 0, view.grid.width, view.grid.height))
        bright = pixels.mean(axis=0) > self.meta["threshold"]
        yield 0, np.where(valid, np.where(bright, 200, 0), NODATA).astype(np.uint8)


def read_model(path, threads):
    return BrightnessPredictor(json.loads(path.read_text()))


@pytest.fixture(autouse=True)
def registered():
    kinds = {Chessboard: SEGMENTATIONS, AbsoluteError: LOSSES, Brightness: MODELS}
    for kind, registry in kinds.items():
        registry.register(kind)
    yield
    for kind, registry in kinds.items():
        del registry.kinds[kind.name()]


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    folder = tmp_path_factory.mktemp("region")
    tiles = {f"t{number}": write_tile(folder, f"t{number}", column=number, seed=number) for number in range(2)}
    boxes = [(40, 0, 10, 8, 1, "validation"), (40, 8, 10, 8, 0, "validation")]
    return tiles, label_boxes(tiles["t0"][0], boxes)


def test_a_configuration_may_name_the_new_kinds_and_is_told_of_faults_in_them():
    changes = {
        "segmentations__squares": {"method": "chessboard", "side_px": 4},
        "models__net": {"loss": {"method": "absolute_error", "power": 2}},
        "models__bright": {"method": "brightness"},
    }
    config = validate_config(read(**changes))
    assert config.segmentations["squares"] == Chessboard(side_px=4)
    assert config.models["net"].loss == AbsoluteError(power=2)
    assert config.models["bright"] == Brightness()
    assert config.model_dump()["segmentations"]["squares"]["side_px"] == 4
    assert "side_px: must be at least 1" in refuse(read(segmentations__squares={"method": "chessboard", "side_px": 0}))
    assert "did you mean 'chessboard'" in refuse(read(segmentations__squares={"method": "chesboard"}))
    assert "side_px goes with method chessboard, not kmeans" in refuse(read(segmentations__kmeans10={"side_px": 4}))


def test_the_reference_lists_the_new_kinds():
    text = render_reference()
    for name, title in (
        ("chessboard", "Chessboard"),
        ("absolute_error", "AbsoluteError"),
        ("brightness", "Brightness"),
    ):
        assert f"[`{name}`](#{title.lower()})" in text
        assert f"\n## {title}\n" in text
    assert "| `side_px` | whole number, ≥ 1 | `8` | width and height of a square, pixels |" in text


def test_a_sweep_may_go_over_the_methods():
    raw = read(regions__highlands__labels=LABELS, regions__highlands__tiles=["a"])
    raw["sweeps"] = {"s": {"base": "mined", "grid": {"segmentation.method": ["kmeans", "chessboard"]}}}
    config, points = expand_sweeps(validate_config(raw))
    names = [point.experiment.segmentation for point in points["s"]]
    assert [type(config.segmentations[name]).name() for name in names] == ["kmeans", "chessboard"]


def test_the_plan_has_the_file_and_the_rule_of_a_new_kind_of_model():
    raw = read(regions__highlands__labels=LABELS, regions__highlands__tiles=["a"], models__bright="brightness")
    raw["experiments"]["bright"] = {"human": 0.5, "model": "bright"}
    config = validate_config(raw)
    plan = plan_region("highlands", config)
    assert plan.model_path(plan.runs["bright"][0]).endswith("/brightness.json")
    assert "train_brightness" in {work.rule for work in list_work(plan, config)}


def test_a_tile_is_segmented_by_a_new_method():
    valid = np.ones((16, 20), bool)
    valid[0, 0] = False
    grid, chosen = make_grid(20, 16), Chessboard(side_px=4, min_area_m2=0)
    ids, clusters = number_segments(
        divide_by_method(hold_tile(np.zeros((1, *valid.shape)), valid, grid, ["pan"]), chosen), grid, chosen
    )
    assert ids[0, 0] == 0
    assert ids.max() == 20
    assert (ids[4:8, 8:12] == ids[4, 8]).all()
    assert clusters.tolist() == [0] + 20 * [1]


def test_a_network_is_trained_by_a_new_loss(region, tmp_path):
    model = MODEL.model_copy(update={"loss": AbsoluteError(power=1.5)})
    positional, named = train_arguments(region, tmp_path, model)
    train_model(*positional, **named)
    meta = load_checkpoint(tmp_path / "model.ckpt")[2]
    assert meta["model"]["loss"] == {"method": "absolute_error", "power": 1.5}
    losses = [float(line.split(",")[2]) for line in (tmp_path / "history.csv").read_text().splitlines()[1:]]
    assert 0 < losses[-1] < losses[0] < 1


def test_a_new_kind_of_model_is_trained_and_predicts_a_tile(region, tmp_path):
    tiles, _ = region
    sources = {name: source for name, (_, source, _, _) in tiles.items()}
    targets = {name: target for name, (_, _, target, _) in tiles.items()}
    options = {"seed": 0, "bands": ["red", "nir"], "dates": 1, "threads": 1}
    load_kind(Brightness).train_classifier(
        sources, targets, Brightness(), contexts={}, **options, out_model=tmp_path / "brightness.json"
    )
    model = load_predictor(tmp_path / "brightness.json", ["red", "nir"], 1, 1)
    codes = predict_tile(model, surround_tile("t0", sources))
    np.testing.assert_array_equal(codes > 100, tiles["t0"][3])
