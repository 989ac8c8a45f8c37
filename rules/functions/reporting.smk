def audits(region):
    """The files of a region's audits: those of the weak maps that labels are mined from."""
    pairs = plan(region).mined_from if plan(region).region.labels else []
    return [
        AuditFiles(
            segmentation,
            weak,
            table=paths.AUDIT.format(region=region, segmentation=segmentation, weak=weak),
            summary=paths.AUDIT_SUMMARY.format(region=region, segmentation=segmentation, weak=weak),
            figure=paths.AUDIT_FIGURE.format(region=region, audit=f"{segmentation}_{weak}"),
        )
        for segmentation, weak in pairs
    ]


def sweep_figures(sweep):
    """The figures of a sweep in the regions that run its base."""
    return collect(paths.SWEEP_FIGURE, region=[name for name in REGIONS if sweep in plan(name).sweeps], sweep=sweep)


def finished(files):
    """Those of some tables and figures, by name, that were made: a report shows them, but doesn't make them.

    They are no inputs, so that `all` trains nothing for them; the digest in the settings changes with the table.
    """
    return {
        name: FigureFiles(table, figure, sha256(Path(table).read_bytes()).hexdigest()[:16])
        for name, (table, figure) in files.items()
        if Path(table).exists() and Path(figure).exists()
    }


def finished_sweeps(region):
    patterns = paths.SWEEP, paths.SWEEP_FIGURE
    return finished(
        {sweep: [pattern.format(region=region, sweep=sweep) for pattern in patterns] for sweep in plan(region).sweeps}
    )


def finished_transfers():
    patterns = paths.TRANSFER, paths.TRANSFER_FIGURE
    return finished({name: [pattern.format(transfer=name) for pattern in patterns] for name in CONFIG.transfers})


def report_files(region):
    """The files of a region that the report reads."""
    here = plan(region)
    scored, mapped = bool(here.experiments), here.mapped
    segmentation, weak = next(iter(here.mined_from), (None, None))

    def only(condition, pattern):
        return pattern.format(region=region) if condition else None

    def by_tile(pattern):
        names = {"region": region, "segmentation": segmentation, "weak": weak}
        return {tile: pattern.format(**names, tile=tile) for tile in here.training_tiles if weak}

    return RegionFiles(
        checks=paths.CHECKS.format(region=region),
        quicklooks=paths.QUICKLOOKS.format(region=region),
        images={tile: list(files["images"]) for tile, files in here.files.items()},
        experiments=only(scored, paths.EXPERIMENTS),
        differences=only(scored, paths.DIFFERENCES),
        selected=only(scored, paths.SELECTED),
        map_scores=only(mapped and here.region.labels, paths.MAP_SCORES),
        area=only(mapped, paths.AREA),
        accuracy=only(mapped and here.region.sample, paths.ACCURACY),
        labels=only(here.region.labels, paths.LABELS),
        splits=only(here.region.labels, paths.SPLITS),
        truth_check=only(here.trained and here.region.simulate, paths.TRUTH_CHECK),
        distances=only(here.trained, paths.DISTANCES),
        maps=collect(paths.MAP, region=region, tile=here.tiles) if mapped else [],
        segments=by_tile(paths.SEGMENTS),
        overlaps=by_tile(paths.OVERLAP),
        mined=here.mined[0] if here.mined else None,
        weak=weak_files(region, weak, segmentation) if weak else None,
        audits=audits(region),
        shifts=[
            ShiftFile(*pair, paths.REGISTRATION_EVIDENCE.format(region=region, segmentation=pair[0], weak=pair[1]))
            for pair in here.registered
        ],
        sweeps=finished_sweeps(region),
    )


def weak_files(region, weak, segmentation):
    source = weak_source(region, weak)
    return WeakFiles(weak, source.settings, source.files, registration_paths(region, weak, segmentation))


# What rules of this phase read.


def draw_audit_inputs(wildcards):
    figure = paths.AUDIT_FIGURE.format(**wildcards)
    audit = next(files for files in audits(wildcards.region) if files.figure == figure)
    return {"table": audit.table, "summary": audit.summary}


@canonical
def draw_sweep_settings(wildcards):
    return {"sweep": wildcards.sweep, "grid": CONFIG.sweeps[wildcards.sweep].model_dump(mode="json")["grid"]}


def write_card_weights(wildcards):
    """The exported weights of the networks that make the map; files of other kinds hold no pickle."""
    here = plan(wildcards.region)
    runs = here.final_runs[selected(wildcards.region)["experiment"]]
    networks = [run for run in runs if here.kind_of(run).is_network]
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
        files += report_files(region).list_inputs()
        for segmentation, weak in plan(region).registered:
            files += registration_paths(region, weak, segmentation)
        files += mined_polygons(region)
    return list(dict.fromkeys(files))


@canonical
def build_report_settings(wildcards):
    regions = []
    for region in REGIONS:
        own = plan(region).region
        definition = own.labels.definition if own.labels else None
        bands, simulated = list(own.bands), bool(own.simulate)
        regions.append(ReportRegion(region, definition, plan(region).tiles, bands, simulated, report_files(region)))
    return dump_settings(ReportSettings(regions, finished_transfers(), paths.RUN, CONFIG.report))


@canonical
def keep_run_settings(wildcards):
    return {"run": CONFIG.map.run, "regions": REGIONS}
