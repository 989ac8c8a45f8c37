"""What new-region writes for files as users have them, and what it says of those that it can't use."""

import geopandas
import numpy as np
import pandas
import pytest
import yaml

from cropmine.commands.guess_labels import LabelOptions
from cropmine.commands.new_region import Inputs, draft_region
from cropmine.config.validation import validate_config
from cropmine.errors import CropmineError
from cropmine.inputs.labels import read_labels
from cropmine.inputs.splits import split_labels
from cropmine.planning.plans import resolve_split
from factories.drafts import inputs_of


def test_a_draft_holds_what_the_files_are_and_says_what_was_guessed(here):
    draft = draft_region(inputs_of(here))
    config = yaml.safe_load(draft.text)
    region = config["regions"]["valley"]
    assert region["imagery"] == f"{here}/imagery/{{tile}}.tif"
    assert region["bands"] == ["blue", "green", "red", "nir"]
    assert region["mask"] == {"path": f"{here}/masks/{{tile}}.tif", "bad": [1]}
    assert region["weak"]["weak"]["cropland"] == [1]
    assert region["labels"]["cropland"] == ["cropland"]
    assert region["labels"]["noncropland"] == ["other"]
    assert region["labels"]["ignore"] == ["unsure"]
    assert region["split"]["method"] == "kfold"
    assert {"all_human", "all_human_mined_both", "all_human_eroded_neg", "weak_only"} <= set(config["experiments"])
    assert "purity" in draft.text
    assert any("labels.definition" in note for note in draft.notes)
    assert all(f"# CHECK: {note}" in draft.text for note in draft.notes)


def test_a_draft_needs_no_labels_and_no_weak_map(here):
    config = yaml.safe_load(draft_region(inputs_of(here, weak="", labels=())).text)
    assert set(config["regions"]["valley"]) == {"imagery", "bands", "mask"}
    mined = yaml.safe_load(draft_region(inputs_of(here, labels=())).text)
    assert "experiments" not in mined
    labelled = yaml.safe_load(draft_region(inputs_of(here, weak="")).text)
    assert set(labelled["experiments"]) == {"all_human", "all_human_forest"}


def test_files_that_only_test_stay_apart(here):
    labels = geopandas.read_file(here / "labels.gpkg")
    labels[::2].to_file(here / "drawn.gpkg")
    labels[1::2].to_file(here / "sample.gpkg")
    draft = draft_region(inputs_of(here, labels=(f"{here}/drawn.gpkg",), tests=(f"{here}/sample.gpkg",)))
    region = validate_config(yaml.safe_load(draft.text)).regions["valley"]
    assert region.labels.test_path == (f"{here}/sample.gpkg",)
    assert region.split.method == "auto"
    pieces, _ = split_labels(
        read_labels(region.labels, region.labels.path, None, region.labels.test_path), resolve_split(region), [0]
    )
    held = pieces[pieces["split"] == "validation"].groupby("target")["block"].nunique()
    assert len(held) == 2 and held.min() >= 3


def test_labels_that_lie_on_no_tile_count_for_no_split(here):
    labels = geopandas.read_file(here / "labels.gpkg")
    away = labels.assign(geometry=labels.geometry.translate(0.5, 0.5))
    pandas.concat([labels] + [away] * 4).to_file(here / "more.gpkg")
    drafts = [draft_region(inputs_of(here, labels=(f"{here}/{name}.gpkg",))) for name in ("labels", "more")]
    splits = [yaml.safe_load(draft.text)["regions"]["valley"]["split"] for draft in drafts]
    assert splits[0] == splits[1]
    assert any("labels lie on no tile" in warning for warning in drafts[1].warnings)


def test_a_user_says_what_can_not_be_guessed(here):
    labels = geopandas.read_file(here / "labels.gpkg")
    labels["k"] = labels.pop("class").map({"cropland": "A", "other": "B", "unsure": "C"})
    labels.to_file(here / "coded.gpkg")
    with pytest.raises(
        CropmineError, match=r"no field holds classes of cropland and others.*k: 3 values.*--class-field"
    ):
        draft_region(inputs_of(here, labels=(f"{here}/coded.gpkg",)))
    label_options = LabelOptions("k", ("A",), ("B",), definition="maize and beans")
    inputs = inputs_of(here, labels=(f"{here}/coded.gpkg",), label_options=label_options)
    region = yaml.safe_load(draft_region(inputs).text)["regions"]["valley"]
    assert region["labels"]["ignore"] == ["C"]
    assert region["labels"]["definition"] == "maize and beans"


def test_classes_that_are_not_known_are_left_out_aloud(here):
    labels = geopandas.read_file(here / "labels.gpkg")
    labels.loc[labels["class"] == "unsure", "class"] = "khat"
    labels.to_file(here / "khat.gpkg")
    draft = draft_region(inputs_of(here, weak="", labels=(f"{here}/khat.gpkg",)))
    assert any("khat (" in note for note in draft.notes)
    only = inputs_of(
        here, weak="", labels=(f"{here}/khat.gpkg",), label_options=LabelOptions("class", (), ("cropland", "other"))
    )
    with pytest.raises(CropmineError, match=r"no class of the field class is known to be cropland; it holds"):
        draft_region(only)


def test_fields_whose_values_tell_nothing_are_not_taken_for_classes(here):
    labels = geopandas.read_file(here / "labels.gpkg").drop(columns="class")
    labels["seen"] = np.resize([0, 1], len(labels))
    labels["landuse"] = [f"crop {number}" for number in range(len(labels))]
    pandas.concat([labels.assign(landuse=labels["landuse"] + f" {copy}") for copy in range(2)]).to_file(
        here / "no.gpkg"
    )
    with pytest.raises(CropmineError, match=r"no field holds classes of cropland and others.*seen: 2 values"):
        draft_region(inputs_of(here, labels=(f"{here}/no.gpkg",)))
    with pytest.raises(CropmineError, match=r"--class-field: no such field: kind\. Hint: fields of all files: .*seen"):
        draft_region(inputs_of(here, labels=(f"{here}/no.gpkg",), label_options=LabelOptions("kind")))


def test_a_region_takes_a_name_that_can_be_a_folder(here):
    with pytest.raises(CropmineError, match=r"NAME: 'my valley' isn't a name"):
        draft_region(Inputs("my valley", f"{here}/imagery"))
