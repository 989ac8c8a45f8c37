import pickle
from copy import deepcopy

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cropmine.config.reference import list_models, render_reference
from cropmine.config.schema import Config
from cropmine.config.validation import validate_config
from cropmine.errors import CropmineError, suggest
from workspace import ROOT

MINIMAL = """
regions:
  highlands:
    imagery: imagery/{tile}.tif
    bands: [blue, green, red, nir]
    weak:
      global_map: {path: weak.tif, register: off}
      other_map: {path: other.tif}
segmentations:
  kmeans10: {}
models:
  unet: {}
experiments:
  half_human: {human: 0.5}
  mined: {human: 0.5, mined: {cropland: 0.8, noncropland: 0.2}}
"""


def read(text=MINIMAL, **changes):
    """The minimal configuration with values set at places such as experiments__mined__human."""
    raw = yaml.safe_load(text)
    for place, value in changes.items():
        set_value(raw, place, value)
    return raw


def set_value(raw, place, value):
    *parents, key = place.split("__")
    for parent in parents:
        raw = raw[parent]
    raw[key] = value


def refuse(raw) -> str:
    with pytest.raises(CropmineError) as caught:
        validate_config(raw)
    return str(caught.value)


@pytest.mark.parametrize("path", ["config.yaml", *(str(p.relative_to(ROOT)) for p in ROOT.glob("configs/*.yaml"))])
def test_every_configuration_of_the_project_is_valid(path):
    validate_config(yaml.safe_load((ROOT / path).read_text()))


def test_an_unknown_key_gets_a_did_you_mean():
    text = refuse(read(regions__highlands__weak__global_map__gard_m=30))
    assert text == "regions.highlands.weak.global_map.gard_m: unknown key 'gard_m'. Hint: did you mean 'guard_m'?"
    assert "did you mean 'register'?" in refuse(read(regions__highlands__weak__global_map__registr="off"))
    assert "did you mean 'experiments'?" in refuse(read(experimets={}))


def test_a_key_like_no_other_gets_the_known_keys():
    assert "Hint: known: cropland, noncropland, random." in refuse(read(experiments__mined__mined__zzz=1))


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan"), "much", [0.8]])
def test_a_threshold_outside_0_to_1_is_refused(threshold):
    text = refuse(read(experiments__mined__mined__cropland=threshold))
    assert text.startswith("experiments.mined.mined.cropland: must be ")
    assert "Hint: a segment with a higher weak fraction is cropland." in text


@pytest.mark.parametrize("cropland, noncropland", [(0.2, 0.8), (0.5, 0.5)])
def test_the_cropland_threshold_must_be_above_the_noncropland_threshold(cropland, noncropland):
    text = refuse(read(experiments__mined__mined={"cropland": cropland, "noncropland": noncropland}))
    assert text.startswith("experiments.mined.mined: the cropland threshold must be above the noncropland threshold.")


def test_register_off_is_read_as_yaml_reads_it():
    raw = read()
    assert raw["regions"]["highlands"]["weak"]["global_map"]["register"] is False
    assert validate_config(raw).regions["highlands"].weak["global_map"].register_ == "off"
    moved = read(regions__highlands__weak__global_map__register=[12, -3.5])
    assert validate_config(moved).regions["highlands"].weak["global_map"].register_ == (12, -3.5)


def test_branches_of_a_union_are_one_fault_without_their_names():
    text = refuse(read(regions__highlands__weak__global_map__register="on"))
    assert text.startswith(
        "regions.highlands.weak.global_map.register: must be 'off' or 'auto' or a list such as [a, b], not 'on'."
    )
    text = refuse(read(regions__highlands__weak__global_map__register=[1, "east"]))
    assert text.startswith("regions.highlands.weak.global_map.register.1: must be a number, not 'east'.")
    text = refuse(read(regions__highlands__weak__global_map__cropland=[1, [2]]))
    assert text.startswith("regions.highlands.weak.global_map.cropland.1: must be a number or text, not [2].")
    assert "\n" not in text


def test_a_key_keeps_its_place_even_if_it_is_called_as_a_type():
    raw = read()
    raw["regions"]["int"] = raw["regions"].pop("highlands") | {"bands": 3}
    assert refuse(raw).startswith("regions.int.bands: must be a list")


def test_several_faults_are_a_list_with_a_hint_each():
    text = refuse(read(experiments__half_human__human=2, experiments__half_human__modle="unet", seeds=0))
    lines = text.splitlines()
    assert lines[0] == "config: 3 faults:"
    assert lines[1] == (
        "  - experiments.half_human.human: must be at most 1, not 2. "
        "Hint: fraction of the human training labels of each class."
    )
    assert lines[2].endswith("Hint: did you mean 'model'?")
    assert lines[3].startswith("  - seeds: must be a list")


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


def test_dates_may_be_written_without_quotes():
    dates = yaml.safe_load("2021-03-15: a/{tile}.tif\n2021: b/{tile}.tif\n2021-09: c/{tile}.tif")
    config = validate_config(read(regions__highlands__imagery=dates))
    assert list(config.regions["highlands"].imagery) == ["2021-03-15", "2021", "2021-09"]


