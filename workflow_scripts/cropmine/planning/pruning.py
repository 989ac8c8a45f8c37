"""Outputs that the configuration no longer names: listing and removing them."""

from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path, PurePath

from cropmine.config.schema import Config
from cropmine.errors import CropmineError
from cropmine.planning import paths
from cropmine.planning.forecast import read_plans
from cropmine.planning.plans import Plan

LOCKS = Path(".snakemake/locks")
UNLISTED = ("region", "file")
Names = set[tuple[str, ...]]


def find_unnamed(path: str | Path) -> list[Path]:
    """Find the files that the configuration in a file no longer names, in all of its regions.

    Raises CropmineError if it isn't a configuration that can be planned.
    """
    config, plans = read_plans(path)
    return [file for plan in plans.values() for file in list_unnamed(plan, config)]


def refuse_locked() -> None:
    """Raise CropmineError while Snakemake runs in the working directory."""
    if LOCKS.is_dir() and any(LOCKS.iterdir()):
        raise CropmineError(LOCKS, "a run is under way here", "wait for it; if none is, snakemake --unlock")


def list_unnamed(plan: Plan, config: Config) -> list[Path]:
    """List the files of a region that belong to a tile, segmentation, recipe, model or run of the past.

    Folders that grow with thresholds, tiles and trainings are looked at; samples, kept runs, logs and benchmarks are
    none of them, and neither are other regions, which another configuration may name.
    """
    kept = list_names(plan, config)
    folders = dict.fromkeys(PurePath(pattern).parts[2] for pattern in kept)
    files = [path for folder in folders for path in sorted(Path(paths.RESULTS, plan.name, folder).rglob("*"))]
    return [path for path in files if path.is_file() and not _is_named(str(path), kept)]


def _is_named(path: str, kept: Mapping[str, Names]) -> bool:
    """Whether a path is of a pattern whose names are kept."""
    for pattern, names in kept.items():
        found = paths.match(pattern, path)
        if found and tuple(name for wildcard, name in found.items() if wildcard not in UNLISTED) in names:
            return True
    return False


def list_names(plan: Plan, config: Config) -> dict[str, Names]:
    """List by pattern the names that the configuration has for its wildcards, other than region and file."""
    segmentations, weak = list(config.segmentations), list(plan.region.weak)
    tiles, recipes = plan.training_tiles, list(plan.recipes)
    runs: Names = {(run.recipe, run.model, run.name) for run in plan.every_run if run.recipe}
    weak_runs: Names = {(run.model, run.name) for run in plan.every_run if not run.recipe}
    mined = [(own.segmentation, own.weak, own.thresholds) for own in plan.mined]
    by_map: Names = set(product(segmentations, weak))
    return {
        paths.CODEBOOK: {(name,) for name in segmentations},
        paths.SEGMENTS: set(product(segmentations, tiles)),
        paths.SHIFTS: set(product(segmentations, weak, tiles)),
        paths.REGISTRATION: by_map,
        paths.REGISTRATION_EVIDENCE: by_map,
        paths.OVERLAP: set(product(segmentations, weak, tiles)),
        paths.MINED: {(*own, tile) for own, tile in product(mined, tiles)},
        paths.MASK: set(product(list_folds(plan), plan.tiles)),
        paths.TARGET: set(product(recipes, tiles)),
        paths.RUN_FILE: runs,
        paths.SCORES: runs,
        paths.WEAK_SCORES: weak_runs,
        paths.MAP_SCORES: {()},
        paths.AUDIT: by_map,
        paths.AUDIT_SUMMARY: by_map,
        paths.SWEEP: {(name,) for name in config.sweeps},
    }


def list_folds(plan: Plan) -> list[str]:
    """List the folders of masks: one for training on all blocks, and one a fold."""
    folds = {run.fold for run in plan.every_run if run.fold is not None}
    return ["whole", *(f"fold{fold}" for fold in sorted(folds))]


def render_unnamed(files: Iterable[Path]) -> str:
    """Spell how many files of each folder aren't named any more, and how large they are."""
    counts: dict[str, list[int]] = {}
    for path in files:
        _, region, kind = path.parts[:3]
        counts.setdefault(f"{region}/{kind}", []).append(path.stat().st_size)
    lines = [f"{place:<32}{len(sizes):>8} files{sum(sizes) / 1e9:>10.3f} GB" for place, sizes in counts.items()]
    return "\n".join(lines) or "The configuration names every output."


def remove_files(files: Iterable[Path]) -> None:
    """Remove files of the results, and the folders that they leave empty."""
    for path in files:
        path.unlink()
        for folder in path.parents:
            if folder == Path(paths.RESULTS) or any(folder.iterdir()):
                break
            folder.rmdir()
