"""Logging of a rule: everything into its log file, the line that explains a failure to the terminal, too."""

import logging
import os
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cropmine.errors import CropmineError


@contextmanager
def rule_log(snakemake) -> Iterator[None]:
    """Send logging, warnings and an uncaught exception to the log file of a Snakemake job.

    The log opens with the rule, its wildcards and settings and closes with the seconds that it took. A failure
    ends the process: its traceback is in the log, its last line on the terminal as well.
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
    log = logging.getLogger(snakemake.rule)
    log.info("wildcards %s, settings %s", dict(snakemake.wildcards), snakemake.params.get("settings", "{}"))
    start = time.perf_counter()
    try:
        yield
    except Exception as error:  # noqa: BLE001 (logged whole, then the process ends)
        log.error("%s", traceback.format_exc())
        text = str(error) if isinstance(error, CropmineError) else f"{type(error).__name__}: {error}"
        print(f"{snakemake.rule}: {text} (log: {path})", file=sys.stderr)
        sys.exit(1)
    log.info("done in %.2f s", time.perf_counter() - start)
