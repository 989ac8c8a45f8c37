"""Optimisers and schedules of the learning rate, by their names in torch."""

import inspect
from collections.abc import Iterable
from types import ModuleType

from torch import nn, optim
from torch.optim import lr_scheduler

from cropmine.config.models import Network
from cropmine.errors import CropmineError, hint_at

# Short names of schedules, and the options that make them what they are called.
SCHEDULES = {
    "constant": ("ConstantLR", {"factor": 1.0}),
    "cosine": ("CosineAnnealingLR", {}),
    "onecycle": ("OneCycleLR", {}),
}
# Whatever a schedule calls its length, it is that of the training.
LENGTHS = ("T_max", "total_steps", "total_iters")


def build_optimizer(parameters: Iterable[nn.Parameter], model: Network) -> optim.Optimizer:
    """Build the optimiser that a model's settings name. Raises CropmineError for a name or options that it hasn't."""
    made = _find(optim, optim.Optimizer, model.optimizer, "optimizer")
    options = {"lr": model.learning_rate} | model.optimizer_options
    if "fused" in inspect.signature(made).parameters:
        options = {"fused": True} | options
    try:
        return made(parameters, **options)
    except (TypeError, ValueError, RuntimeError) as error:
        raise CropmineError("models.optimizer_options", f"{made.__name__} refuses them: {error}") from error


def build_schedule(optimizer: optim.Optimizer, model: Network) -> lr_scheduler.LRScheduler:
    """Build the schedule over the steps that a model's settings name. Raises CropmineError as build_optimizer does."""
    name, options = SCHEDULES.get(model.schedule.lower(), (model.schedule, {}))
    made = _find(lr_scheduler, lr_scheduler.LRScheduler, name, "schedule")
    known = inspect.signature(made).parameters
    options = options | {key: model.steps for key in LENGTHS if key in known}
    options |= {"max_lr": model.learning_rate} if "max_lr" in known else {}
    try:
        return made(optimizer, **options | model.schedule_options)
    except (TypeError, ValueError) as error:
        hint = "give what it needs as schedule_options"
        raise CropmineError("models.schedule", f"{made.__name__} can't be built: {error}", hint) from error


def _find(module: ModuleType, kind: type, name: str, key: str) -> type:
    made = {
        found.lower(): value
        for found, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, kind) and value is not kind and not found.startswith("_")
    }
    if name.lower() not in made:
        known = [value.__name__ for value in made.values()]
        raise CropmineError(f"models.{key}", f"torch has no {name!r}", hint_at(name, [*known, *SCHEDULES]))
    return made[name.lower()]
