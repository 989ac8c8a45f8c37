# Resources: what a job asks of a cluster, from the verdict of check_region; before there is one, from a usual tile.


def memory(rule):
    """The memory of a rule's jobs, MB, for its resources; no more than the largest node of the cluster has."""

    def estimate(wildcards, attempt):
        asked = estimate_mb(rule, *size_tiles(wildcards), attempt)
        return min(asked, limits().mb) if on_cluster() else asked

    return estimate


def minutes(rule):
    """The time limit of a rule's jobs, minutes, for its resources; no more than the cluster gives."""

    def estimate(wildcards, attempt):
        asked = estimate_minutes(rule, size_tiles(wildcards)[0], attempt)
        longest = limits().longest(default_resource("slurm_partition")) if on_cluster() else None
        return asked if longest is None else min(asked, longest)

    return estimate


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


def show_progress():
    """Tell the progress of a run by phase, which are the files that rules are in."""
    phases = {rule.name: Path(rule.snakefile).stem for rule in workflow.rules if rule.output}
    slots = workflow.nodes if on_cluster() else workflow.cores
    past = cache(lambda rule: read_seconds(Path("results"), rule, most=100))
    logger.addHandler(ProgressHandler(logger, Progress(phases, slots or 1, past), count_left))


def count_left():
    """The jobs left by rule: those that are planned, or, behind a gate that isn't passed, those without an output."""
    left = Counter(job.rule.name for job in workflow.dag.needrun_jobs())
    if any(step.name == "all" for step in workflow.dag.targetrules):
        left |= count_missing([plan(region) for region in REGIONS], CONFIG, Path("results"))
    return left


def size_tiles(wildcards):
    """Pixels of the largest tile of a job's region, of all regions if it has none, and the channels of its imagery."""
    regions = [wildcards.region] if "region" in wildcards.keys() else REGIONS
    sizes = [read_sizes(region, changed_at(f"results/{region}/checks.json")) for region in regions]
    return max(pixels for pixels, _ in sizes), max(channels for _, channels in sizes)


def changed_at(path):
    return Path(path).stat().st_mtime_ns if Path(path).exists() else None


@cache
def read_sizes(region, stamped):
    if stamped is None:
        return USUAL_TILE_PX, USUAL_CHANNELS
    verdict = json.loads(Path(f"results/{region}/checks.json").read_text())
    return max(place["width"] * place["height"] for place in verdict["places"].values()), verdict["channels"]
