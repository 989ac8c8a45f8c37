"""Whatever stands in a configuration's file: a configuration comes out of it, or a message."""

import pickle

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cropmine.config.reference import list_models
from cropmine.config.schema import Config
from cropmine.config.validation import MOST_ENTRIES, check_size, read_config, validate_config
from cropmine.errors import CropmineError
from cropmine.planning.sweeps import expand_sweeps
from factories.configs import read

SOUND = """
regions:
  r: {imagery: "x/{tile}.tif", bands: [red, nir], tiles: [a, b], weak: {w: {path: w.tif, cropland: [1], year: 2021}},
      labels: {path: l.gpkg, class_field: class, cropland: [c], noncropland: [o], definition: annual crops}}
segmentations: {k: &k {clusters: 5}, l: {<<: *k, clusters: 6}}
experiments: {half: {human: 0.5, mined: {noncropland: 0.2}}}
sweeps: {s: {base: half, grid: {human: [0.1, 0.9], segmentation.clusters: [3, 4]}}}
seeds: [0]
"""
SIGNS = st.sampled_from([*"{}[]:,&*!|>'\"%@`#?-\n\t \0~.", "!!python/name:os.system", "<<", "9" * 400, "é", "\u202e"])

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


def read_text(folder, text):
    path = folder / "any.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        config, _ = expand_sweeps(validate_config(read_config(path)))
    except CropmineError as error:
        assert str(error).strip()
    else:
        assert isinstance(config, Config)


@given(text=st.text(max_size=200))
def test_any_text_gives_a_configuration_or_a_message(tmp_path_factory, text):
    read_text(tmp_path_factory.getbasetemp(), text)


@given(place=st.integers(0, len(SOUND)), cut=st.integers(0, 12), new=st.lists(SIGNS, max_size=4))
def test_a_configuration_that_is_spoilt_anywhere_gives_a_message(tmp_path_factory, place, cut, new):
    read_text(tmp_path_factory.getbasetemp(), SOUND[:place] + "".join(new) + SOUND[place + cut :])


@given(new=st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5))
@pytest.mark.parametrize("key", list(yaml.safe_load(SOUND)))
def test_any_value_of_a_key_gives_a_message(key, new):
    raw = yaml.safe_load(SOUND) | {key: new}
    try:
        expand_sweeps(validate_config(raw))
    except CropmineError as error:
        assert str(error).strip()


def test_the_sound_one_is_sound():
    assert validate_config(yaml.safe_load(SOUND)).regions["r"].bands == ("red", "nir")


def test_a_value_that_holds_itself_or_unfolds_without_end_is_refused():
    ring = []
    ring.append(ring)
    with pytest.raises(CropmineError, match="without end"):
        check_size({"a": ring})
    rows = ["x"] * 10
    for _ in range(6):
        rows = [rows] * 10
    with pytest.raises(CropmineError, match=r"1\.11e\+07 entries"):
        check_size(rows)
    check_size([0] * (MOST_ENTRIES - 2))


def test_a_configuration_that_is_not_there_or_is_no_yaml_is_named(tmp_path):
    with pytest.raises(CropmineError, match=r"none\.yaml: no such file\.$"):
        read_config(tmp_path / "none.yaml")
    (tmp_path / "tab.yaml").write_text("regions:\n\tvalley: {}\n")
    hint = r"Hint: tabs, tags and loose quotes break it\.$"
    with pytest.raises(CropmineError, match=rf"tab\.yaml: can't be read as YAML \(.+\)\. {hint}"):
        read_config(tmp_path / "tab.yaml")


@given(NESTED)
def test_anything_gives_a_configuration_or_a_fault(raw):
    check_outcome(raw)


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
