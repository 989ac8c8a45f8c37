"""The check whether a machine has the disk and the memory for a region's run."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from cropmine.findings import Findings
from cropmine.resources import NEEDS, estimate_mb

BYTES_A_PIXEL = 4.0  # of the imagery: rasters, tables and mined polygons of the demo region take 3.6


def check_capacity(pixels: Iterable[int], channels: int, folder: Path, where: str, findings: Findings) -> None:
    """Warn where the folder's disk has less room than outputs will take, or the machine less memory than a job asks.

    pixels: of each tile. Only a warning: outputs may be there already, and jobs may run on other machines.
    """
    pixels = list(pixels)
    needed, free = sum(pixels) * BYTES_A_PIXEL, shutil.disk_usage(folder).free
    if needed > free:
        what = f"outputs will take about {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB of disk are free"
        findings.warn(where, what, "let fewer tiles train (training.tiles), or make room")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20
    asked = {rule: estimate_mb(rule, max(pixels, default=0), channels, 1) for rule in NEEDS}
    largest = max(asked, key=asked.get)
    if asked[largest] > memory:
        what = f"a job of {largest} asks for {asked[largest]:.0f} MB, and this machine has {memory:.0f} MB"
        findings.warn(where, what, "cut the tiles smaller (make tiles MOSAIC=… TILES=…), or run it on a larger machine")
