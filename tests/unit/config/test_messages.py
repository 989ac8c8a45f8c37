"""What is told of a faulty configuration, and of which place in it."""

import pytest

from cropmine.config.validation import validate_config
from cropmine.errors import CropmineError
from factories.configs import read, refuse


def test_an_unknown_key_gets_a_did_you_mean():
    text = refuse(read(regions__highlands__weak__global_map__gard_m=30))
    assert text == "regions.highlands.weak.global_map.gard_m: unknown key 'gard_m'. Hint: did you mean 'guard_m'?"
    assert "did you mean 'register'?" in refuse(read(regions__highlands__weak__global_map__registr="off"))
    assert "did you mean 'experiments'?" in refuse(read(experimets={}))


def test_a_key_like_no_other_gets_the_known_keys():
    assert "Hint: known: cropland, noncropland, random." in refuse(read(experiments__mined__mined__zzz=1))


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


def test_a_name_that_is_wrong_twice_in_a_list_is_told_once():
    with pytest.raises(CropmineError) as told:
        validate_config(read() | {"default_regions": ["lowlands", "lowlands"]})
    assert str(told.value).count("'lowlands' isn't a region") == 1
