"""What a trained model's file says of it is checked before it is used."""

import pytest

from cropmine.errors import CropmineError
from cropmine.training.descriptions import Description, check_description, check_imagery
from factories.networks import PLACE

META = {"bands": ["red", "nir"], "dates": 1, "resolution_m": 4.8, "mean": [1.0, 2.0], "std": [1.0, 1.0]}


def test_a_whole_description_passes():
    check_description("model.ckpt", Description, META, "train it again")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"bands": []}, "bands"),
        ({"dates": 0}, "dates"),
        ({"resolution_m": float("nan")}, "resolution_m"),
        ({"std": [1.0]}, "other means than deviations"),
    ],
)
def test_the_first_fault_of_a_description_is_told_with_a_hint(change, told):
    with pytest.raises(CropmineError, match=rf"model\.ckpt: isn't a model of cropmine: .*{told}.*Hint: train it again"):
        check_description("model.ckpt", Description, META | change, "train it again")


def test_imagery_of_other_bands_is_refused():
    check_imagery("model.ckpt", PLACE, ["blue", "green", "red", "nir"], 1)
    for bands, dates in ((["red", "green", "blue", "nir"], 1), (PLACE["bands"], 2)):
        with pytest.raises(CropmineError, match="was trained on the bands"):
            check_imagery("model.ckpt", PLACE, bands, dates)
