"""Paths of the workflow's files: one pattern a file, with the wildcards of the rule that makes it.

Paths start at the working directory. `str.format` puts names in the place of the wildcards, `fill` lists of names.
"""

import re
from collections.abc import Iterable
from functools import cache
from itertools import product
from pathlib import Path, PurePath

from cropmine.config.models import Model, Network, list_kinds

# What wildcards may be; regions, sweeps and transfers are those of the configuration.
WILDCARDS = {
    "tile": r"[A-Za-z0-9][A-Za-z0-9_.-]*",
    "segmentation": r"[A-Za-z0-9][A-Za-z0-9_]*",
    "weak": r"[A-Za-z0-9][A-Za-z0-9_]*",
    "thresholds": r"[a-z0-9_.]+",
    "recipe": r"(?!weak_map/)[A-Za-z0-9_.-]+",
    "fold": r"whole|fold\d+",
    "model": r"[A-Za-z0-9_]+",
    "run": r"seed\d+(_fold\d+)?",
    "labels": r"[A-Za-z0-9_]+",
    "source": r"[A-Za-z0-9_]+",
    "audit": r"[A-Za-z0-9_]+",  # segmentation and weak map; joined by an underscore, they can't be told apart
    "kind": "|".join(Path(kind.file).suffix[1:] for kind in list_kinds()),  # of a model's file
    "file": r"[^/]+",
}

RESULTS = "results"

# inputs
SIMULATED = "results/{region}/inputs"
SIMULATED_IMAGERY = f"{SIMULATED}/imagery/{{tile}}.tif"
SIMULATED_MASKS = f"{SIMULATED}/masks/{{tile}}.tif"
SIMULATED_WEAK = f"{SIMULATED}/weak.tif"
SIMULATED_WEAK_OTHER = f"{SIMULATED}/weak_other.tif"
SIMULATED_LABELS = f"{SIMULATED}/labels.gpkg"
TRUTH = f"{SIMULATED}/truth.tif"
VIRTUAL = "results/{region}/virtual/{source}.vrt"
CHECKS = "results/{region}/checks.json"
QUICKLOOKS = "results/{region}/checks.png"
FINDINGS = "results/{region}/logs/check_region.csv"
LABELS = "results/{region}/labels/labels.parquet"
SPLITS = "results/{region}/labels/splits.csv"
# mining
CODEBOOK = "results/{region}/codebooks/{segmentation}.json"
SEGMENTS = "results/{region}/segments/{segmentation}/{tile}.tif"
SHIFTS = "results/{region}/shifts/{segmentation}/{weak}/{tile}.npz"
REGISTRATION = "results/{region}/registrations/{segmentation}/{weak}.json"
REGISTRATION_EVIDENCE = "results/{region}/registrations/{segmentation}/{weak}.surfaces.json"
OVERLAP = "results/{region}/overlaps/{segmentation}/{weak}/{tile}.parquet"
MINED = "results/{region}/mined/{segmentation}/{weak}/{thresholds}/{tile}.parquet"
MASK = "results/{region}/masks/{fold}/{tile}.tif"
TARGET = "results/{region}/targets/{recipe}/{tile}.tif"
# training
RUN_FOLDER = "results/{region}/models/{recipe}/{model}/{run}"
RUN_FILE = f"{RUN_FOLDER}/{{file}}"
MODEL = f"{RUN_FOLDER}/{Network.file}"
HISTORY = f"{RUN_FOLDER}/history.csv"
WEIGHTS = f"{RUN_FOLDER}/model.safetensors"
TRANSFER_MODEL = "results/transfer/{transfer}/models/{target}/{labels}/{run}/model.ckpt"
TRANSFER_HISTORY = "results/transfer/{transfer}/models/{target}/{labels}/{run}/history.csv"
# scoring
SCORES = "results/{region}/scores/{recipe}/{model}/{run}.json"
WEAK_SCORES = "results/{region}/scores/weak_map/{weak}/{run}.json"
MAP_SCORES = "results/{region}/scores/map.json"
TRANSFER_SCORES = "results/transfer/{transfer}/scores/{target}/{labels}/{run}.json"
DISTANCES = "results/{region}/distances.json"
AUDIT = "results/{region}/audits/{segmentation}/{weak}.parquet"
AUDIT_SUMMARY = "results/{region}/audits/{segmentation}/{weak}.json"
EXPERIMENTS = "results/{region}/experiments.csv"
DIFFERENCES = "results/{region}/differences.csv"
SELECTED = "results/{region}/selected.json"
SWEEP = "results/{region}/sweeps/{sweep}.csv"
TRANSFER = "results/transfer/{transfer}.csv"
TRUTH_CHECK = "results/{region}/truth_check.csv"
# mapping
MODEL_CHECK = "results/{region}/model_check.json"
CHOSEN_MODEL = "results/{region}/map/models/{run}.{kind}"
MAP = "results/{region}/map/{tile}.tif"
MOSAIC = "results/{region}/map/cropland.vrt"
AREA = "results/{region}/map/area.json"
UNIT_AREAS = "results/{region}/map/area_by_unit.csv"
UNIT_LAYER = "results/{region}/map/area_by_unit.gpkg"
DELIVERY = "results/{region}/delivery/collection.json"
PROJECT = "results/{region}/qgis/{region}.qgz"
SAMPLE = "results/{region}/sample.json"
ACCURACY = "results/{region}/accuracy.csv"
UNIT_ACCURACY = "results/{region}/accuracy_by_unit.csv"
SUGGESTIONS = "results/{region}/suggestions.gpkg"
# reporting
AUDIT_FIGURE = "results/{region}/figures/audit_{audit}.png"
AUDIT_DRAWN = "results/{region}/figures/audit_{audit}.csv"
SWEEP_FIGURE = "results/{region}/figures/sweep_{sweep}.png"
SWEEP_DRAWN = "results/{region}/figures/sweep_{sweep}.csv"
TRANSFER_FIGURE = "results/transfer/figures/{transfer}.png"
TRANSFER_DRAWN = "results/transfer/figures/{transfer}.csv"
CARD = "results/{region}/model_card.md"
REPORT = "results/report.html"
RUN = "results/run.json"
KEPT = "results/kept.json"


