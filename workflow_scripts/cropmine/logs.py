"""Logging of a rule: everything into its log file, and the line that explains a failure to the terminal as well."""

import logging
import os
import platform
import resource
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cropmine.errors import CropmineError
from cropmine.version import VERSION

PACKAGES = ("numpy", "rasterio", "geopandas", "sklearn", "torch", "segmentation_models_pytorch")


@contextmanager
def rule_log(snakemake: Any) -> Iterator[None]:
    """Send logging, warnings and an uncaught exception to the log file of a Snakemake job.

    The log opens with the rule, its wildcards, settings and versions and closes with the seconds and the memory that
    it took. A failure ends the process: its traceback is in the log, its last line on the terminal as well.
    """
    path = Path(snakemake.log[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=path,
        filemode="a" if "LOCAL_RANK" in os.environ else "w",  # a training's further processes write behind the first
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,
    )
    logging.captureWarnings(True)
    # A line for each of the skipped drivers that this build of GDAL lacks anyway.
    logging.getLogger("rasterio._env").addFilter(lambda record: "GDAL_SKIP" not in record.getMessage())
    log = logging.getLogger(snakemake.rule)
    log.info("wildcards %s, settings %s", dict(snakemake.wildcards), snakemake.params.get("settings", "{}"))
    log.info("%s", ", ".join(list_versions()))
    start = time.perf_counter()
    try:
        yield
    except Exception as error:  # noqa: BLE001 (logged whole, then the process ends)
        log.error("%s", traceback.format_exc())
        text = str(error) if isinstance(error, CropmineError) else f"{type(error).__name__}: {error}"
        print(f"{snakemake.rule}: {text} (log: {', '.join(map(str, snakemake.log))})", file=sys.stderr)
        sys.exit(1)
    finally:
        log.info("%.2f s, at most %.0f MB of memory", time.perf_counter() - start, measure_peak())


def measure_peak() -> float:
    """The most memory that this process has held so far, MB."""
    status = Path("/proc/self/status")
    if status.exists():  # there, getrusage begins with the peak of the process that started this one
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def list_versions() -> list[str]:
    """The versions of cropmine, of Python and of the packages that a script has imported."""
    loaded = {name: getattr(sys.modules.get(name), "__version__", None) for name in PACKAGES}
    return [
        f"cropmine {VERSION}",
        f"Python {platform.python_version()}",
        *(f"{name} {version}" for name, version in loaded.items() if version),
    ]
