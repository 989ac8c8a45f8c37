"""Settings of models and of their losses: each kind has its own keys."""

import pytest

from cropmine.config.models import (
    MODELS,
    CrossEntropy,
    Dice,
    GeneralisedCrossEntropy,
    Network,
    RandomForest,
    find_kind_of_file,
)
from cropmine.config.validation import validate_config
from cropmine.errors import CropmineError
from factories.configs import read, refuse


def test_a_model_is_a_network_unless_its_method_says_otherwise():
    config = validate_config(read(models__b={"method": "random_forest", "trees": 9}, models__c="random_forest"))
    assert [config.models[name] for name in ("unet", "b", "c")] == [Network(), RandomForest(trees=9), RandomForest()]


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("dice", Dice()),
        ({}, CrossEntropy()),
        ({"method": "generalised_cross_entropy"}, GeneralisedCrossEntropy(noise_robustness=0.7)),
        (
            {"method": "generalised_cross_entropy", "noise_robustness": 0.2},
            GeneralisedCrossEntropy(noise_robustness=0.2),
        ),
    ],
)
def test_a_loss_is_a_name_or_a_name_with_settings(loss, expected):
    model = validate_config(read(models__unet__loss=loss)).models["unet"]
    assert model.loss == expected
    assert MODELS.validate(model.model_dump(mode="json")) == model


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {"loss": "cross_entropi"},
            "models.a.loss: must be 'cross_entropy' or 'generalised_cross_entropy' or 'dice', not 'cross_entropi'. "
            "Hint: did you mean 'cross_entropy'?",
        ),
        ({"loss": {"method": "dise"}}, "models.a.loss.method: must be 'cross_entropy' or 'generalised_cross_entropy' "),
        (
            {"loss": {"method": "dice", "noise_robustness": 0.5}},
            "models.a.loss.noise_robustness: noise_robustness goes with method generalised_cross_entropy, not dice.",
        ),
        (
            {"method": "random_forst"},
            "models.a.method: must be 'network' or 'random_forest' or 'extra_trees', not 'random_forst'. Hint",
        ),
        (
            {"encoder": "resnet18", "trees": 3},
            "models.a.trees: trees goes with method random_forest or extra_trees, not network.",
        ),
        ({"method": "random_forest", "tres": 3}, "models.a.tres: unknown key 'tres'. Hint: did you mean 'trees'?"),
    ],
)
def test_a_fault_is_told_in_the_words_of_its_kind(settings, told):
    assert refuse(read(models__a=settings)).startswith(told)


@pytest.mark.parametrize(
    ("path", "kind"),
    [("a/model.ckpt", Network), ("weights.safetensors", Network), ("forest.npz", RandomForest)],
)
def test_a_file_tells_the_kind_of_its_model_by_its_suffix(path, kind):
    assert find_kind_of_file(path) is kind


def test_a_file_of_no_kind_is_refused_with_the_suffixes_that_there_are():
    with pytest.raises(CropmineError, match=r"model\.pt: .*ends in \.ckpt or \.safetensors or \.npz"):
        find_kind_of_file("model.pt")