def name_model(kind: type[Model]) -> str:
    """The pattern of the files of trained models of a kind."""
    return f"{RUN_FOLDER}/{kind.file}"


def fill(pattern: str, **names: Iterable[str]) -> list[str]:
    """List the paths of a pattern for lists of names of its wildcards, in all combinations."""
    return [pattern.format(**dict(zip(names, chosen, strict=True))) for chosen in product(*names.values())]


def locate(results: str | Path, pattern: str, **names: str) -> Path:
    """Fill a pattern with names, below a folder of results that may be elsewhere."""
    return Path(results, *PurePath(pattern.format(**names)).parts[1:])


def find(results: str | Path, pattern: str, **names: str) -> list[Path]:
    """List the files of a pattern below a folder of results, in order; `names` are those of some of its wildcards."""
    filled = pattern.format_map({name: names.get(name, "*") for name in re.findall(r"{(\w+)}", pattern)})
    return sorted(Path(results).glob(str(PurePath(*PurePath(filled).parts[1:]))))


def match(pattern: str, path: str) -> dict[str, str] | None:
    """Find the names in the place of a pattern's wildcards; None for a path that isn't one of it."""
    found = _compile(pattern).fullmatch(path)
    return found.groupdict() if found else None


@cache
def _compile(pattern: str) -> re.Pattern[str]:
    """A pattern as a regular expression; a name that comes again is the same one."""
    parts: list[str] = []
    seen: set[str] = set()
    for literal, name in re.findall(r"([^{]*)(?:{(\w+)})?", pattern):
        parts.append(re.escape(literal))
        if name:
            parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>{WILDCARDS.get(name, '[^/]+')})")
            seen.add(name)
    return re.compile("".join(parts))
