"""Outputs that the configuration no longer names: listed, and removed if that is asked for.

Ask with ``python -m cropmine.planning.pruning [config.yaml] [--remove]``, or ``make prune``.
"""

import sys
from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path

from cropmine.config.base import WEAK_MAP_MODEL
from cropmine.config.schema import Config
from cropmine.errors import CropmineError
from cropmine.planning.forecast import read_plans
from cropmine.planning.plans import Plan

LOCKS = Path(".snakemake/locks")
REMOVE = "--remove"


def list_unnamed(plan: Plan, config: Config, folder: Path) -> list[Path]:
    """List the files of a region's folder that belong to a tile, segmentation, recipe, model or run of the past.

    Folders that grow with thresholds, tiles and trainings are looked at; samples, kept runs, logs and benchmarks are
    none of them, and neither are other regions, which another configuration may name.
    """
    unnamed = []
    for kind, (depth, names) in list_names(plan, config).items():
        top = folder / kind
        for path in sorted(one for one in top.rglob("*") if one.is_file()):
            parts = path.relative_to(top).parts
            if len(parts) < depth:
                continue  # a table or mosaic over all of them
            own = parts[:depth] if len(parts) > depth else (*parts[: depth - 1], path.stem)
            if own not in names:
                unnamed.append(path)
    return unnamed


def list_names(plan: Plan, config: Config) -> Mapping[str, tuple[int, set[tuple[str, ...]]]]:
    """List by folder how many steps of a path name an output, and the names that the configuration has."""
    segmentations, weak = list(config.segmentations), list(plan.region.weak)
    tiles, recipes = plan.training_tiles, list(plan.recipes)
    runs: set[tuple[str, ...]] = {(run.recipe or WEAK_MAP_MODEL, run.model, run.name) for run in plan.every_run}
    mined = [tuple(place.split("/")) for place in plan.mined]
    return {
        "codebooks": (1, {(name,) for name in segmentations}),
        "segments": (2, set(product(segmentations, tiles))),
        "shifts": (3, set(product(segmentations, weak, tiles))),
        "registrations": (2, set(product(segmentations, weak))),
        "overlaps": (3, set(product(segmentations, weak, tiles))),
        "audits": (2, set(product(segmentations, weak))),
        "mined": (4, {(*place, tile) for place, tile in product(mined, tiles)}),
        "masks": (2, set(product(list_folds(plan), plan.tiles))),
        "targets": (2, set(product(recipes, tiles))),
        "models": (3, runs),
        "scores": (3, runs),
        "sweeps": (1, {(name,) for name in config.sweeps}),
    }


def list_folds(plan: Plan) -> list[str]:
    """List the folders of masks: one for training on all blocks, and one a fold."""
    folds = {run.fold for run in plan.every_run if run.fold is not None}
    return ["whole", *(f"fold{fold}" for fold in sorted(folds))]


def render_unnamed(paths: Iterable[Path], results: Path) -> str:
    """Spell how many files of each folder aren't named any more, and how large they are."""
    counts: dict[str, list[int]] = {}
    for path in paths:
        region, kind = path.relative_to(results).parts[:2]
        counts.setdefault(f"{region}/{kind}", []).append(path.stat().st_size)
    lines = [f"{place:<32}{len(sizes):>8} files{sum(sizes) / 1e9:>10.3f} GB" for place, sizes in counts.items()]
    return "\n".join(lines) or "The configuration names every output."


def remove_files(paths: Iterable[Path], results: Path) -> None:
    """Remove files, and the folders that they leave empty."""
    for path in paths:
        path.unlink()
        for folder in path.parents:
            if folder == results or any(folder.iterdir()):
                break
            folder.rmdir()


def main(arguments: list[str]) -> None:
    """Print what the configuration no longer names; with --remove, remove it."""
    results = Path("results")
    named = [argument for argument in arguments if argument != REMOVE]
    try:
        if REMOVE in arguments and LOCKS.is_dir() and any(LOCKS.iterdir()):
            raise CropmineError(LOCKS, "a run is going on here", "wait for it; if none is, snakemake --unlock")
        config, plans = read_plans(named[0] if named else "config.yaml")
    except CropmineError as error:
        sys.exit(str(error))
    paths = [path for plan in plans.values() for path in list_unnamed(plan, config, results / plan.name)]
    print(render_unnamed(paths, results))
    if REMOVE in arguments:
        remove_files(paths, results)
        print(f"{len(paths)} files removed.")
    elif paths:
        print("Nothing is removed yet: make prune REMOVE=1 does it.")


if __name__ == "__main__":
    main(sys.argv[1:])