def test_the_dates_of_masks_are_those_of_the_imagery():
    raw = read(regions__highlands__imagery={"2021-03": "a/{tile}.tif", "2021-09": "b/{tile}.tif"})
    raw["regions"]["highlands"]["mask"] = {"path": {"2021-03": "m/{tile}.tif"}}
    assert "its dates aren't those of imagery" in refuse(raw)
    raw["regions"]["highlands"]["mask"] = {"path": "m/{tile}.tif"}
    validate_config(raw)


@pytest.mark.parametrize("raw", [None, [], "regions", 3, {}, {"regions": None}, {"regions": {}}, {1: 2}, {None: None}])
def test_what_is_no_configuration_is_refused(raw):
    refuse(raw)


KEYS = sorted({field.alias or name for model in list_models(Config) for name, field in model.model_fields.items()})
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates() | st.sampled_from(KEYS)
)
NESTED = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4) | st.integers() | st.none(), inner, max_size=5)
    ),
    max_leaves=12,
)


@given(NESTED)
def test_anything_gives_a_configuration_or_a_fault(raw):
    check_outcome(raw)


def test_a_name_that_is_wrong_twice_in_a_list_is_told_once():
    with pytest.raises(CropmineError) as told:
        validate_config(read() | {"default_regions": ["lowlands", "lowlands"]})
    assert str(told.value).count("'lowlands' isn't a region") == 1


@st.composite
def spoiled(draw):
    """The minimal configuration with random data at a random place."""
    raw = read()
    inner = raw
    while True:
        key = draw(st.sampled_from(sorted(inner)) | st.sampled_from(KEYS))
        if not isinstance(inner.get(key), dict) or not inner[key] or draw(st.booleans()):
            inner[key] = draw(NESTED)
            return raw
        inner = inner[key]


@given(spoiled())
def test_any_spoiled_configuration_gives_a_configuration_or_a_fault(raw):
    check_outcome(raw)


def check_outcome(raw):
    try:
        assert isinstance(validate_config(raw), Config)
    except CropmineError as error:
        faults = error.faults or [error]
        assert len({(fault.where, fault.what) for fault in faults}) == len(faults)
        assert all(part not in fault.where for fault in faults for part in ("tuple[", "literal[", "function-", "[key]"))
        assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize(
    "hint, end",
    [("did you mean 'x'?", "'x'?"), ("did you mean 'x'?.", "'x'?"), ("write x", "write x."), ("write x.", "write x.")],
)
def test_an_error_ends_each_sentence_once(hint, end):
    text = str(CropmineError("here", "is wrong.", hint))
    assert text.startswith("here: is wrong. Hint: ")
    assert text.endswith(end)


def test_gathered_faults_nest():
    inner = CropmineError.gather("inner", [CropmineError("a", "x"), CropmineError("b", "y")])
    assert str(CropmineError.gather("one", [inner])) == "inner: 2 faults:\n  - a: x.\n  - b: y."
    outer = CropmineError.gather("outer", [inner, CropmineError("c", "z")])
    assert str(outer) == "outer: 2 faults:\n  - inner: 2 faults:\n    - a: x.\n    - b: y.\n  - c: z."


def test_suggest_is_the_tail_of_a_sentence():
    assert suggest("unt", ["unet", "fpn"]) == "; did you mean 'unet'?"
    assert suggest("zzz", ["unet", "fpn"]) == "; known: unet, fpn"
    assert suggest("zzz", []) == ""


def test_the_reference_is_in_step_with_the_models():
    text = (ROOT / "docs/configuration.md").read_text()
    assert text == render_reference(), "write it anew as its first lines say"


def test_the_reference_describes_every_key_and_links_every_model():
    text = render_reference()
    for model in list_models(Config):
        assert all(field.description for field in model.model_fields.values()), model
        if model is not Config:
            assert f"\n## {model.__name__}\n" in text
            assert f"(#{model.__name__.lower()})" in text


def test_a_region_that_a_model_from_elsewhere_maps_runs_no_experiments():
    region = {"imagery": "i/{tile}.tif", "bands": ["red"], "model": "m.ckpt"}
    assert validate_config(read(regions__valley=region | {"threshold": 0.4})).regions["valley"].model == "m.ckpt"
    assert "runs no experiments" in refuse(read(regions__valley=region | {"experiments": ["half_human"]}))
    assert "threshold goes with model" in refuse(read(regions__highlands__threshold=0.4))
    assert "regions.valley.model" in refuse(read(regions__valley=region | {"model": "m.pt"}))


DEEP = {"method": "deep", "experiment": "half_human"}
KFOLD = {"method": "kfold"}
LABELS = {"path": "l.gpkg", "class_field": "c", "cropland": ["a"], "noncropland": ["b"], "definition": "crops"}
MANY = [0.5 + number / 10_000 for number in range(2001)]


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
        ({"segmentations__kmeans10": {"experiment": "half_human"}}, "goes with `method: deep`"),
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
