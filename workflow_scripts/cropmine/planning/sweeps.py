"""Sweeps: grids around a base experiment, expanded into experiments when the Snakefile is parsed."""

import json
import re
from collections.abc import Mapping
from itertools import product
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from cropmine.config.base import WEAK_MAP_MODEL
from cropmine.config.conflicts import check_experiment
from cropmine.config.experiments import Experiment
from cropmine.config.messages import describe_faults
from cropmine.config.registry import Kind
from cropmine.config.schema import Config
from cropmine.errors import CropmineError
from cropmine.planning.comparisons import ComparedPoint, Comparison, describe_runs, index_scores
from cropmine.planning.digests import digest_settings
from cropmine.planning.plans import GridPoint, Plan, choose_model
from cropmine.planning.recipes import choose_segmentation

Validated = TypeVar("Validated", bound=BaseModel)
PARTS = {"segmentation": "segmentations", "model": "models"}


def expand_sweeps(config: Config) -> tuple[Config, dict[str, list[GridPoint]]]:
    """Expand every sweep into its points.

    Gives the configuration with the segmentations and models that points derive from named ones, and the points by
    sweep. A derived part that equals a named one is that one. Raises CropmineError, with every fault, each once.
    """
    parts = {kind: dict(getattr(config, kind)) for kind in PARTS.values()}
    points: dict[str, list[GridPoint]] = {}
    faults: list[CropmineError] = []
    for name, sweep in config.sweeps.items():
        points[name] = []
        for values in product(*sweep.grid.values()):
            named = dict(zip(sweep.grid, values, strict=True))
            try:
                points[name].append(_make_point(config, sweep.base, named, parts, f"sweeps.{name}"))
            except CropmineError as error:
                faults += error.faults or [error]
    config = config.model_copy(update=parts)
    for name, made in points.items():
        for point in made:
            base = config.sweeps[name].base
            faults += check_experiment(f"sweeps.{name} at {point.name}", point.experiment, base, config)
    if faults:
        told: dict[tuple, CropmineError] = {}
        for fault in faults:  # the points of a sweep share most: the first one's place is enough
            told.setdefault((fault.where.split(" at ")[0], fault.what, fault.hint), fault)
        raise CropmineError.gather("sweeps", list(told.values()))
    return config, points


def _make_point(config: Config, base: str, values: dict, parts: dict[str, dict], where: str) -> GridPoint:
    name = " ".join(f"{key}={spell_value(value)}" for key, value in values.items())
    experiment = config.experiments[base].model_dump(mode="json")
    inner: dict[str, dict] = {part: {} for part in PARTS}
    for key, value in values.items():
        first, _, rest = key.partition(".")
        if first in PARTS and rest:
            inner[first][rest] = value
        else:
            _set_key(experiment, key, value, where)
    made = _validate(Experiment, experiment, f"{where} at {name}")
    for part, changes in inner.items():
        if changes:
            own = {"segmentation": choose_segmentation, "model": choose_model}[part](config, made)
            experiment[part] = _derive(parts[PARTS[part]], own, changes, f"{where}.grid", part)
    return GridPoint(name, values, _validate(Experiment, experiment, f"{where} at {name}"))


def _set_key(settings: dict, key: str, value: Any, where: str) -> None:
    """Set a dotted key, such as mined.cropland, of an experiment's settings."""
    first, _, rest = key.partition(".")
    known = [*Experiment.model_fields, "segmentation.…", "model.…"]
    if first not in Experiment.model_fields or (rest and first != "mined"):
        raise CropmineError(f"{where}.grid", f"there is no key {key!r}", f"an experiment's are {', '.join(known)}")
    if not rest:
        settings[key] = value
    else:
        settings[first] = (settings[first] or {}) | {rest: value}


def _derive(known: dict[str, Kind], own: str, changes: dict, where: str, part: str) -> str:
    """Name the part that changes make of a named one: another named one if it is equal, else a new one."""
    if own == WEAK_MAP_MODEL:
        raise CropmineError(where, f"the base has no {part} to change", "its model is the weak map itself")
    base = known[own]
    keys = list(dict.fromkeys(key for kind in base.registry.kinds.values() for key in kind.model_fields))
    for key in changes:
        if key not in keys:
            raise CropmineError(where, f"there is no key {part}.{key}", f"a {part}'s keys are {', '.join(keys)}")
    settings = {"method": base.name()} | base.model_dump(mode="json", exclude_defaults=True) | changes
    try:
        made = base.registry.validate(settings)
    except ValidationError as error:
        raise _explain(error, base.registry.find(settings) or type(base), settings, where) from None
    for name, other in known.items():
        if other == made:
            return name
    name = re.sub(r"[^A-Za-z0-9_]", "", "_".join([own, *(f"{k}{_spell_part(v)}" for k, v in sorted(changes.items()))]))
    if name in known:
        name += f"_{digest_settings(changes)}"
    known[name] = made
    return name


def _validate(model: type[Validated], settings: dict, where: str) -> Validated:
    try:
        return model.model_validate(settings)
    except ValidationError as error:
        raise _explain(error, model, settings, where) from None


def _explain(error: ValidationError, model: type[BaseModel], settings: dict, where: str) -> CropmineError:
    """What pydantic found wrong with settings, in the words of the model's fields."""
    faults = describe_faults(error, model, settings)
    return CropmineError.gather(
        where, [CropmineError(f"{where}: {fault.where}", fault.what, fault.hint) for fault in faults]
    )


def _spell_part(value: Any) -> str:
    return spell_value(value).replace(".", "p")


def spell_value(value: Any) -> str:
    """Spell a value of a grid as text: numbers shortly, a mapping as compact JSON, nothing as ""."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.12g}"
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def columns_of(point: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a point as cells of a table: numbers stay numbers, all else is spelled."""
    return {
        key: value if isinstance(value, int | float) and not isinstance(value, bool) else spell_value(value)
        for key, value in point.items()
    }


def describe_sweep(plan: Plan, config: Config, sweep: str) -> Comparison:
    """Describe the comparison of a sweep's grid points with its base, which comes first where it is none of them."""
    name, points = config.sweeps[sweep].base, plan.sweeps[sweep]
    own = plan.runs[name]
    places = index_scores(plan.score_path(run) for runs in (own, *(runs for _, runs in points)) for run in runs)
    rows = [
        ComparedPoint(
            **describe_runs(plan, config, point.name, point.experiment, runs, places), values=columns_of(point.values)
        )
        for point, runs in points
    ]
    same = next((point.name for point, runs in points if runs == own), None)
    if same is None:
        base = describe_runs(plan, config, name, plan.experiments[name], own, places)
        rows.insert(0, ComparedPoint(**base, values={}))
    return Comparison(tuple(rows), tuple(places), same or name)
