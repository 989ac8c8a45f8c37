import pytest
import torch
from torch import nn

from cropmine.config.models import Network
from cropmine.errors import CropmineError
from cropmine.training.optimizers import build_optimizer, build_schedule


def build(**settings):
    model = Network(**settings)
    optimizer = build_optimizer(nn.Linear(2, 2).parameters(), model)
    return optimizer, build_schedule(optimizer, model)


@pytest.mark.parametrize("name", ["adam", "AdamW", "sgd", "RMSprop", "NAdam", "Adagrad"])
def test_optimizers_are_found_by_their_names_in_torch(name):
    optimizer, _ = build(
        optimizer=name, optimizer_options={"weight_decay": 0.02}, learning_rate=0.01, schedule="cosine"
    )
    assert type(optimizer).__name__.lower() == name.lower()
    assert optimizer.param_groups[0]["weight_decay"] == 0.02


@pytest.mark.parametrize(
    ("name", "options", "last"),
    [
        ("constant", {}, 0.1),
        ("cosine", {}, 0.0),
        ("onecycle", {}, 0.0),
        ("CosineAnnealingLR", {"eta_min": 0.01}, 0.01),
        ("LinearLR", {"start_factor": 1.0, "end_factor": 0.5}, 0.05),
        ("PolynomialLR", {"power": 2.0}, 0.0),
        ("StepLR", {"step_size": 2}, 1e-6),
        ("MultiStepLR", {"milestones": [3, 6]}, 0.001),
    ],
)
def test_schedules_take_the_length_of_the_training(name, options, last):
    optimizer, schedule = build(schedule=name, schedule_options=options, steps=10, learning_rate=0.1)
    for _ in range(10 if name != "onecycle" else 9):
        optimizer.step()
        schedule.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(last, abs=1e-6)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"optimizer": "adamm"}, "did you mean 'Adam'"),
        ({"schedule": "cosin"}, "did you mean 'cosine'"),
        ({"optimizer": "Optimizer"}, "torch has no 'Optimizer'"),
        ({"optimizer_options": {"momentun": 0.9}}, "momentun"),
        ({"schedule": "StepLR"}, "step_size"),
        ({"schedule": "LambdaLR"}, "lr_lambda"),
    ],
)
def test_a_wrong_name_or_option_is_named(settings, words):
    with pytest.raises(CropmineError, match=words):
        build(**settings)


def test_a_fused_optimizer_steps():
    optimizer, _ = build(optimizer="sgd", optimizer_options={"momentum": 0.9})
    (weight, _), *_ = (group["params"] for group in optimizer.param_groups)
    weight.grad = torch.ones_like(weight)
    before = weight.detach().clone()
    optimizer.step()
    assert (weight < before).all()
