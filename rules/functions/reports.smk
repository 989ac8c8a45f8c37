# The report and the demo's own check.


def report_files(region):
    """The files of a region that the report reads, by what they are; None where the region has no such file."""
    here, folder = plan(region), f"results/{region}"
    scored, mapped = bool(here.experiments), here.mapped
    segmentation, weak = next(iter(here.mined_from), (None, None))
    return {
        "experiments": f"{folder}/experiments.csv" if scored else None,
        "differences": f"{folder}/differences.csv" if scored else None,
        "selected": f"{folder}/selected.json" if scored else None,
        "map_scores": f"{folder}/scores/map.json" if mapped and here.region.labels else None,
        "area": f"{folder}/map/area.json" if mapped else None,
        "accuracy": f"{folder}/accuracy.csv" if mapped and here.region.sample else None,
        "labels": f"{folder}/labels/labels.parquet" if here.region.labels else None,
        "splits": f"{folder}/labels/splits.csv" if here.region.labels else None,
        "truth_check": f"{folder}/truth_check.csv" if here.trained and here.region.simulate else None,
        "maps": [f"{folder}/map/{tile}.tif" for tile in here.tiles] if mapped else [],
        "images": {tile: files["images"] for tile, files in here.files.items()},
        "segments": {tile: f"{folder}/segments/{segmentation}/{tile}.tif" for tile in here.training_tiles if weak},
        "overlaps": {
            tile: f"{folder}/overlaps/{segmentation}/{weak}/{tile}.parquet" for tile in here.training_tiles if weak
        },
        "mined": here.mined[next(iter(here.mined))] if here.mined else None,
        "weak": (
            {
                "name": weak,
                "paths": list_weak_files(here.region, weak),
                "settings": weak_settings(region, weak),
                "registrations": registration_paths(region, weak, segmentation),
            }
            if weak
            else None
        ),
        "checks": f"{folder}/checks.json",
        "quicklooks": f"{folder}/checks.png",
        "audits": audits(region),
        "registrations": {
            f"{place[0]}/{place[1]}": f"{folder}/registrations/{place[0]}/{place[1]}.surfaces.json"
            for place in here.registered
        },
        "distances": f"{folder}/distances.json" if here.trained else None,
        "sweeps": finished_sweeps(region),
    }


def drawn_audit(wildcards):
    """The audit whose figure is named: two names with underscores can't be told apart in it."""
    return next(
        own for own in audits(wildcards.region).values() if own["figure"].endswith(f"/audit_{wildcards.audit}.png")
    )


def drawn_audit_table(wildcards):
    return drawn_audit(wildcards)["table"]


def drawn_audit_summary(wildcards):
    return drawn_audit(wildcards)["summary"]


def run_inputs(wildcards):
    """What the run leaves when it is done: verdicts, tables of experiments and maps."""
    verdicts = [f"results/{region}/checks.json" for region in REGIONS]
    tables = [f"results/{region}/experiments.csv" for region in REGIONS if plan(region).experiments]
    return verdicts + tables + [path for region in REGIONS for path in maps_wanted(region)]


def finished(files):
    """Those of some tables and figures, by name, that were made: a report shows them, but doesn't make them.

    They are no inputs, so that `all` trains nothing for them; the digest in the settings tells that one was made anew.
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
                "table": f"results/{region}/sweeps/{sweep}.csv",
                "figure": f"results/{region}/figures/sweep_{sweep}.png",
            }
            for sweep in plan(region).sweeps
        }
    )


def finished_transfers():
    return finished(
        {
            name: {"table": f"results/transfer/{name}.csv", "figure": f"results/transfer/figures/{name}.png"}
            for name in CONFIG.transfers
        }
    )


def report_inputs(wildcards):
    paths = []
    for region in REGIONS:
        pass_gates(region)
        files = report_files(region)
        for value in files.values():
            if isinstance(value, str):
                paths.append(value)
            elif isinstance(value, list):
                paths += value
        paths += [path for audit in files["audits"].values() for path in audit.values()]
        paths += files["registrations"].values()
        for segmentation, weak in plan(region).registered:
            paths += registration_paths(region, weak, segmentation)
        for key in ("images", "segments", "overlaps"):
            for value in files[key].values():
                paths += value if isinstance(value, list) else [value]
        paths += (files["weak"]["paths"] if files["weak"] else []) + mined_polygons(region)
    return list(dict.fromkeys(["results/run.json", *paths]))


def report_settings(wildcards):
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
    return {"regions": regions, "transfers": finished_transfers(), "run": "results/run.json", "report": shown}


def simulation_settings(wildcards):
    return {"simulation": plan(wildcards.region).region.simulate.model_dump(mode="json")}


def first_weak(wildcards):
    region = plan(wildcards.region).region
    return list_weak_files(region, next(iter(region.weak))) if region.weak else []


def first_registrations(wildcards):
    weak = next(iter(plan(wildcards.region).region.weak), None)
    return registrations(wildcards.region, weak, next(iter(CONFIG.segmentations))) if weak else []


def first_models(wildcards):
    here = plan(wildcards.region)
    return list(dict.fromkeys(model_path(wildcards.region, here.runs[name][0]) for name in here.trained))


def truth_settings(wildcards):
    region, here = wildcards.region, plan(wildcards.region)
    places = {path: place for place, path in enumerate(first_models(wildcards))}
    experiments = [{"name": name, "models": [places[model_path(region, here.runs[name][0])]]} for name in here.trained]
    weak = next(iter(here.region.weak), None)
    weak_only = [name for name in here.experiments if name not in here.trained]
    return tiles_settings(region, here.tiles) | {
        "experiments": experiments,
        "weak": weak_settings(region, weak) if weak else None,
        "weak_experiment": weak_only[0] if weak_only else None,
    }
