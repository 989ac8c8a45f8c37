"""Settings that don't go together are refused by their place."""

from copy import deepcopy

import pytest
import yaml

from cropmine.config.validation import validate_config
from factories.configs import LABELS, read, refuse, set_value

DEEP = {"method": "deep", "experiment": "half_human"}
KFOLD = {"method": "kfold"}
MANY = [0.5 + number / 10_000 for number in range(2001)]


@pytest.mark.parametrize(
    "key, name, text",
    [
        (
            "weak_map",
            "globl_map",
            "'globl_map' isn't a weak map of regions.highlands. Hint: did you mean 'global_map'?",
        ),
        ("segmentation", "kmeans1", "'kmeans1' isn't a segmentation. Hint: did you mean 'kmeans10'?"),
        ("model", "unett", "'unett' isn't a model. Hint: did you mean 'unet'?"),
    ],
)
def test_an_experiment_names_only_what_there_is(key, name, text):
    assert refuse(read(**{f"experiments__mined__{key}": name})) == f"experiments.mined.{key}: {text}"


def test_unknown_names_are_told_together():
    text = refuse(read(experiments__mined__model="x", experiments__half_human__segmentation="y", default_regions=["z"]))
    assert text.startswith("config: 3 faults:")


def test_an_experiment_that_a_region_leaves_out_may_use_another_regions_weak_map():
    raw = read(experiments__mined__weak_map="national", regions__highlands__experiments=["half_human"])
    raw["regions"]["lowlands"] = deepcopy(raw["regions"]["highlands"]) | {"weak": {"national": {"path": "n.tif"}}}
    raw["regions"]["lowlands"]["experiments"] = ["mined"]
    validate_config(raw)


