import json
import os
import re
import sys
from collections import Counter
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path

# Of this file, not of the main Snakefile: another workflow may use this one as a module.
SCRIPTS = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).resolve().parent / "workflow_scripts"
sys.path.insert(0, str(SCRIPTS))

from cropmine.geo.formats import confine_gdal
from cropmine.planning.slurm import find_misfits, read_accounts, read_limits
from cropmine.config.validation import validate_config
from cropmine.errors import CropmineError
from cropmine.planning.forecast import count_missing, read_seconds
from cropmine.inputs.neighbours import find_neighbours, read_places
from cropmine.planning.plans import (
    DRAWS,
    Run,
    choose_mined,
    describe_experiment,
    list_marks,
    list_seeds,
    list_shifts,
    plan_region,
)
from cropmine.planning.progress import Progress, ProgressHandler
from cropmine.planning.digests import digest_code, write_canonical
from cropmine.planning.recipes import describe_weak_map, list_registered, list_weak_files
from cropmine.planning.resources import USUAL_CHANNELS, USUAL_TILE_PX, estimate_mb, estimate_minutes
from cropmine.planning.map_stamps import DRAWN_WEAK, describe_map, describe_recipe
from cropmine.planning.sweeps import describe_sweep, expand_sweeps
from cropmine.planning.tiles import check_files
from cropmine.planning.transfers import describe_transfer, list_lessons
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger


def refuse(error):
    """A fault of the configuration, told by Snakemake without a traceback."""
    raise WorkflowError(str(error)) from None


def load_config():
    try:
        return expand_sweeps(validate_config(config))
    except CropmineError as error:
        refuse(error)


CONFIG, POINTS = load_config()
os.environ |= confine_gdal(CONFIG.model_dump(mode="json"))  # before GDAL starts, here and in every job
REGIONS = list(CONFIG.default_regions or CONFIG.regions)
SIMULATED = [name for name, region in CONFIG.regions.items() if region.simulate]
DEEP = [name for name, segmentation in CONFIG.segmentations.items() if segmentation.method == "deep"]
SHALLOW = [name for name in CONFIG.segmentations if name not in DEEP]


@cache
def plan(region):
    try:
        here = plan_region(region, CONFIG, POINTS)
        if region not in SIMULATED and workflow.is_main_process:
            check_files(region, here.region, here.files)
        return here
    except CropmineError as error:
        refuse(error)


def code(script, templates=None):
    """The digest of a rule's code, for its params; a function, since the process of one job needs no other rule's."""

    def digest(wildcards):
        return digest_code(SCRIPTS / f"{script}.py", SCRIPTS / templates if templates else None)

    return digest


include: "functions/resources.smk"
include: "functions/settings.smk"
include: "functions/gates.smk"
include: "functions/inputs.smk"
include: "functions/runs.smk"
include: "functions/maps.smk"
include: "functions/reports.smk"
include: "functions/transfers.smk"


# Targets that stop at a stage.


def stages():
    """The files of each target beside `all`, by its name; functions, since the process of one job needs none of them."""
    return {
        **dict.fromkeys(("check", "check_inputs"), [f"results/{region}/checks.json" for region in REGIONS]),
        "mine": lambda wildcards: [path for region in REGIONS for path in mined_polygons(region)],
        "train": lambda wildcards: [path for region in REGIONS for path in trained_models(region)],
        "map": lambda wildcards: [path for region in REGIONS for path in maps_wanted(region)],
        "report": ["results/report.html"],
        "sample": lambda wildcards: [f"results/{region}/sample.json" for region in REGIONS if plan(region).mapped],
        "suggest": lambda wildcards: [
            f"results/{region}/suggestions.gpkg" for region in REGIONS if plan(region).mapped
        ],
        **{f"sweep_{sweep}": lambda wildcards, sweep=sweep: sweep_figures(sweep) for sweep in CONFIG.sweeps},
        **{f"transfer_{name}": [f"results/transfer/figures/{name}.png"] for name in CONFIG.transfers},
    }
