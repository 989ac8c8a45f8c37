def audits(region):
    """The files of a region's audits by segmentation and weak map: those that mined labels are drawn from."""
    pairs = plan(region).mined_from if plan(region).region.labels else []
    return {
        f"{segmentation}/{weak}": {
            "table": paths.AUDIT.format(region=region, segmentation=segmentation, weak=weak),
            "summary": paths.AUDIT_SUMMARY.format(region=region, segmentation=segmentation, weak=weak),
            "figure": paths.AUDIT_FIGURE.format(region=region, audit=f"{segmentation}_{weak}"),
        }
        for segmentation, weak in pairs
    }


def sweep_figures(sweep):
    """The figures of a sweep in the regions that run its base."""
    return collect(paths.SWEEP_FIGURE, region=[name for name in REGIONS if sweep in plan(name).sweeps], sweep=sweep)


def finished(files):
    """Those of some tables and figures, by name, that were made: a report shows them, but doesn't make them.

    They are no inputs, so that `all` trains nothing for them; the digest in the settings changes with the table.
    """
    return {
        name: own | {"digest": sha256(Path(own["table"]).read_bytes()).hexdigest()[:16]}
        for name, own in files.items()
        if Path(own["table"]).exists() and Path(own["figure"]).exists()
    }


def finished_sweeps(region):
    return finished(
        {
            sweep: {
                "table": paths.SWEEP.format(region=region, sweep=sweep),
                "figure": paths.SWEEP_FIGURE.format(region=region, sweep=sweep),
            }
            for sweep in plan(region).sweeps
        }
    )


def finished_transfers():
    return finished(
        {
            name: {
                "table": paths.TRANSFER.format(transfer=name),
                "figure": paths.TRANSFER_FIGURE.format(transfer=name),
            }
            for name in CONFIG.transfers
        }
    )


def report_files(region):
    """The files of a region that the report reads, by what they are; None where the region has no such file."""
    here = plan(region)
    scored, mapped = bool(here.experiments), here.mapped
    segmentation, weak = next(iter(here.mined_from), (None, None))

    def only(condition, pattern):
        return pattern.format(region=region) if condition else None

    def by_tile(pattern):
        names = {"region": region, "segmentation": segmentation, "weak": weak}
        return {tile: pattern.format(**names, tile=tile) for tile in here.training_tiles if weak}

    return {
        "experiments": only(scored, paths.EXPERIMENTS),
        "differences": only(scored, paths.DIFFERENCES),
        "selected": only(scored, paths.SELECTED),
        "map_scores": only(mapped and here.region.labels, paths.MAP_SCORES),
        "area": only(mapped, paths.AREA),
        "accuracy": only(mapped and here.region.sample, paths.ACCURACY),
        "labels": only(here.region.labels, paths.LABELS),
        "splits": only(here.region.labels, paths.SPLITS),
        "truth_check": only(here.trained and here.region.simulate, paths.TRUTH_CHECK),
        "maps": collect(paths.MAP, region=region, tile=here.tiles) if mapped else [],
        "images": {tile: files["images"] for tile, files in here.files.items()},
        "segments": by_tile(paths.SEGMENTS),
        "overlaps": by_tile(paths.OVERLAP),
        "mined": here.mined[0].settings if here.mined else None,
        "weak": (
            {
                "name": weak,
                "paths": find_weak_source(here.region, weak).files,
                "settings": weak_settings(region, weak),
                "registrations": registration_paths(region, weak, segmentation),
            }
            if weak
            else None
        ),
        "checks": only(True, paths.CHECKS),
        "quicklooks": only(True, paths.QUICKLOOKS),
        "audits": audits(region),
        "registrations": {
            f"{segmentation}/{weak}": paths.REGISTRATION_EVIDENCE.format(
                region=region, segmentation=segmentation, weak=weak
            )
            for segmentation, weak in here.registered
        },
        "distances": only(here.trained, paths.DISTANCES),
        "sweeps": finished_sweeps(region),
    }


# What rules of this phase read.


def draw_audit_inputs(wildcards):
    figure = paths.AUDIT_FIGURE.format(**wildcards)
    audit = next(files for files in audits(wildcards.region).values() if files["figure"] == figure)
    return {name: audit[name] for name in ("table", "summary")}


@canonical
def draw_sweep_settings(wildcards):
    return {"sweep": wildcards.sweep, "grid": CONFIG.sweeps[wildcards.sweep].model_dump(mode="json")["grid"]}


def write_card_weights(wildcards):
    """The exported weights of the networks that make the map; a forest's file holds no pickle anyway."""
    here = plan(wildcards.region)
    runs = here.final_runs[selected(wildcards.region)["experiment"]]
    networks = [run for run in runs if not here.trains_forest(run)]
    return [
        paths.WEIGHTS.format(region=here.name, recipe=run.recipe, model=run.model, run=run.name) for run in networks
    ]


def write_card_accuracy(wildcards):
    return assessments(wildcards.region)[:1]


@canonical
def write_card_settings(wildcards):
    here = plan(wildcards.region)
    runs = here.final_runs[selected(wildcards.region)["experiment"]]
    contents = describe_contents(here, CONFIG, selected(wildcards.region)["experiment"], runs)
    return stamp_settings(wildcards.region) | {"contents": asdict(contents)}


def describe_run_inputs(wildcards):
    """What the run leaves when it is done: verdicts, tables of experiments and maps."""
    compared = [region for region in REGIONS if plan(region).experiments]
    tables = collect(paths.CHECKS, region=REGIONS) + collect(paths.EXPERIMENTS, region=compared)
    return tables + [path for region in REGIONS for path in wanted_maps(region)]


@canonical
def describe_run_settings(wildcards):
    config = CONFIG.model_dump(mode="json", exclude_defaults=True, exclude={"report"})
    return {"regions": REGIONS, "config": config}


def build_report_inputs(wildcards):
    files = [paths.RUN]
    for region in REGIONS:
        pass_gates(region)
        own = report_files(region)
        for value in own.values():
            if isinstance(value, str):
                files.append(value)
            elif isinstance(value, list):
                files += value
        files += [path for audit in own["audits"].values() for path in audit.values()]
        files += own["registrations"].values()
        for segmentation, weak in plan(region).registered:
            files += registration_paths(region, weak, segmentation)
        for key in ("images", "segments", "overlaps"):
            for value in own[key].values():
                files += value if isinstance(value, list) else [value]
        files += (own["weak"]["paths"] if own["weak"] else []) + mined_polygons(region)
    return list(dict.fromkeys(files))


@canonical
def build_report_settings(wildcards):
    regions = []
    for region in REGIONS:
        here = plan(region)
        labels = here.region.labels
        regions.append(
            {
                "name": region,
                "definition": labels.definition if labels else None,
                "tiles": here.tiles,
                "files": report_files(region),
                "simulated": bool(here.region.simulate),
            }
            | imagery_settings(region)
        )
    shown = CONFIG.report.model_dump(mode="json")
    return {"regions": regions, "transfers": finished_transfers(), "run": paths.RUN, "report": shown}


@canonical
def keep_run_settings(wildcards):
    return {"run": CONFIG.map.run, "regions": REGIONS}