def test_a_region_that_a_model_from_elsewhere_maps_runs_no_experiments():
    region = {"imagery": "i/{tile}.tif", "bands": ["red"], "model": "m.ckpt"}
    assert validate_config(read(regions__valley=region | {"threshold": 0.4})).regions["valley"].model == "m.ckpt"
    assert "runs no experiments" in refuse(read(regions__valley=region | {"experiments": ["half_human"]}))
    assert "threshold goes with model" in refuse(read(regions__highlands__threshold=0.4))
    assert "regions.valley.model" in refuse(read(regions__valley=region | {"model": "m.pt"}))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"regions__highlands__bands": ["red", "nir", "red"]}, "bands: 'red' stands twice"),
        ({"regions__highlands__tiles": ["a", "../b"]}, "tiles: '../b' can't be a tile's name"),
        ({"regions__highlands__imagery": "imagery/*.tif"}, "imagery: 'imagery/*.tif' must hold {tile} once"),
        ({"regions__highlands__imagery": {}}, "imagery: it has no date"),
        ({"regions__highlands__imagery": {"2021/03": "i/{tile}.tif"}}, "imagery: '2021/03' isn't a date"),
        ({"regions__highlands__mask": {"path": {"2021": "m/{tile}.tif"}}}, "mask.path: it has dates, but imagery has"),
        ({"regions__highlands__features": {"a b": "f/{tile}.tif"}}, "features: 'a b' isn't a name"),
        ({"regions__highlands__features": {"far": "far.tif"}}, "features.far: 'far.tif' must hold {tile} once"),
        ({"regions__highlands__weak__a-b": {"path": "w.tif"}}, "weak: 'a-b' isn't a name"),
        ({"regions__highlands__weak__both": {"consensus": ["global_map", "othr_map"]}}, "did you mean 'other_map'?"),
        ({"regions__highlands__weak__both": {"consensus": ["global_map"]}}, "a consensus is one of two maps or more"),
        ({"regions__highlands__weak__both": {}}, "give either a path, or a consensus of other weak maps"),
        (
            {"regions__highlands__weak__both": {"consensus": ["global_map", "other_map"], "register": "auto"}},
            "the maps of a consensus are registered one by one",
        ),
        ({"regions__highlands__split": {"method": "holdout", "test": 0.5}}, "must add up to 1"),
        (
            {"regions__highlands__split": {"method": "holdout", "train": 1, "validation": 0, "test": 0}},
            "must each be above 0",
        ),
        ({"regions__highlands__split": {"method": "kfold", "field": "part"}}, "goes with `method: field`"),
        ({"regions__highlands__split": {"method": "field"}}, "split.method field needs split.field"),
        ({"regions__runs": {"imagery": "i/{tile}.tif", "bands": ["red"]}}, "results/ has a folder of this name"),
        (
            {"regions__highlands__labels": LABELS | {"test_path": "t.gpkg"}, "regions__highlands__split": KFOLD},
            "labels.test_path goes with split.method field or auto, not kfold",
        ),
        ({"segmentations__kmeans10": {"compactness": 3}}, "compactness goes with method slic, not kmeans"),
        ({"models__forest": {"method": "random_forest", "neighbourhood_px": [4]}}, "neighbourhood_px must be odd"),
        ({"sweeps": {"s": {"base": "mined", "grid": {"mined.cropland": MANY}}}}, "a grid of 2001 points, and at most"),
        ({"models__weak_map": {}}, "models.weak_map: the name is taken by the weak map itself"),
        ({"segmentations__kmeans10": {"smooth_px": 2}}, "smooth_px must be odd"),
        ({"segmentations__kmeans10": {"experiment": "half_human"}}, "experiment goes with method deep, not kmeans"),
        ({"experiments__none": {}}, "names no labels to train on"),
        ({"experiments__mined__mined": {}}, "names neither cropland nor noncropland"),
        ({"experiments__half_human__erode_m": 30}, "erode_m goes with weak_classes"),
        ({"experiments__weak": {"model": "weak_map", "human": 1}}, "is the weak map itself and takes no labels"),
        ({"sweeps": {"s": {"base": "half", "grid": {"human": [1]}}}}, "sweeps.s.base: 'half' isn't an experiment"),
    ],
)
def test_settings_that_do_not_go_together_are_refused_by_their_place(changes, told):
    text = refuse(read(**changes))
    assert told in text
    assert text.startswith(("regions.", "models.", "segmentations.", "experiments.", "sweeps.", "config: "))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"segmentations__deep": DEEP | {"experiment": "half"}}, "'half' isn't an experiment"),
        ({"models__unet": {"method": "random_forest"}}, "half_human trains no network"),
        ({"experiments__half_human__mined": {"cropland": 0.8}}, "half_human is itself mined from deep features"),
        ({"regions__highlands__split": {"method": "kfold"}}, "regions.highlands is split by kfold"),
    ],
)
def test_deep_features_are_those_of_a_network_that_saw_none_of_them(changes, told):
    raw = read(segmentations__deep=DEEP)
    raw["experiments"]["half_human"]["segmentation"] = "deep" if "mined" in told else "kmeans10"
    validate_config(read(segmentations__deep=DEEP))
    for place, value in changes.items():
        set_value(raw, place, value)
    assert told in refuse(raw)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"transfers__t__sources": ["hills", "vally"]}, "transfers.t.sources: 'vally' isn't a region"),
        ({"transfers__t__model": "unett"}, "transfers.t.model: 'unett' isn't a model"),
        ({"transfers__t__segmentation": "kmeans"}, "transfers.t.segmentation: 'kmeans' isn't a segmentation"),
        ({"transfers__t": {"sources": ["hills"], "targets": ["hills"]}}, "no target has a source other than itself"),
        ({"models__unet": {"method": "random_forest"}}, "transfers.t.model: is no network"),
        ({"segmentations__kmeans10": DEEP}, "transfers.t.segmentation: is deep"),
        ({"regions__hills__labels": None}, "regions.hills has no labels"),
        ({"regions__hills__weak": {}}, "regions.hills has no weak map"),
        ({"regions__hills__model": "m.ckpt"}, "regions.hills is mapped by a model from elsewhere"),
        ({"regions__hills__bands": ["red"]}, "the bands of regions.hills aren't those of regions.highlands"),
        ({"regions__hills__imagery": {"2020": "a/{tile}.tif", "2021": "b/{tile}.tif"}}, "the dates of regions.hills"),
    ],
)
def test_a_transfer_is_refused_between_regions_that_can_not_teach_each_other(changes, told):
    raw = read(regions__highlands__labels=LABELS)
    raw["regions"]["hills"] = deepcopy(raw["regions"]["highlands"])
    raw["transfers"] = {"t": {"sources": ["highlands", "hills"], "targets": ["highlands", "hills"]}}
    validate_config(raw)
    assert told in refuse(read(yaml.safe_dump(raw), **changes))


def test_simulated_regions_of_other_grids_are_refused():
    common = {"imagery": "results/x/inputs/{tile}.tif", "bands": ["red"]}
    regions = {name: common | {"simulate": {"rows": rows}} for name, rows in (("a", 1), ("b", 2))}
    text = refuse(read(regions=regions))
    assert "simulated regions must have the same rows and columns of tiles" in text
