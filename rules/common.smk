import os
import re
import sys
from collections import Counter
from dataclasses import asdict, replace
from functools import cache, wraps
from hashlib import sha256
from pathlib import Path

# Of this file, not of the main Snakefile: another workflow may use this one as a module.
SCRIPTS = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).resolve().parent / "workflow_scripts"
sys.path.insert(0, str(SCRIPTS))

from cropmine.config.models import MODELS, Fusion, find_kind_of_file, list_kinds
from cropmine.config.validation import validate_config
from cropmine.errors import CropmineError
from cropmine.geo.gdal import confine_gdal
from cropmine.inputs.checks.verdicts import read_verdict
from cropmine.inputs.neighbours import find_neighbours
from cropmine.planning import paths
from cropmine.planning.comparisons import describe_experiments
from cropmine.planning.digests import digest_code, write_canonical
from cropmine.planning.forecast import count_missing, read_seconds
from cropmine.planning.map_stamps import DRAWN_WEAK, describe_contents, stamp_map
from cropmine.planning.plans import DRAWS, choose_mined, list_marks, list_seeds, list_shifts, plan_region
from cropmine.planning.progress import Progress, ProgressHandler
from cropmine.planning.recipes import find_weak_source, list_registered
from cropmine.planning.resources import USUAL_CHANNELS, USUAL_TILE_PX, estimate_mb, estimate_minutes
from cropmine.planning.runs import FUSED
from cropmine.planning.slurm import find_misfits, read_accounts, read_limits
from cropmine.planning.sweeps import describe_sweep, expand_sweeps
from cropmine.planning.tiles import check_files
from cropmine.planning.transfers import describe_transfer, list_transfer_runs
from cropmine.reporting.report_files import (
    AuditFiles,
    FigureFiles,
    RegionFiles,
    ReportRegion,
    ReportSettings,
    ShiftFile,
    WeakFiles,
    dump_settings,
)
from cropmine.tables import read_json
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
DEEP = [name for name, segmentation in CONFIG.segmentations.items() if segmentation.network_of is not None]
SHALLOW = [name for name in CONFIG.segmentations if name not in DEEP]
CLASSIFIERS = [kind for kind in MODELS.kinds.values() if not kind.is_network]


@cache
def plan(region):
    try:
        here = plan_region(region, CONFIG, POINTS)
        if region not in SIMULATED and workflow.is_main_process:
            check_files(region, here.region, here.files)
        return here
    except CropmineError as error:
        refuse(error)


def settle_process():
    """The main process plans all regions, so that it reports their faults at once. The process of one job, as on a
    cluster, was planned by the main one: to it checkpoints are plain rules, or it would plan all jobs before it again.
    """
    if workflow.is_main_process:
        for region in REGIONS:
            plan(region)
    else:
        for step in workflow.rules:
            step.is_checkpoint = False


def pass_gate(gate, region, **further):
    """Wait for a checkpoint: what follows it is planned when it is done."""
    if workflow.is_main_process:
        getattr(checkpoints, gate).get(region=region, **further)


# Params of the rules.


def canonical(settings):
    """Make a function of settings, the keys of the configuration that a rule reads, return canonical JSON."""

    @wraps(settings)
    def write(wildcards):
        return write_canonical(settings(wildcards))

    return write


def code(script, templates=None, by_name=None):
    """The digest of a rule's code, for its params; a function, since the process of one job needs no other rule's.

    by_name: gives for the wildcards the modules that the script imports by a name from a registry.
    """

    def digest(wildcards):
        names = tuple(by_name(wildcards)) if by_name else ()
        return digest_code(SCRIPTS / f"{script}.py", SCRIPTS / templates if templates else None, names)

    return digest


def readers_of(models):
    """The modules that read the trained models which an input function names; a fusion may hold any kind of model."""

    def list_modules(wildcards):
        files = models(wildcards)
        kinds = [find_kind_of_file(path) for path in ([files] if isinstance(files, str) else files)]
        return [kind.module for kind in (list_kinds() if Fusion in kinds else kinds)]

    return list_modules


# Resources: what a job asks of a cluster, by the size of its tile.


def memory(wildcards, attempt, rulename):
    """The memory of a job, MB; no more than the largest node of the cluster has."""
    asked = estimate_mb(rulename, *size_tiles(wildcards), attempt)
    return min(asked, limits().mb) if on_cluster() else asked


