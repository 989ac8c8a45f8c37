"""What was run: configuration, versions, hours by rule, and how often the test labels were scored."""

import csv
import platform
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cropmine.inputs.checks.verdicts import read_verdict
from cropmine.planning import paths
from cropmine.scoring.score_files import read_scores
from cropmine.version import VERSION

PACKAGES = ("snakemake", "numpy", "rasterio", "geopandas", "scikit-learn", "torch", "segmentation-models-pytorch")


def count_test_scorings(results: Path, region: str) -> int:
    """Count the trained models and weak maps that were scored on a region's test labels, by their files of scores.

    Those of earlier settings count as well, as long as their files are kept, since somebody has seen their scores.
    """
    files = paths.find(results, paths.SCORES, region=region) + paths.find(results, paths.TRANSFER_SCORES, target=region)
    return sum(any(piece["split"] == "test" for piece in read_scores(path)) for path in files)


def tally_jobs(folders: Iterable[Path]) -> tuple[dict[str, int], dict[str, float]]:
    """Count past jobs and sum their hours by rule, from folders of benchmarks with a file or a folder for each rule."""
    jobs: Counter[str] = Counter()
    seconds: defaultdict[str, float] = defaultdict(float)
    for folder in folders:
        for path in sorted(folder.rglob("*.tsv")):
            rule = path.relative_to(folder).parts[0].removesuffix(".tsv")
            jobs[rule] += 1
            with path.open(newline="") as file:
                seconds[rule] += sum(float(row["s"]) for row in csv.DictReader(file, delimiter="\t"))
    return dict(sorted(jobs.items())), {rule: round(total / 3600, 4) for rule, total in sorted(seconds.items())}


def describe_run(results: Path, regions: Iterable[str], config: dict, repository: Path) -> dict:
    """Describe what is in a folder of results, and what made it."""
    jobs, hours = tally_jobs([results / name / "benchmarks" for name in ("", "transfer", *regions)])
    return {
        "cropmine": VERSION,
        "commit": _read_commit(repository),
        "python": platform.python_version(),
        "packages": {package: found for package in PACKAGES if (found := _find_version(package))},
        "jobs": jobs,
        "hours": hours,
        "regions": {region: _count_region(results, region) for region in regions},
        "config": config,
    }


def _count_region(results: Path, region: str) -> dict:
    verdict = read_verdict(paths.locate(results, paths.CHECKS, region=region))
    return {
        "tiles": len(verdict.tiles),
        "labelled_tiles": len(verdict.labelled),
        "labels": verdict.labels,
        "test_scorings": count_test_scorings(results, region),
    }


def _find_version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _read_commit(repository: Path) -> str | None:
    """The commit that is checked out, with a plus sign if files differ from it; None outside a repository."""
    try:
        commit = _ask_git(repository, "rev-parse", "HEAD")
        return commit + ("+" if _ask_git(repository, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _ask_git(repository: Path, *arguments: str) -> str:
    command = ["git", "-C", str(repository), *arguments]
    done = subprocess.run(command, capture_output=True, check=True, text=True)  # noqa: S603  # nosec B603 # no shell, no user data
    return done.stdout.strip()
