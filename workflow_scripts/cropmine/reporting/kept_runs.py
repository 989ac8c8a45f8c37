"""Runs of the workflow that are kept: what they were made by and what came out, under a name that is never reused."""

import shutil
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path, PurePath

from cropmine.errors import CropmineError
from cropmine.files import link_file
from cropmine.planning import paths
from cropmine.planning.digests import write_canonical
from cropmine.tables import read_json, write_json

RUNS = "runs"
RUN = PurePath(paths.RUN).name
TABLES = (paths.EXPERIMENTS, paths.SELECTED, paths.CARD, paths.LABELS, paths.AREA)
OPTIONAL = (paths.UNIT_AREAS, paths.ACCURACY, paths.UNIT_ACCURACY)
RASTERS = "*.tif"  # of the delivery


def keep_run(results: str | Path, name: str, regions: Sequence[str]) -> Path:
    """Keep the present results of regions in runs/{name}-{8 hex digits}; returns the folder.

    The digits are of the configuration, of tables, labels and rasters: other results get a folder of their own, and
    equal ones are kept once. Rasters are linked where the file system can, else copied. results: the folder of results,
    with run.json in it.
    """
    results = Path(results)
    files = {path.relative_to(results): path for region in regions for path in _list_files(results, region)}
    digest = sha256(write_canonical(read_json(results / RUN)["config"]).encode())
    for relative, path in sorted(files.items()):
        digest.update(f"{relative} {sha256(path.read_bytes()).hexdigest()}".encode())
    kept = results / RUNS / f"{name}-{digest.hexdigest()[:8]}"
    if kept.exists():
        return kept
    scratch = kept.with_name(f".{kept.name}.unfinished")
    shutil.rmtree(scratch, ignore_errors=True)
    for relative, path in sorted(files.items()):
        target = scratch / relative.parts[0] / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        (link_file if path.suffix == ".tif" else shutil.copyfile)(path, target)
    scratch.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(results / RUN, scratch / RUN)
    scratch.rename(kept)
    return kept


def _list_files(results: Path, region: str) -> list[Path]:
    tables = [paths.locate(results, pattern, region=region) for pattern in (*TABLES, *OPTIONAL)]
    delivery = paths.locate(results, paths.DELIVERY, region=region).parent
    return [path for path in (*tables, *sorted(delivery.glob(RASTERS))) if path.exists()]


def write_pointer(path: str | Path, kept: Path) -> None:
    """Write where the present results are kept."""
    write_json(path, {"run": kept.name, "folder": str(kept)})


def find_run(results: str | Path, name: str) -> Path:
    """Find a kept run by its name or by how its name begins, if only one does.

    Raises CropmineError, with the names of those that are kept.
    """
    folder = Path(results) / RUNS
    kept = sorted(path for path in folder.glob("*") if (path / RUN).exists())
    found = [path for path in kept if path.name == name] or [path for path in kept if path.name.startswith(name)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(path.name for path in kept) or "none"
    what = f"{len(found)} kept runs begin with {name!r}" if found else f"no run is kept whose name begins with {name!r}"
    raise CropmineError(folder, what, f"kept are: {known}")


def read_run(folder: Path) -> Mapping:
    """Read the run.json of a kept run."""
    return read_json(folder / RUN)