def minutes(wildcards, attempt, rulename):
    """The time limit of a job, minutes; no more than the cluster gives."""
    asked = estimate_minutes(rulename, size_tiles(wildcards)[0], attempt)
    longest = limits().longest(default_resource("slurm_partition")) if on_cluster() else None
    return asked if longest is None else min(asked, longest)


def size_tiles(wildcards):
    """Pixels of the largest tile of a job's region, or of all regions if it has none, and channels of its imagery."""
    regions = [wildcards.region] if "region" in wildcards.keys() else REGIONS
    sizes = [read_size(path, changed_at(path)) for path in collect(paths.CHECKS, region=regions)]
    return max(pixels for pixels, _ in sizes), max(channels for _, channels in sizes)


@cache
def read_size(path, changed):
    """Usual sizes as long as there is no verdict, or one that an earlier version wrote, which is made again."""
    try:
        verdict = read_verdict(path) if changed else None
    except CropmineError:
        verdict = None
    return (verdict.largest_px, verdict.channels) if verdict else (USUAL_TILE_PX, USUAL_CHANNELS)


def changed_at(path):
    return Path(path).stat().st_mtime_ns if Path(path).exists() else None


def on_cluster():
    return workflow.executor_plugin is not None and workflow.executor_plugin.name == "slurm"


@cache
def limits():
    try:
        return read_limits()
    except CropmineError as error:
        refuse(error)


def default_resource(name):
    return plain_resources(workflow.resource_settings.default_resources).get(name)


def plain_resources(resources):
    """Resources of a profile as numbers and words; those that are expressions are left out."""
    raw = {name: resource.raw for name, resource in resources.items()}
    return {
        name: int(value) if str(value).isdigit() else value
        for name, value in raw.items()
        if re.fullmatch(r"[\w-]+", str(value))
    }


def check_cluster():
    """Say before the first job what the cluster would refuse, or let wait for ever."""
    if not on_cluster():
        return
    common = plain_resources(workflow.resource_settings.default_resources)
    rules = {rule: plain_resources(asked) for rule, asked in workflow.resource_settings.overwrite_resources.items()}
    try:
        if faults := find_misfits(limits(), common, rules, read_accounts()):
            raise CropmineError.gather("profiles/slurm", faults)
    except CropmineError as error:
        refuse(error)


# Progress.


def show_progress():
    """Tell the progress of a run by phase, which are the files that rules are in."""
    phases = {rule.name: Path(rule.snakefile).stem for rule in workflow.rules if rule.output}
    slots = workflow.nodes if on_cluster() else workflow.cores
    past = cache(lambda rule: read_seconds(rule, most=100))
    logger.addHandler(ProgressHandler(logger, Progress(phases, slots or 1, past), count_left))


def count_left():
    """The jobs left by rule: those that are planned, or, behind a gate that isn't passed, those without an output."""
    left = Counter(job.rule.name for job in workflow.dag.needrun_jobs())
    if any(step.name == "all" for step in workflow.dag.targetrules):
        left |= count_missing([plan(region) for region in REGIONS], CONFIG)
    return left


include: "functions/inputs.smk"
include: "functions/mining.smk"
include: "functions/training.smk"
include: "functions/scoring.smk"
include: "functions/mapping.smk"
include: "functions/reporting.smk"


# Targets that stop at a stage.


def stages():
    """The files of each target other than `all`, by its name; functions, since the process of one job needs none."""
    checks = collect(paths.CHECKS, region=REGIONS)
    return {
        "check": checks,
        "check_inputs": checks,
        "mine": lambda wildcards: [path for region in REGIONS for path in mined_polygons(region)],
        "train": lambda wildcards: [path for region in REGIONS for path in trained_models(region)],
        "map": lambda wildcards: [path for region in REGIONS for path in wanted_maps(region)],
        "report": [paths.REPORT],
        "sample": lambda wildcards: collect(paths.SAMPLE, region=mapped_regions()),
        "suggest": lambda wildcards: collect(paths.SUGGESTIONS, region=mapped_regions()),
        **{f"sweep_{sweep}": lambda wildcards, sweep=sweep: sweep_figures(sweep) for sweep in CONFIG.sweeps},
        **{f"transfer_{name}": [paths.TRANSFER_FIGURE.format(transfer=name)] for name in CONFIG.transfers},
    }
